# A PostgreSQL server beside the live one, of a physical copy and the log since. Nothing of it is reachable but its socket.
# AT: the point in time, `2026-01-31 02:00:00+00`. COVERED: true where the log goes on until then, or beyond.
readonly point=/var/lib/postgresql/estate-point-$LIVE

as_owner() { runuser -u postgres -- "$@"; }
server_programs() { dirname "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -n 1)"; }

point_begin() {
  point_end
  install -d -m 0700 -o postgres -g postgres "$point" "$point/data" "$point/wal"
}
point_base() { as_owner tar -x -C "$point/data"; }
# point_log NAME: a file of the log from standard input.
point_log() { as_owner tee "$point/wal/$1" >/dev/null; }

# What a standby must have as much of as the server that wrote the log.
point_settings() {
  psql_on postgres -c "SELECT name || ' = ' || setting FROM pg_settings
    WHERE name IN ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')"
  # No preloaded library: jobs of the live server's schedule must not run here.
  cat <<CONF
listen_addresses = ''
unix_socket_directories = '$point'
hba_file = '$point/hba.conf'
ident_file = '$point/ident.conf'
shared_buffers = '64MB'
hot_standby = off
archive_mode = off
fsync = off
autovacuum = off
restore_command = 'cp "$point/wal/%f" "%p"'
recovery_target_action = 'promote'
CONF
}

point_start() {
  point_settings >"$point/server.conf"
  : >"$point/ident.conf"
  echo 'local all postgres peer' >"$point/hba.conf"
  rm -f "$point/data/postmaster.pid" "$point/data/standby.signal"
  : >"$point/data/postgresql.auto.conf"
  : >"$point/data/recovery.signal"
  chown -R postgres:postgres "$point"
  if point_recover "recovery_target_time = '$AT'"; then return; fi
  # Nothing was written after the target: everything that there is of the log is before it.
  if [ "$COVERED" = true ] && grep -q 'before configured recovery target was reached' "$point/log"; then
    : >"$point/data/recovery.signal"
    if point_recover '# to the end of the log'; then point_whole; return; fi
  fi
  grep -E 'FATAL|PANIC|LOG: .*(invalid|unrecognized|parameter)' "$point/log" | tail -n 2 >&2
  return 1
}
# To its end PostgreSQL reads as far as it finds files one after the other, and does not mind that there are more.
point_whole() {
  local first last
  first=$(sed -n 's/^START WAL LOCATION: .*(file \(.*\))$/\1/p' "$point/data/backup_label.old")
  last=$(find "$point/wal" -type f -regextype posix-extended -regex '.*/[0-9A-F]{24}' -printf '%f\n' | sort | tail -n 1)
  # What was sent late, of before the copy, is not asked for.
  [[ -n $first && $last < $first ]] && return
  grep -q "restored log file \"$last\"" "$point/log" && return
  echo "the log ends before $last, though the bucket has more of it: a file after the physical copy is missing" >&2
  return 1
}
point_recover() {
  echo "$1" >"$point/target.conf"
  cat "$point/server.conf" "$point/target.conf" >"$point/postgresql.conf"
  chown postgres:postgres "$point/data/recovery.signal" "$point"/*.conf
  : >"$point/log"
  chown postgres:postgres "$point/log"
  as_owner "$(server_programs)/pg_ctl" start -D "$point/data" -l "$point/log" -w -t 3600 \
    -o "-c config_file=$point/postgresql.conf" >/dev/null 2>&1 || return 1
  # pg_ctl waits for the start of the recovery and not for its end.
  until on_point -d postgres -c 'SELECT 1' >/dev/null 2>&1; do
    as_owner "$(server_programs)/pg_ctl" status -D "$point/data" >/dev/null || return 1
    sleep 0.3
  done
}

on_point() { as_owner psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$point" -p 5432 "$@"; }
# TABLE<tab>ROWS, as count_rows.
point_count() {
  psql_on() { shift; on_point -d "$LIVE" "$@"; }
  count_rows
}
# point_load [OPTION...]: from there into the scratch database.
point_load() { as_owner pg_dump -Fc --compress=0 -h "$point" -p 5432 -d "$LIVE" | load "$@"; }

point_end() {
  [ ! -e "$point" ] || [ ! -e "$point/data/postmaster.pid" ] ||
    as_owner "$(server_programs)/pg_ctl" stop -D "$point/data" -m immediate >/dev/null 2>&1 || true
  rm -rf "$point"
}
