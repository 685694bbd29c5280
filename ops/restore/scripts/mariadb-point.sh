# A MariaDB server beside the live one, of a physical copy and the binary logs since. It runs as estate-restore and has no network: what
# is in the copy and in the logs has power over it alone. AT: the point in time, `2026-01-31 02:00:00` in UTC.
# Pasted, each checked or constant: LIVE first offset until
readonly point=/var/lib/estate-point-$LIVE
# Root writes nowhere but here: in a directory of estate-restore's a link could lead anywhere.
readonly own=$point/own

point_begin() {
  point_end
  install -d -m 0711 "$point"
  install -d -m 0700 "$own"
  install -d -m 0710 -o estate-restore -g estate-backup "$point/run"
  install -d -m 0700 -o estate-restore -g estate-restore "$point/data" "$point/log"
}
point_base() { as estate-restore mbstream -x -C "$point/data"; }
# point_log NAME: a file of the log from standard input.
point_log() {
  [[ $1 =~ ^[A-Za-z][A-Za-z0-9_-]*\.[0-9]{6,}$ ]] || { tell "a file of the log has a name that is none"; return 1; }
  as estate-restore tee "$point/log/$1" >/dev/null
}

# The logs are read as a server reads what its primary sends (a relay log), by the server of the copy itself: no client takes apart what a
# service wrote, and what lies in the log of other databases changes nothing here.
point_start() {

  local position file offset log logs=() stop
  as estate-restore mariadb-backup --no-defaults --prepare --target-dir="$point/data" >"$own/prepare.log" 2>&1 ||
    { tell "the physical copy cannot be made ready: $(grep -oE 'InnoDB: [A-Za-z ]+' "$own/prepare.log" | tail -n 1)"; return 1; }
  position=$(as estate-restore cat "$point/data/mariadb_backup_binlog_info" 2>/dev/null || as estate-restore cat "$point/data/xtrabackup_binlog_info" 2>/dev/null || true)
  read -r file offset _ <<<"$position" || true
  [[ ${file:-} =~ ^[A-Za-z][A-Za-z0-9_-]*\.[0-9]{6,}$ && ${offset:-} =~ ^[0-9]+$ ]] ||
    { tell "the physical copy does not say where it stands in the binary log"; return 1; }
  while IFS= read -r -d '' log; do
    if [[ ! ${log##*/} < $file ]]; then logs+=("$log"); fi
  done < <(find "$point/log" -type f -print0 | sort -z)
  [ "${logs[0]:-}" = "$point/log/$file" ] || { tell "the binary log $file, where the physical copy stands, is missing"; return 1; }
  stop=$(confined "$ROWS_SECONDS" as estate-restore env ESTATE_MARK="$ESTATE_MARK" perl -we "$STOP_AT" -- "$LIVE" "$(date -u -d "$AT" +%s)" "$WHOLE" "${logs[@]}") || return 1
  [[ $stop =~ ^([0-9]+\ [0-9]+)?$ ]] || { tell "the binary log does not say where it ends"; return 1; }
  for log in "${!logs[@]}"; do
    as estate-restore mv -- "${logs[log]}" "$point/log/$(relay "$log")"
    printf '%s\n' "$point/log/$(relay "$log")"
  done | as estate-restore tee "$point/log/relay.index" >/dev/null
  point_server
  replay "$offset" "$stop"
}
relay() { printf 'relay.%06d' "$(($1 + 1))"; }

# Where to end, of the log's files in order: the number of a file and the place in it of the first change that was committed at AT or later;
# nothing: at their end. A session may give its changes any time, so a file that lay in the bucket before AT, WHOLE and those before it, is
# not asked, and of the others no change that is in other databases alone. Needs: LIVE, AT in seconds, WHOLE, the files.
# shellcheck disable=SC2016
readonly STOP_AT='
use strict;
sub refuse { print STDERR "$ENV{ESTATE_MARK}: $_[0]\n"; exit 1 }
my ($live, $at, $whole, @logs) = @ARGV;
for my $number (0 .. $#logs) {
  my ($name) = $logs[$number] =~ m{([^/]+)\z};
  next if $name le $whole;
  my ($magic, $head, $body, $place, $begin, @databases) = ("", "", "", 4);
  my $end = sub { if (defined $begin and !@databases || grep { $_ eq $live } @databases) { print "$number $begin\n"; exit } };
  open(my $log, "<:raw", $logs[$number]) or refuse("$name cannot be read");
  read($log, $magic, 4) == 4 && $magic eq "\xfebin" or refuse("$name is no binary log");
  while (my $got = read($log, $head, 19)) {
    my ($when, $type, $server, $size) = $got == 19 ? unpack("VCVV", $head) : ();
    refuse("$name is cut") unless defined $size and $size >= 19 and $place + $size <= -s $log;
    # Each change, or all of a transaction, begins with its number (GTID), which has the time of its commit.
    if ($type == 162) {
      $end->();
      ($begin, @databases) = $when >= $at ? $place : undef;
    }
    # A statement, one that is packed, and what says of which table the next rows are.
    if (defined $begin and $type == 2 || $type == 165 || $type == 19) {
      read($log, $body, $size - 19 < 66000 ? $size - 19 : 66000) or refuse("$name cannot be read");
      my ($length, $status) = $type == 19 ? (unpack("x8 C", $body), 0) : (unpack("x8 C x2 v", $body));
      my $database = substr($body, ($type == 19 ? 9 : 13) + $status, $length);
      # Where the session was in none the statement names it.
      push @databases, $database eq "" && ($type == 165 || index($body, $live) >= 0) ? $live : $database;
    }
    $place += $size;
    seek($log, $place, 0) or refuse("$name cannot be read");
  }
  $end->();
}
'

# replay OFFSET "[FILE PLACE]": from OFFSET of the first file. Rows that only the memory of the live server had may be changed and be gone,
# which is no fault where the database has such tables (MEMORY).
replay() {
  local offset=$1 stop=$2 until="" running errno doing first
  first=$(relay 0)
  local -r SOCKET="$point/run/socket"
  if [ -n "$stop" ]; then
    if [ "${stop% *}" = 0 ] && ((${stop#* } <= offset)); then return; fi
    until="UNTIL RELAY_LOG_FILE = '$(relay "${stop% *}")', RELAY_LOG_POS = ${stop#* }"
  fi
  root_sql <<SQL
CHANGE MASTER TO MASTER_HOST = 'nobody', MASTER_USE_GTID = no, RELAY_LOG_FILE = '$first', RELAY_LOG_POS = $offset;
SELECT IF(COUNT(*) > 0, 'IDEMPOTENT', 'STRICT') INTO @mode FROM information_schema.tables WHERE table_schema = '$LIVE' AND engine = 'MEMORY';
SET GLOBAL slave_exec_mode = @mode;
START SLAVE SQL_THREAD $until;
SQL
  while sleep 0.2; do
    # Of each field the first line: those that come before an error's text nobody can forge, and without an error there is no text.
    read -r running errno doing < <(root_sql --column-names <<<'SHOW SLAVE STATUS\G' | awk '
      { name = $1; sub(/^ *[^ ]+ ?/, "") }
      !(name in value) { value[name] = $0 }
      END { print value["Slave_SQL_Running:"], value["Last_Errno:"], value["Slave_SQL_Running_State:"] }') || return 1
    case $running:$errno:$doing in
    Yes:0:"Slave has read all relay log"*) [ -n "$until" ] || return 0 ;;
    Yes:0:*) ;;
    No:0:*) [ -z "$until" ] || return 0
      break ;;
    *) break ;;
    esac
  done
  tell "the log cannot be replayed (the server's error ${errno:-unknown})"
  return 1
}

# Who may come in is what we say here, whatever stands in the copy. What a session may allow itself, and no log says, is allowed: a statement
# that is refused here ends the recovery.
point_server() {
  # Rights are the server's: a view is made with those that its definer had then.
  # A routine of a database that was made since is a statement of no table, and finds no database (1049).
  # A restore since the copy has brought tables from one of its own databases into this, and the other way.
  local own_tables=${LIVE//_/\\_}
  install -m 0400 -o estate-restore -g estate-restore /dev/stdin "$point/init.sql" <<'SQL'
CREATE OR REPLACE USER root@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;
CREATE OR REPLACE USER 'estate-restore'@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON *.* TO 'estate-restore'@localhost WITH GRANT OPTION;
SQL
  point_apart PATH=/usr/sbin:/usr/bin:/bin mariadbd --no-defaults --datadir="$point/data" --socket="$point/run/socket" \
    --pid-file="$point/run/pid" --init-file="$point/init.sql" --skip-networking --skip-log-bin --event-scheduler=off --local-infile=off \
    --skip-slave-start --replicate-same-server-id --slave-skip-errors=1049 --replicate-wild-do-table="$own_tables.%" \
    --replicate-wild-do-table=mysql.% --replicate-wild-do-table="${own_tables}\\_\\_restoring.%" --replicate-wild-do-table="${own_tables}\\_\\_replaced\\_%.%" \
    --relay-log="$point/log/relay" --relay-log-index="$point/log/relay.index" --relay-log-purge=0 --secure-file-priv="$point/run" \
    --max-allowed-packet=1G --innodb-strict-mode=OFF --system-versioning-alter-history=KEEP --innodb-flush-log-at-trx-commit=0
  for _ in $(seq 600); do
    if SOCKET="$point/run/socket" root_sql <<<'SELECT 1' >/dev/null 2>&1; then return 0; fi
    point_lives || { tell "the server of the physical copy does not start: $(grep -oE '\[ERROR\] [A-Za-z: ]+' "$own/server.log" | tail -n 1)"; return 1; }
    sleep 0.5
  done
  tell "the server of the physical copy does not answer"
  return 1
}

# As count_rows.
point_count() (
  set -euo pipefail
  SOCKET="$point/run/socket"
  reader_account "$LIVE"
  reader --raw "$LIVE" <<<"$COUNT_ROWS" | jq -cs 'add // {}'
)
# A line for each table whose rows are nowhere but in the memory of the live server.
point_notes() (
  set -euo pipefail
  SOCKET="$point/run/socket"
  reader_account "$LIVE"
  reader --raw "$LIVE" <<<"SELECT CONCAT('table ', JSON_QUOTE(table_name), ' is kept in memory: it comes back empty')
    FROM information_schema.tables WHERE table_schema = DATABASE() AND engine = 'MEMORY' ORDER BY 1"
)
# point_load [OPTION...]: from there into the scratch database.
point_load() {
  (SOCKET="$point/run/socket"; dump_stream "$LIVE" "$own/rows" "$own/code") | load "$@"
}

point_end() {
  point_stop
  rm -rf "$point"
}
