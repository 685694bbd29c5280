# MariaDB: dumps, physical copies, binary logs. Root of the host comes in by the socket.

client() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --skip-column-names "$@"; }
server_version() { client -e 'SELECT @@version'; }
dump_version() { mariadb-dump --version | sed 's/^ *//'; }
extension_of() { echo sql; }

# dump DATABASE ROWS: the dump to standard output, rows of each table to the file ROWS as JSON.
dump() {
  local database=$1 rows=$2 pipe
  if [ "$database" = _accounts ]; then
    echo '{}' >"$rows"
    mariadb-dump --no-defaults --skip-ssl --protocol=socket --system=users
    return
  fi
  pipe="$work/counted"
  rm -f "$pipe"
  mkfifo "$pipe"
  # Counted in the dump itself, so it is the snapshot's number: each row is a line of its own that begins with "(". What stands
  # between delimiters of its own is code of a trigger or routine, whatever its lines look like.
  awk '
    follow && /^\(/ { rows[table]++; if (/;$/) follow = 0; next }
    /^DELIMITER / { code = ($2 != ";") }
    code { next }
    /^CREATE TABLE `/ { table = $0; sub(/^CREATE TABLE `/, "", table); sub(/`.*/, "", table); rows[table] += 0 }
    /^INSERT INTO `/ {
      table = $0; sub(/^INSERT INTO `/, "", table); sub(/`.*/, "", table)
      if (/VALUES \(/) rows[table]++
      follow = !/;$/
    }
    /^-- Dump completed/ { whole = 1 }
    END {
      if (!whole) { print "the dump has no end" >"/dev/stderr"; exit 1 }
      for (name in rows) printf "%s\t%d\n", name, rows[name]
    }' <"$pipe" | jq -Rn '[inputs | split("\t") | {(.[0]): (.[1] | tonumber)}] | add // {}' >"$rows" &
  local counter=$!
  mariadb-dump --no-defaults --skip-ssl --protocol=socket --single-transaction --quick --routines --triggers --events \
    --hex-blob --skip-dump-date --comments --default-character-set=utf8mb4 "$database" | tee "$pipe"
  wait "$counter"
}

logs_changes() { [ "$(client -e 'SELECT @@log_bin')" = 1 ]; }

# The copy says in itself where in the binary log it stands.
physical_copy() {
  local target
  target=$(mktemp -d "$state/base.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$target'" EXIT
  mariadb-backup --no-defaults --backup --stream=mbstream --target-dir="$target" --socket=/run/mysqld/mysqld.sock --user=root
}
readonly copy_extension=mbstream

# Logs of one life of this server: another life counts its files from 1 again.
epoch() {
  local born
  born=$(stat -c %W /var/lib/mysql/mysql)
  [ -e "$state/epoch-$born" ] || date -u +%Y%m%dT%H%M%SZ >"$state/epoch-$born"
  cat "$state/epoch-$born"
}

# Prints the closed logs, oldest first. A new one is begun before, so what happened until now is in a closed one.
closed_logs() {
  local directory current log
  client -e 'FLUSH BINARY LOGS'
  directory=$(client -e 'SELECT @@log_bin_basename')
  directory=${directory%/*}
  current=$(client -e 'SHOW MASTER STATUS' | cut -f1)
  client -e 'SHOW BINARY LOGS' | while read -r log _; do
    [ "$log" = "$current" ] || printf '%s\n' "$directory/$log"
  done
}
forget_log() { :; }
