# PostgreSQL. OWNER: the role that owns what is in LIVE; EXTENSIONS: those that the program declares for it, words; TABLES: `program` or
# `application`, who makes its tables; LIMIT: connections that LIVE takes. The server's administrator works in the maintenance database, and in the scratch database before anything of a
# service's is in it; what a dump holds is run by a login with the owner's rights, and read by one that can only read.
# Pasted, each checked or constant: there

live_and_names=(-v live="$LIVE" -v scratch="$SCRATCH" -v replaced="$REPLACED" -v owner="$OWNER" -v limit="$LIMIT")
server_do() { on_server "${live_and_names[@]}" "$@"; }
# Of this restore alone, and its system user's alone: two at a time have one each.
loader=estate_restore_$(printf '%s' "$SCRATCH" | md5sum | cut -c1-12)

# Free bytes where data lies, and which of the names there are.
look() {
  free_bytes "$(server_do -c 'SHOW data_directory')"
  server_do <<'SQL'
SELECT datname FROM pg_database
  WHERE datname IN (:'live', :'scratch') OR datname ~ ('^' || :'live' || '__replaced_[0-9tz]+$') ORDER BY 1;
SQL
}

# An empty database like the live one, which nobody enters but this restore.
create_scratch() {
  drop_scratch
  if [ "$(server_do <<<"SELECT count(*) FROM pg_roles WHERE rolname = :'owner' AND NOT rolsuper")" != 1 ]; then
    tell "the role $OWNER, which is to own the data, is not there. Run: pulumi up"
    return 1
  fi
  create_empty "$(created_of "$LIVE")"
  program_extensions
}

drop_scratch() {
  close_loader
  server_do <<<'DROP DATABASE IF EXISTS :"scratch" WITH (FORCE);'
  drop_loader
  [ -z "$(loader_there)" ] || tell "the role $loader stays, without a login: something was granted to it in another database"
}

program_extensions() { make_extensions "$EXTENSIONS" "$(extensions_of "$LIVE")"; }

# Schema context, which the program makes and row security asks: as it is in the live database. In one that an application looks
# after, a schema of that name is the application's.
has_context() { [ "$TABLES" = program ] && [ "$(reading_from "$1" -c "SELECT to_regnamespace('context') IS NOT NULL")" = t ]; }
context_of_live() {
  pg_program estate-backup estate_backup "$reading" pg_dump -Fc --schema-only --schema=context -d "$LIVE" |
    archive -d "$SCRATCH" --role="$OWNER" --no-owner --exit-on-error
}

# load [--into]: an archive from standard input, with the rights of the database's owner and no others. One that stops early is
# an error. --into: without grants. In the end the database is the administrator's, until it takes the live one's place.
load() {
  local folder context=no
  # On a disk: definitions may be large.
  install -d -m 0711 /var/lib/estate-load
  folder=$(mktemp -d "/var/lib/estate-load/$SCRATCH.XXXXXX")
  chmod 0711 "$folder"
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'; end_loading" EXIT
  take_contents "$folder"
  begin_loading
  if has_context "$LIVE"; then context_of_live; context=yes; fi
  choose_entries "$folder" "$context"
  load_entries "$folder" "$(path_of_functions "$LIVE")" "$@"
  # It warns of what is not the owner's.
  owner_do <<<'SET client_min_messages = error; ANALYZE;'
  end_loading
  trap - EXIT
  if has_context "$SCRATCH"; then withhold; fi
  rm -rf "$folder"
}

# Where row security rules, nobody has what it knows nothing of: large objects and advisory locks. Those of the live database are closed,
# and a dump does not tell.
withhold() {
  in_empty_scratch -v ON_ERROR_STOP=1 <<'SQL'
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(int), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
  pg_catalog.lo_open(oid, int), pg_catalog.lo_close(int), pg_catalog.loread(int, int), pg_catalog.lowrite(int, bytea),
  pg_catalog.lo_lseek(int, int, int), pg_catalog.lo_lseek64(int, bigint, int), pg_catalog.lo_tell(int), pg_catalog.lo_tell64(int),
  pg_catalog.lo_truncate(int, int), pg_catalog.lo_truncate64(int, bigint), pg_catalog.lo_unlink(oid), pg_catalog.lo_get(oid),
  pg_catalog.lo_get(oid, bigint, int), pg_catalog.lo_put(oid, bigint, bytea),
  pg_catalog.pg_advisory_lock(bigint), pg_catalog.pg_advisory_lock(int, int),
  pg_catalog.pg_advisory_lock_shared(bigint), pg_catalog.pg_advisory_lock_shared(int, int),
  pg_catalog.pg_advisory_xact_lock(bigint), pg_catalog.pg_advisory_xact_lock(int, int),
  pg_catalog.pg_advisory_xact_lock_shared(bigint), pg_catalog.pg_advisory_xact_lock_shared(int, int),
  pg_catalog.pg_try_advisory_lock(bigint), pg_catalog.pg_try_advisory_lock(int, int),
  pg_catalog.pg_try_advisory_lock_shared(bigint), pg_catalog.pg_try_advisory_lock_shared(int, int),
  pg_catalog.pg_try_advisory_xact_lock(bigint), pg_catalog.pg_try_advisory_xact_lock(int, int),
  pg_catalog.pg_try_advisory_xact_lock_shared(bigint), pg_catalog.pg_try_advisory_xact_lock_shared(int, int) FROM PUBLIC;
SQL
}

begin_loading() {
  # Leftovers of a restore that was killed.
  close_loader
  # One that could not be dropped may have been given a password by what was loaded.
  server_do -v loader="$loader" <<'SQL'
SELECT format('CREATE ROLE %I', :'loader') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'loader') \gexec
ALTER ROLE :"loader" LOGIN NOINHERIT CONNECTION LIMIT 4 PASSWORD NULL;
GRANT :"owner" TO :"loader" WITH INHERIT FALSE, SET TRUE;
GRANT CONNECT ON DATABASE :"scratch" TO :"loader";
SQL
  # The owner of the live database may drop it, from anywhere, but not while somebody else's session is in it.
  coproc KEEPER { reading_from "$LIVE"; }
  echo 'SELECT 1;' >&"${KEEPER[1]}"
  local answer
  read -r -t 60 answer <&"${KEEPER[0]}" && [ "$answer" = 1 ]
}

end_loading() {
  [ -z "${KEEPER_PID:-}" ] || eval "exec ${KEEPER[1]}>&-"
  [ -n "$(loader_there)" ] || return 0
  close_loader
  server_do <<<'ALTER DATABASE :"scratch" OWNER TO postgres;'
  # A superuser in what a dump has filled: these two call nothing that is in it. A function of the dump may have left the owner's
  # role, and what it made then is the loader's.
  in_empty_scratch -v loader="$loader" -c 'SET client_min_messages = error' -f - <<<'REASSIGN OWNED BY :"loader" TO :"owner"; DROP OWNED BY :"loader";'
  drop_loader
}

loader_there() { server_do -v loader="$loader" <<<"SELECT 1 FROM pg_roles WHERE rolname = :'loader'"; }

# Nobody enters by it any more, and it is nobody's.
close_loader() {
  server_do -v loader="$loader" <<'SQL'
SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles WHERE rolname = :'loader' \gexec
SELECT format('REVOKE %I FROM %I GRANTED BY %I CASCADE', pg_get_userbyid(roleid), pg_get_userbyid(member), pg_get_userbyid(grantor))
  FROM pg_auth_members m JOIN pg_roles r ON r.oid IN (m.roleid, m.member) WHERE rolname = :'loader' \gexec
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = :'loader' \g /dev/null
SQL
}

# Anybody may GRANT something to it in a database of his own, and then it cannot be dropped: no reason to fail, it can do nothing.
drop_loader() {
  [ -n "$(loader_there)" ] || return 0
  server_do -v loader="$loader" <<<'DROP OWNED BY :"loader"; DROP ROLE :"loader";' 2>/dev/null || true
}

# A JSON object, rows by table; null: a table of the program's, which is none of the backup's.
count_rows() {
  { row_counts; [ "$TABLES" != program ] || echo "SELECT coalesce(json_object_agg('context.' || relname, NULL), '{}') FROM pg_class
    WHERE relnamespace = to_regnamespace('context') AND relkind = 'r';"
  } | counted_in reading_from "$SCRATCH"
}
counted_in() { "$@" | count_lines | sed '/^~$/d' | jq -cs add; }

# A line for each thing that is wrong with the data. What is asked of a service's tables may call its functions: with the owner's rights.
data_faults() {
  trap end_loading EXIT
  begin_loading
  # Schema public is of whoever owns the database; end_loading takes it back.
  server_do <<<'ALTER DATABASE :"scratch" OWNER TO :"owner";'
  owner_do <<'SQL'
SET client_min_messages = error;
BEGIN;
-- All rows count, and its policies do not rule their owner then.
SELECT format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', oid::regclass) FROM pg_class
  WHERE relforcerowsecurity AND relkind IN ('r', 'p') AND pg_get_userbyid(relowner) = current_user \gexec
SELECT translate(format('sequence %s is behind the rows of %s.%I', s.oid::regclass, d.refobjid::regclass, a.attname), E'\n', ' ')
  FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0 AND NOT q.seqcycle
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.deptype IN ('a', 'i')
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid JOIN pg_type t ON t.oid = a.atttypid
  -- In a CASE: conditions beside each other are computed in any order, and a sequence may number texts. An extension's table is not the
  -- owner's, and an owner may have taken a right from itself.
  WHERE s.relkind = 'S' AND CASE WHEN coalesce(nullif(t.typbasetype, 0), t.oid) IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
      AND has_table_privilege(d.refobjid, 'SELECT') AND has_table_privilege(s.oid, 'SELECT')
      AND has_schema_privilege(s.relnamespace, 'USAGE') AND (SELECT pg_get_userbyid(relowner) = current_user
        AND has_schema_privilege(relnamespace, 'USAGE') FROM pg_class WHERE oid = d.refobjid)
    THEN (xpath('/row/behind/text()', query_to_xml(
      format('SELECT coalesce(max(%I::bigint), 0) > (SELECT last_value FROM %s) AS behind FROM %s',
        a.attname, s.oid::regclass, d.refobjid::regclass), false, true, '')))[1]::text = 'true' ELSE false END;
ROLLBACK;
SQL
  end_loading
  trap - EXIT
}

# security DATABASE: a JSON object, who may do what by object. What the server supplies by itself is written out, so that texts compare.
security() {
  reading_from "$1" <<'SQL'
WITH extensions AS (
  -- Of whoever has made the extension, which is the loading superuser now.
  SELECT objid, classid FROM pg_depend WHERE deptype = 'e'
), shown (schema, object, owner, acl, more) AS (
  SELECT n.nspname, format('table %I.%I', n.nspname, c.relname), c.relowner, coalesce(c.relacl, acldefault(
      CASE WHEN c.relkind = 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)),
      format('row security %s, forced %s, ', c.relrowsecurity, c.relforcerowsecurity)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND (c.oid, 'pg_class'::regclass::oid) NOT IN (SELECT * FROM extensions)
  UNION ALL SELECT n.nspname, format('function %s', p.oid::regprocedure), p.proowner,
      coalesce(p.proacl, acldefault('f', p.proowner)), format('security definer %s, ', p.prosecdef)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE (p.oid, 'pg_proc'::regclass::oid) NOT IN (SELECT * FROM extensions)
  UNION ALL SELECT n.nspname, format('schema %I', n.nspname), n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)), ''
    FROM pg_namespace n
)
SELECT coalesce(json_object_agg(object, words ORDER BY object), '{}') FROM (
SELECT object, more || format('owner %s, grants: %s', pg_get_userbyid(owner), (
    SELECT string_agg(format('%s to %s%s', a.privilege_type,
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
        CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END), ', ' ORDER BY a.grantee, a.privilege_type)
      FROM aclexplode(acl) a))
  AS words FROM shown WHERE schema !~ '^(pg_|information_schema$)'
UNION ALL SELECT format('policy %I of %I.%I', policyname, schemaname, tablename),
    format('%s for %s to %s using %s check %s', permissive, cmd, (SELECT string_agg(r, ',' ORDER BY r) FROM unnest(roles) r),
      translate(qual, E'\n\t', '  '), translate(with_check, E'\n\t', '  ')) FROM pg_policies
) all_of_them;
SQL
}

# What belongs to the database's place and not to its data: owner, grants and settings of the database itself, and the keys
# that today's services sign their contexts with. Settings are copied as they lie in the catalogue: a value that is put into a
# statement would be read as one.
adopt() {
  if has_context "$LIVE" && has_context "$SCRATCH"; then
    trap end_loading EXIT
    begin_loading
    # Through no file: they are a secret.
    {
      echo 'BEGIN; DELETE FROM context.keys; COPY context.keys FROM STDIN;'
      reading_from "$LIVE" -c 'COPY context.keys TO STDOUT'
      printf '%s\n' '\.' 'COMMIT;'
    } | owner_do
    end_loading
    trap - EXIT
  fi
  server_do <<'SQL'
SELECT format('REVOKE ALL ON DATABASE %I FROM %s', :'scratch', CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
  FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = :'scratch' AND a.grantee <> d.datdba \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', :'scratch', pg_get_userbyid(datdba)) FROM pg_database WHERE datname = :'live' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'scratch') \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, :'scratch',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = :'live' \gexec
BEGIN;
DELETE FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = :'scratch');
INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
  SELECT (SELECT oid FROM pg_database WHERE datname = :'scratch'), setrole, setconfig
  FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = :'live');
COMMIT;
SQL
}

end_sessions() {
  server_do <<'SQL' >/dev/null
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname IN (:'live', :'scratch') AND pid <> pg_backend_pid();
SQL
}

open_logins() { server_do <<<'ALTER DATABASE :"live" CONNECTION LIMIT :limit;'; }
there_is() { [ "$(server_do -v name="$1" <<<"SELECT count(*) FROM pg_database WHERE datname = :'name'")" = 1 ]; }

# After a change of places, however it ended: its renames are one transaction, and live is open. Prints what it found.
settle() {
  local replaced
  read -r replaced <"$journal"
  open_logins
  rm -f "$journal"
  if there_is "$replaced"; then
    echo "a change of places was through before it broke off: $LIVE is the restored one, $replaced what it was before"
  else
    echo "a change of places broke off before it began: $LIVE is what it was"
  fi
}

# Prints for how many ms the logins were closed.
swap() {
  to_the_end
  local began code=0
  began=$(now_ms)
  # Whether the renames are through is told by that name.
  if there_is "$REPLACED"; then tell "database \"$REPLACED\" already exists"; return 1; fi
  note_swap "$REPLACED"
  # In a shell of its own, which the first failing command ends.
  change_places & wait "$!" || code=$?
  settle >/dev/null
  echo "$(($(now_ms) - began))"
  return "$code"
}

change_places() {
  local try
  server_do <<<'ALTER DATABASE :"live" CONNECTION LIMIT 0;'
  for try in 1 2 3 4 5 6 7 8; do
    end_sessions
    if server_do --single-transaction -f - 2>"$state/swap.log" <<'SQL'; then break; fi
ALTER DATABASE :"live" RENAME TO :"replaced";
ALTER DATABASE :"scratch" RENAME TO :"live";
-- At once: its owner could drop it.
ALTER DATABASE :"replaced" CONNECTION LIMIT 0;
ALTER DATABASE :"replaced" OWNER TO postgres;
-- A grant that was passed on goes, too.
SELECT DISTINCT format('REVOKE ALL ON DATABASE %I FROM %s CASCADE', :'replaced',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
  WHERE d.datname = :'replaced' AND a.grantee <> d.datdba \gexec
SQL
    # A client may end before it has the answer.
    if there_is "$REPLACED"; then break; fi
    ((try < 8)) || { client_words "$state/swap.log" >&2; return 1; }
    sleep 0.5
  done
}

# Prints the names that were dropped.
drop_replaced() {
  recover >/dev/null
  server_do <<'SQL'
CREATE TEMP TABLE replaced AS SELECT datname FROM pg_database WHERE datname ~ ('^' || :'live' || '__replaced_[0-9tz]+$') ORDER BY 1;
-- Its owner may have made it a template, which nobody drops.
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM replaced \gexec
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM replaced \gexec
SELECT datname FROM replaced;
SQL
}
