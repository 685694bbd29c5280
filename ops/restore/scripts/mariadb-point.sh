# A MariaDB server beside the live one, of a physical copy and the binary logs since. Nothing of it is reachable but its socket.
# AT: the point in time, `2026-01-31 02:00:00` in UTC.
readonly point=/var/lib/estate-point-$LIVE

on_point() { mariadb --no-defaults --skip-ssl --socket="$point/socket" --batch --raw --skip-column-names "$@"; }

point_begin() {
  point_end
  install -d -m 0700 -o mysql -g mysql "$point" "$point/data" "$point/log"
}
point_base() { mbstream -x -C "$point/data"; }
# point_log NAME: a file of the log from standard input.
point_log() { tee "$point/log/$1" >/dev/null; }

point_start() {
  local position file offset logs=() found=false log
  mariadb-backup --no-defaults --prepare --target-dir="$point/data" 2>"$point/prepare.log" || { tail -n 2 "$point/prepare.log" >&2; return 1; }
  position=$(cat "$point"/data/*_binlog_info 2>/dev/null | head -n 1)
  read -r file offset _ <<<"$position"
  [ -n "$offset" ] || { echo "the physical copy does not say where it stands in the binary log" >&2; return 1; }
  chown -R mysql:mysql "$point"
  mariadbd --no-defaults --user=mysql --datadir="$point/data" --socket="$point/socket" --pid-file="$point/pid" --skip-networking \
    --skip-log-bin --event-scheduler=off --innodb-flush-log-at-trx-commit=0 >"$point/server.log" 2>&1 </dev/null &
  for _ in $(seq 600); do
    on_point -e 'SELECT 1' >/dev/null 2>&1 && break
    kill -0 $! 2>/dev/null || { grep ERROR "$point/server.log" | tail -n 2 >&2; return 1; }
    sleep 0.5
  done
  for log in "$point"/log/*; do
    [ "${log##*/}" = "$file" ] && found=true
    [ "$found" = false ] || logs+=("$log")
  done
  [ "$found" = true ] || { echo "the binary log $file, where the physical copy stands, is missing" >&2; return 1; }
  TZ=UTC mariadb-binlog --no-defaults --start-position="$offset" --stop-datetime="$AT" "${logs[@]}" | on_point --binary-mode
}

# TABLE<tab>ROWS, as count_rows.
point_count() {
  local SCRATCH=$LIVE
  sql() { on_point "$@"; }
  count_rows
}
# point_load [OPTION...]: from there into the scratch database.
point_load() {
  mariadb-dump --no-defaults --skip-ssl --socket="$point/socket" --single-transaction --quick --routines --events --triggers --hex-blob \
    --default-character-set=utf8mb4 "$LIVE" | load "$@"
}

point_end() {
  if [ -e "$point/pid" ]; then
    kill -9 "$(cat "$point/pid")" 2>/dev/null || true
    sleep 0.2
  fi
  rm -rf "$point"
}
