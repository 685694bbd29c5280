# PostgreSQL: dumps, physical copies, write-ahead log. What reads a service's data is a login that can only read, as a system
# user of its own: whatever a database holds, nothing in it is run with more power than that.
source "$lib/postgres-session.sh"
source "$lib/postgres-load.sh"
source "$lib/postgres-proof.sh"

server_version() { on_server -c 'SHOW server_version'; }
dump_version() { pg_program estate-backup estate_backup "$reading" pg_dump --version; }
extension_of() { if [ "$1" = _accounts ]; then echo sql; else echo pgdump; fi; }

# dump DATABASE ROWS: the dump to standard output, rows of each table to the file ROWS as JSON, what will not come back as it
# is to $work/notes.json. All of one snapshot. Fails where another session keeps a table locked for longer than LOCK_WAIT.
dump() {
  local database=$1 rows=$2 snapshot
  rm -f "$work/notes.json"
  if [ "$database" = _accounts ]; then
    echo '{}' >"$rows"
    # Without the passwords: `up` writes those anew, and whoever reads a dump cannot try them.
    pg_program estate-backup estate_backup "$reading" pg_dumpall --globals-only --no-role-passwords -d 'dbname=postgres'
    return
  fi
  coproc KEEPER { reading_from "$database" | count_lines; }
  local keeper=$KEEPER_PID
  echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();" >&"${KEEPER[1]}"
  read -r -t 120 snapshot <&"${KEEPER[0]}" || { echo "no snapshot of $database" >&2; return 1; }
  # Counted while the dump is made.
  { row_counts; dump_notes; left_out; } >&"${KEEPER[1]}"
  # Compressed once, by zstd, and not by pg_dump as well.
  pg_program estate-backup estate_backup "$reading" pg_dump -Fc --compress=0 --lock-wait-timeout="$LOCK_WAIT" \
    --snapshot="$snapshot" -d "$database" || return 1
  keeper_json >"$rows" || { echo "the rows of $database were not counted" >&2; return 1; }
  keeper_json >"$work/notes.json" || { echo "$database was not looked through" >&2; return 1; }
  keeper_json >"$work/left-out.json" || { echo "$database was not looked through" >&2; return 1; }
  if [ "$(cat "$work/left-out.json")" != '[]' ]; then
    tell "no dump holds what a service made a part of an extension: $(jq -r '.[:5] | join(", ")' "$work/left-out.json")"
    return 1
  fi
  eval "exec ${KEEPER[1]}>&-"
  wait "$keeper" || return 1
}

# json_agg breaks its answer into lines: the last one is a line of its own.
keeper_json() {
  local line text=''
  while IFS= read -r -t 7200 line <&"${KEEPER[0]}"; do
    [ "$line" != '~' ] || { jq -c . <<<"$text"; return; }
    text+=$line
  done
  return 1
}

# A JSON array of objects, and `~`: what pg_dump takes for its extension's script to make, rows included. What such a script makes is a
# superuser's, whoever called it; ALTER EXTENSION .. ADD takes only what is the caller's own.
left_out() {
  cat <<'SQL'
SELECT coalesce(json_agg(translate(pg_describe_object(d.classid, d.objid, 0), E'\n\r', '  ') ORDER BY d.classid, d.objid), '[]')
  FROM pg_depend d JOIN pg_shdepend s ON s.classid = d.classid AND s.objid = d.objid AND s.objsubid = 0 AND s.deptype = 'o'
    AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  JOIN pg_roles r ON r.oid = s.refobjid
  WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND NOT r.rolsuper;
\echo ~
SQL
}

# A JSON array of sentences, and `~`: what a restore does not bring back as it is.
dump_notes() {
  cat <<'SQL'
WITH owner AS (SELECT datdba FROM pg_database WHERE datname = current_database()), extension_objects AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), note (words) AS (
  SELECT format('index %s is not valid, and so not in the dump', indexrelid::regclass)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    WHERE NOT indisvalid AND t.relkind <> 'p' AND x.relkind <> 'I'
  UNION ALL SELECT format('%s %I.%I belongs to %s and comes back as the owner''s', CASE c.relkind WHEN 'S' THEN 'sequence'
      WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END, n.nspname, c.relname, pg_get_userbyid(c.relowner))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, owner
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relowner <> datdba AND c.relpersistence <> 't'
      AND n.nspname !~ '^(pg_|information_schema$)'
      AND ('pg_class'::regclass, c.oid) NOT IN (TABLE extension_objects)
  UNION ALL SELECT format('function %s belongs to %s and comes back as the owner''s', p.oid::regprocedure, pg_get_userbyid(p.proowner))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, owner
    WHERE p.proowner <> datdba AND n.nspname !~ '^(pg_|information_schema$)'
      AND ('pg_proc'::regclass, p.oid) NOT IN (TABLE extension_objects)
  UNION ALL SELECT format('extension %I is of version %s and comes back as the server''s own, %s', extname, extversion, default_version)
    FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extversion <> default_version
  UNION ALL SELECT DISTINCT format('table %I.%I has grants that %s gave, who is not its owner: they do not come back',
      n.nspname, c.relname, pg_get_userbyid(a.grantor))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE a.grantor <> c.relowner AND n.nspname !~ '^(pg_|information_schema$)'
  UNION ALL SELECT format('event trigger %I is a superuser''s and does not come back', evtname) FROM pg_event_trigger
    WHERE ('pg_event_trigger'::regclass, oid) NOT IN (TABLE extension_objects)
  UNION ALL SELECT format('publication %I of all tables is a superuser''s and does not come back', pubname) FROM pg_publication
    WHERE puballtables
  UNION ALL SELECT format('default privileges of %s do not come back', pg_get_userbyid(defaclrole))
    FROM pg_default_acl, owner WHERE defaclrole <> datdba
)
SELECT coalesce(json_agg(translate(words, E'\n\r', '  ') ORDER BY words), '[]') FROM note;
\echo ~
SQL
}

logs_changes() { [ "$(on_server -c 'SHOW archive_mode')" = on ]; }

# By a login that has REPLICATION and may enter no database. With the log that it needs to be whole by itself, and PostgreSQL's own
# manifest, which a restore holds the copy against (pg_verifybackup).
physical_copy() {
  pg_program estate-backup estate_base '' pg_basebackup -D - -F tar -X fetch --checkpoint=fast --manifest-checksums=SHA256
}
readonly copy_extension=tar

# Logs of one life of this cluster: another one counts its segments from 1 again.
epoch() { on_server -c 'SELECT system_identifier FROM pg_control_system()'; }

# What the server has handed over (estate-wal); a new segment is begun before, so what happened until now is in one of them.
closed_logs() {
  local until wait=0
  until=$(on_server -c 'SELECT pg_walfile_name(pg_switch_wal())')
  # Where nothing has happened since the last one it is the segment in use, which nobody waits for.
  until [ "$(on_server -v until="$until" <<<"SELECT count(*) FROM pg_ls_archive_statusdir()
      WHERE name ~ '[.]ready\$' AND name <= :'until' || '.ready'")" = 0 ]; do
    if ((++wait > 100)); then
      echo "the server does not hand over its log up to $until: look at its messages for archive_command" >&2
      return 1
    fi
    sleep 0.3
  done
  find "$LOCAL/wal" -maxdepth 1 -type f -regextype posix-extended \
    -regex '.*/([0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)' | sort
}
forget_log() { rm -f "$1"; }
