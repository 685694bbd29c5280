# A PostgreSQL server beside the live one, of a physical copy and the log since: what the bucket holds, run by a system user that owns
# nothing else, without a network. Nothing of it is reachable but its socket.
# AT: the point in time, `2026-01-31 02:00:00+00`. COVERED: true where the log goes on until then, or beyond.
readonly point=/var/lib/postgresql/estate-point-$LIVE
# Root writes nowhere but here and in $point itself: in a directory of estate-restore's a link could lead anywhere.
readonly own=$point/own

readonly as_owner=(runuser -u estate-restore -- env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent)
as_owner() { "${as_owner[@]}" "$@"; }
# What the copy holds is not to be trusted: root follows none of its names, and writes to none.
in_point() { as_owner tee "$point/$1" >/dev/null; }
in_conf() { (umask 022; cat >"$point/$1"); }
point_program() { as_owner PGHOST="$point/run" PGPORT=5432 PGPASSFILE=/nonexistent PGOPTIONS="$(tr '\n' ' ' <<<"$pinned_settings$newer_settings $reading")" "$@"; }

point_begin() {
  point_end
  mkdir -m 0711 "$point"
  install -d -m 0700 "$own"
  install -d -m 0700 -o estate-restore -g estate-restore "$point/data" "$point/wal" "$point/run"
}
point_base() { as_owner tar -x --no-same-owner -C "$point/data"; }
# point_log NAME: a file of the log from standard input.
point_log() {
  [[ $1 =~ ^([0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)$ ]] || { tell "a file of the log has a name that PostgreSQL gives to none"; return 1; }
  in_point "wal/$1"
}

# What a standby must have as much of as the server that wrote the log.
point_settings() {
  server_do -c "SELECT name || ' = ' || setting FROM pg_settings
    WHERE name IN ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')"
  # No preloaded library: jobs of the live server's schedule must not run here.
  cat <<CONF
listen_addresses = ''
unix_socket_directories = '$point/run'
dynamic_shared_memory_type = mmap
hba_file = '$point/hba.conf'
ident_file = '$point/ident.conf'
shared_buffers = '64MB'
hot_standby = off
archive_mode = off
fsync = off
autovacuum = off
ssl = off
shared_preload_libraries = ''
restore_command = 'cp "$point/wal/%f" "%p"'
recovery_target_action = 'promote'
CONF
}

point_start() {
  find_programs
  point_settings | in_conf server.conf
  printf 'point estate-restore %s\n' postgres estate_backup | in_conf ident.conf
  echo 'local all all peer map=point' | in_conf hba.conf
  # As PostgreSQL itself has listed it when it was made; an older one has no list.
  if as_owner test -f "$point/data/backup_manifest"; then
    as_owner "$programs/pg_verifybackup" --quiet --no-parse-wal "$point/data" || { tell "the physical copy is not what PostgreSQL listed of it"; return 1; }
  fi
  as_owner rm -f "$point/data/postmaster.pid" "$point/data/standby.signal" "$point/data/postgresql.auto.conf"
  : | in_point data/postgresql.auto.conf
  : | in_point data/recovery.signal
  if point_recover "recovery_target_time = '$AT'"; then return; fi
  # Nothing was written after the target: everything that there is of the log is before it.
  if [ "$COVERED" = true ] && grep -q 'before configured recovery target was reached' "$own/server.log"; then
    : | in_point data/recovery.signal
    if point_recover '# to the end of the log'; then point_whole; return; fi
  fi
  tell "PostgreSQL did not start from the physical copy: $(grep -oE '(FATAL|PANIC): +(recovery ended before|could not (locate|find|open)|requested timeline|database system|the database|[a-z ]*WAL)[A-Za-z ]*' "$own/server.log" | tail -n 1)"
  return 1
}
# To its end PostgreSQL reads as far as it finds files one after the other, and does not mind that there are more.
point_whole() {
  local first last
  first=$(as_owner sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p' "$point/data/backup_label.old")
  last=$(as_owner find "$point/wal" -type f -regextype posix-extended -regex '.*/[0-9A-F]{24}' -printf '%f\n' | sort | tail -n 1)
  # What was sent late, of before the copy, is not asked for.
  [[ -n $first && $last < $first ]] && return
  grep -qF "restored log file \"$last\"" "$own/server.log" && return
  tell "the log ends before $last, though the bucket has more of it: a file after the physical copy is missing"
  return 1
}
point_recover() {
  { cat "$point/server.conf"; echo "$1"; } | in_conf postgresql.conf
  point_apart PATH=/usr/bin:/bin "$programs/postgres" -D "$point/data" -c config_file="$point/postgresql.conf"
  # It takes nobody before the end of the recovery.
  until on_point -d postgres -c 'SELECT 1' >/dev/null 2>&1; do
    point_lives || return 1
    sleep 0.3
  done
}

# As the login that can only read, where the copy knows it already.
point_role() { as_owner PGHOST="$point/run" PGPORT=5432 "$programs/psql" -X -qAt -U estate_backup -d postgres -c 'SELECT 1' >/dev/null 2>&1 && echo estate_backup || echo postgres; }
on_point() { point_program "$programs/psql" -X -q -A -t -v ON_ERROR_STOP=1 -U postgres "$@"; }
# As count_rows.
point_count() {
  find_programs
  row_counts | counted_in point_program "$programs/psql" -X -q -A -t -v ON_ERROR_STOP=1 -U "$(point_role)" -d "$LIVE"
}
# A line for each table whose rows are in no log.
point_notes() {
  find_programs
  point_program "$programs/psql" -X -q -A -t -v ON_ERROR_STOP=1 -U "$(point_role)" -d "$LIVE" <<'SQL'
SELECT translate(format('table %I.%I is unlogged: no log has its rows, and it comes back empty', n.nspname, c.relname), E'\n\r', '  ')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1;
SQL
}
# point_load [--into]: from there into the scratch database.
point_load() {
  find_programs
  point_program "$programs/pg_dump" -Fc --compress=0 -U "$(point_role)" -d "$LIVE" | load "$@"
}

point_end() {
  point_stop
  rm -rf "$point"
}
