# PostgreSQL: dumps, physical copies, write-ahead log, as the cluster's own user over the socket: row-level security hides
# nothing from it.

client() { runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$PORT" "$@"; }
server_version() { client -d postgres -c 'SHOW server_version'; }
dump_version() { pg_dump --version; }
extension_of() { if [ "$1" = _accounts ]; then echo sql; else echo pgdump; fi; }

# dump DATABASE ROWS: the dump to standard output, rows of each table to the file ROWS as JSON. Both of one snapshot.
dump() {
  local database=$1 rows=$2 snapshot
  if [ "$database" = _accounts ]; then
    echo '{}' >"$rows"
    runuser -u postgres -- pg_dumpall --globals-only -h /var/run/postgresql -p "$PORT"
    return
  fi
  coproc KEEPER { client -d "$database"; }
  local keeper=$KEEPER_PID
  echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();" >&"${KEEPER[1]}"
  read -r -t 60 snapshot <&"${KEEPER[0]}" || { echo "no snapshot of $database" >&2; return 1; }
  # Counted while the dump is made.
  cat >&"${KEEPER[1]}" <<'SQL'
SELECT coalesce(json_object_agg(n.nspname || '.' || c.relname,
    (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM ONLY %I.%I', n.nspname, c.relname),
      false, true, '')))[1]::text::bigint), '{}')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$)';
SQL
  # Compressed once, by zstd, and not by pg_dump as well.
  runuser -u postgres -- pg_dump -Fc --compress=0 --snapshot="$snapshot" -h /var/run/postgresql -p "$PORT" -d "$database"
  local line
  IFS= read -r -t 600 line <&"${KEEPER[0]}" || { echo "the rows of $database were not counted" >&2; return 1; }
  # json_object_agg may break its answer into lines; jq is the judge of whether it is whole.
  until jq -e . <<<"$line" >/dev/null 2>&1; do
    local more
    IFS= read -r -t 60 more <&"${KEEPER[0]}" || { echo "the rows of $database were not counted" >&2; return 1; }
    line+=$more
  done
  jq -c . <<<"$line" >"$rows"
  eval "exec ${KEEPER[1]}>&-"
  wait "$keeper" || true
}

logs_changes() { [ "$(client -d postgres -c 'SHOW archive_mode')" = on ]; }

# With the log that it needs to be whole by itself.
physical_copy() {
  runuser -u postgres -- pg_basebackup -h /var/run/postgresql -p "$PORT" -D - -F tar -X fetch --checkpoint=fast --no-manifest
}
readonly copy_extension=tar

# Logs of one life of this cluster: another one counts its segments from 1 again.
epoch() { client -d postgres -c 'SELECT system_identifier FROM pg_control_system()'; }

# What the server has handed over (estate-wal); a new segment is begun before, so what happened until now is in one of them.
closed_logs() {
  local until wait=0
  until=$(client -d postgres -c 'SELECT pg_walfile_name(pg_switch_wal())')
  # Where nothing has happened since the last one it is the segment in use, which nobody waits for.
  until [ "$(client -d postgres -c "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '[.]ready$' AND name <= '$until.ready'")" = 0 ]; do
    if ((++wait > 100)); then
      echo "the server does not hand over its log up to $until: look at its messages for archive_command" >&2
      return 1
    fi
    sleep 0.3
  done
  find "$LOCAL/wal" -maxdepth 1 -type f -regextype posix-extended -regex '.*/[0-9A-F]{8}[0-9A-F.a-z]*' ! -name '*.part' | sort
}
forget_log() { rm -f "$1"; }
