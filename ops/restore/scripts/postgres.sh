# PostgreSQL, as the cluster's own user over the socket. SERVICE: the role that works in LIVE; LIMIT: connections that LIVE takes.

psql_on() {
  local database=$1
  shift
  runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$PORT" -d "$database" \
    -v live="$LIVE" -v scratch="$SCRATCH" -v replaced="$REPLACED" "$@"
}

# Free bytes where data lies, and which of the names there are.
look() {
  free_bytes "$(psql_on postgres -c 'SHOW data_directory')"
  psql_on postgres <<'SQL'
SELECT datname FROM pg_database
  WHERE datname IN (:'live', :'scratch') OR starts_with(datname, :'live' || '__replaced_') ORDER BY 1;
SQL
}

# Nobody but a superuser gets in: no CONNECT, no connections.
create_scratch() {
  drop_scratch
  psql_on postgres <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L CONNECTION LIMIT 0',
  :'scratch', pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_database WHERE datname = :'live' \gexec
REVOKE ALL ON DATABASE :"scratch" FROM PUBLIC;
SQL
}

drop_scratch() { psql_on postgres <<<'DROP DATABASE IF EXISTS :"scratch" WITH (FORCE);'; }

# load [OPTION...]: an archive from standard input. One that stops early is an error. Row security stays on for what is made
# from other tables as their owner (materialized views): it sees what it sees every day. A superuser loads rows past it.
load() {
  runuser -u postgres -- pg_restore -h /var/run/postgresql -p "$PORT" -d "$SCRATCH" --exit-on-error --enable-row-security "$@"
  psql_on "$SCRATCH" -c ANALYZE
}

# TABLE<tab>ROWS
count_rows() {
  psql_on "$SCRATCH" -F $'\t' <<'SQL'
SELECT n.nspname || '.' || c.relname, (xpath('/row/c/text()', query_to_xml(
    format('SELECT count(*) AS c FROM ONLY %I.%I', n.nspname, c.relname), false, true, '')))[1]::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$)';
SQL
}

# A line for each thing that is wrong with the data.
data_faults() {
  psql_on "$SCRATCH" <<'SQL'
SELECT format('sequence %s is behind the rows of %s.%s', s.oid::regclass, d.refobjid::regclass, a.attname)
  FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0 AND NOT q.seqcycle
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.deptype IN ('a', 'i')
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE s.relkind = 'S' AND (xpath('/row/behind/text()', query_to_xml(
    format('SELECT coalesce(max(%I), 0) > (SELECT last_value FROM %s) AS behind FROM %s',
      a.attname, s.oid::regclass, d.refobjid::regclass), false, true, '')))[1]::text = 'true';
SELECT format('foreign key %s of %s is not valid', conname, conrelid::regclass)
  FROM pg_constraint WHERE contype = 'f' AND NOT convalidated;
SELECT format('index %s is not valid', indexrelid::regclass) FROM pg_index WHERE NOT indisvalid;
SQL
}

# security DATABASE: OBJECT<tab>who may do what with it. What the server supplies by itself is written out, so that texts compare.
security() {
  psql_on "$1" -F $'\t' <<'SQL'
SET search_path = pg_catalog;
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
SELECT object, more || format('owner %s, grants: %s', pg_get_userbyid(owner), (
    SELECT string_agg(format('%s to %s%s', a.privilege_type,
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
        CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END), ', ' ORDER BY a.grantee, a.privilege_type)
      FROM aclexplode(acl) a))
  FROM shown WHERE schema !~ '^(pg_|information_schema$)'
UNION ALL SELECT format('policy %I of %I.%I', policyname, schemaname, tablename),
    format('%s for %s to %s using %s check %s', permissive, cmd, (SELECT string_agg(r, ',' ORDER BY r) FROM unnest(roles) r),
      translate(qual, E'\n\t', '  '), translate(with_check, E'\n\t', '  ')) FROM pg_policies
ORDER BY 1;
SQL
}

# What belongs to the database's place and not to its data: owner, grants and settings of the database itself, and the keys
# that today's services sign their contexts with.
adopt() {
  psql_on postgres <<'SQL'
SELECT format('ALTER DATABASE %I OWNER TO %I', :'scratch', pg_get_userbyid(datdba)) FROM pg_database WHERE datname = :'live' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'scratch') \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, :'scratch',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = :'live' \gexec
SELECT format('ALTER %s SET %I TO %s', CASE WHEN s.setrole = 0 THEN format('DATABASE %I', :'scratch')
      ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), :'scratch') END,
    split_part(c, '=', 1),
    CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
      THEN coalesce(nullif(substr(c, strpos(c, '=') + 1), ''), quote_literal(''))
      ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END)
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE d.datname = :'live' \gexec
SQL
  local keys="SELECT to_regclass('context.keys') IS NOT NULL"
  if [ "$(psql_on "$LIVE" -c "$keys")$(psql_on "$SCRATCH" -c "$keys")" = tt ]; then
    # Through no file: it is a secret.
    psql_on "$LIVE" -c 'COPY context.keys TO STDOUT' |
      psql_on "$SCRATCH" --single-transaction -c 'DELETE FROM context.keys' -c 'COPY context.keys FROM STDIN'
  fi
}

end_sessions() {
  psql_on postgres <<'SQL' >/dev/null
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname IN (:'live', :'scratch') AND pid <> pg_backend_pid();
SQL
}

open_logins() { psql_on postgres <<<"ALTER DATABASE :\"live\" CONNECTION LIMIT $LIMIT;"; }

# Prints for how many ms the logins were closed.
swap() {
  to_the_end
  local began try
  began=$(now_ms)
  trap open_logins EXIT
  psql_on postgres <<<'ALTER DATABASE :"live" CONNECTION LIMIT 0;'
  for try in 1 2 3 4 5 6 7 8; do
    end_sessions
    if psql_on postgres --single-transaction -f - 2>"$state/swap.log" <<'SQL'; then break; fi
ALTER DATABASE :"live" RENAME TO :"replaced";
ALTER DATABASE :"scratch" RENAME TO :"live";
SQL
    ((try < 8)) || { cat "$state/swap.log" >&2; return 1; }
    sleep 0.5
  done
  trap - EXIT
  open_logins
  echo "$(($(now_ms) - began))"
  psql_on postgres <<'SQL'
ALTER DATABASE :"replaced" CONNECTION LIMIT 0;
ALTER DATABASE :"replaced" OWNER TO postgres;
SELECT DISTINCT format('REVOKE ALL ON DATABASE %I FROM %s', :'replaced',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
  WHERE d.datname = :'replaced' AND a.grantee <> d.datdba \gexec
SQL
}

# Prints the names that were dropped.
drop_replaced() {
  local name
  for name in $(psql_on postgres <<<"SELECT datname FROM pg_database WHERE starts_with(datname, :'live' || '__replaced_');"); do
    psql_on postgres -c "DROP DATABASE \"$name\" WITH (FORCE)"
    echo "$name"
  done
}
