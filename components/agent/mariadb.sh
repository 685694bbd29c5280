# MariaDB: dumps, physical copies, binary logs. What reads a service's data runs as estate-backup, which can only read.
# Pasted, each checked or constant: owner target 1 COPY_WAIT
source "$lib/mariadb-stream.sh"
source "$lib/mariadb-make.sh"
source "$lib/mariadb-proof.sh"

server_version() { root_sql <<<'SELECT @@version'; }
dump_version() { mariadb-dump --version | sed 's/^ *//'; }
extension_of() { echo sql; }

# dump DATABASE ROWS: the dump to standard output, rows of each table to the file ROWS as JSON.
dump() {
  local database=$1 rows=$2
  if [ "$database" = _accounts ]; then
    echo '{}' >"$rows"
    # The server's own tables, with the hashes of passwords: nothing in them is a service's.
    mariadb-dump --no-defaults --skip-ssl --protocol=socket --socket="$SOCKET" --system=users
    return
  fi
  dump_stream "$database" "$rows" "$work/code.jsonl" "$work/structure.json"
  accounts >"$work/accounts.json"
  reader --raw "$database" <<<"$INEXACT" >"$work/inexact.jsonl"
  jq -s --slurpfile accounts "$work/accounts.json" --slurpfile inexact "$work/inexact.jsonl" "$CODE_NOTES" "$work/code.jsonl" >"$work/notes.json"
}

# shellcheck disable=SC2016
readonly CODE_NOTES=$ABOUT_CODE'
[($inexact[] | "table " + (.table | shown) + ": column " + (.column | shown) + if .why == "float"
    then " is a FLOAT, which a dump tells with six digits: some of its values come back as others. DOUBLE is told whole"
    else " holds characters that Unicode does not have: they come back as others" end),
  (.[] | (.kind + " " + (.name | shown)) as $what
  | (select(.broken) | $what + " is broken: the server cannot open it; it will not come back"),
    (select(.definer and (.broken | not)) | select(.definer as $d | $accounts[0] | any(. == $d) | not) | $what + ": there is no account of its definer; it will come back as the service"))]'

logs_changes() { [ "$(root_sql <<<'SELECT @@log_bin')" = 1 ]; }

# The copy says in itself where in the binary log it stands. mariadb-backup opens the server's files, and some of them for writing, so it
# is their owner (mysql), without anything of root's. Its account on the server is of that name, for the socket asks for it; where the
# distribution has none it is there for the time of the copy.
physical_copy() (
  set -euo pipefail
  local target owner directory self=$BASHPID
  directory=$(root_sql <<<'SELECT @@datadir')
  owner=$(stat -c %U "$directory")
  declared_name "$owner"
  target=$(mktemp -d /run/estate-copy.XXXXXX)
  # shellcheck disable=SC2064
  trap "rm -rf '$target'" EXIT
  chown "$owner:" "$target"
  if [ "$(root_sql <<<"SELECT COUNT(*) FROM mysql.global_priv WHERE user = '$owner' AND host = 'localhost'")" = 0 ]; then
    # shellcheck disable=SC2064
    trap "rm -rf '$target'; root_sql <<<\"SET SESSION sql_log_bin = 0; DROP USER IF EXISTS '$owner'@localhost\"" EXIT
    root_sql <<SQL
SET SESSION sql_log_bin = 0;
CREATE USER '$owner'@localhost IDENTIFIED VIA unix_socket;
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO '$owner'@localhost;
SQL
  fi
  give_up_waiting "$owner" "$self" >/dev/null &
  as "$owner" mariadb-backup --no-defaults --backup --stream=mbstream --target-dir="$target" --socket="$SOCKET" --user="$owner"
)
# give_up_waiting USER PID: a statement that writes a table of MyISAM or Aria keeps a copy waiting, and while that waits nobody makes or
# changes a table. After COPY_WAIT seconds its session ends. mariadb-backup's own limit would wait for every statement, of InnoDB too.
give_up_waiting() {
  local ended
  while sleep 1 && kill -0 "$2" 2>/dev/null; do
    ended=$(root_sql 2>/dev/null <<SQL
DELIMITER //
FOR o IN (SELECT id FROM information_schema.processlist WHERE user = '$1' AND info LIKE 'BACKUP STAGE%' AND state LIKE 'Waiting for backup%'
    AND time >= $COPY_WAIT) DO
  EXECUTE IMMEDIATE CONCAT('KILL ', o.id);
  SELECT o.id;
END FOR//
SQL
    ) || true
    [ -z "$ended" ] || tell "a statement that writes a table of MyISAM or Aria has kept the copy waiting for $COPY_WAIT s"
  done
}
: "${COPY_WAIT:=60}"
readonly copy_extension=mbstream

# It writes again every minute for as long as its disk is full, and lets nobody in meanwhile.
waits_for_room() { no_room /var/lib/mysql; }

# Logs of one life of this server: another life counts its files from 1 again.
epoch() {
  local born
  born=$(stat -c %W /var/lib/mysql/mysql)
  [ -s "$state/epoch-$born" ] || date -u +%Y%m%dT%H%M%SZ | whole "$state/epoch-$born"
  cat "$state/epoch-$born"
}

# Prints the closed logs, oldest first. A new one is begun before, so what happened until now is in a closed one.
closed_logs() {
  local directory current log
  root_sql <<<'FLUSH BINARY LOGS'
  directory=$(root_sql <<<'SELECT @@log_bin_basename')
  directory=${directory%/*}
  current=$(root_sql <<<'SHOW MASTER STATUS' | cut -f1)
  root_sql <<<'SHOW BINARY LOGS' | while IFS=$'\t' read -r log _; do
    [ "$log" = "$current" ] || printf '%s\n' "$directory/$log"
  done
}
forget_log() { :; }
