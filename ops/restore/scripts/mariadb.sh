# MariaDB, as root over the socket. SERVICE: the user that works in LIVE.

sql() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --raw --skip-column-names --default-character-set=utf8mb4 "$@"; }
dump() { mariadb-dump --no-defaults --skip-ssl --protocol=socket --skip-comments --default-character-set=utf8mb4 --no-data "$@"; }

# Free bytes where data lies, and which of the names there are.
look() {
  free_bytes "$(sql -e 'SELECT @@datadir')"
  sql -e "SELECT schema_name FROM information_schema.schemata
    WHERE schema_name IN ('$LIVE', '$SCRATCH') OR LEFT(schema_name, LENGTH('${LIVE}__replaced_')) = '${LIVE}__replaced_' ORDER BY 1"
}

create_like_live() {
  local kind
  kind=$(sql -e "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '$LIVE'")
  sql -e "CREATE DATABASE \`$1\` $kind"
}

create_scratch() { drop_scratch; create_like_live "$SCRATCH"; }
drop_scratch() { sql -e "SET lock_wait_timeout = 60; DROP DATABASE IF EXISTS \`$SCRATCH\`"; rm -rf "${state:?}/$SCRATCH"; }

# load [--keep]: a dump from standard input. Its events must not run in here: they are kept aside, or switched off (--keep).
load() {
  { echo 'SET SESSION lock_wait_timeout = 60;'; cat; } | sql "$SCRATCH"
  if [ "${1:-}" = --keep ]; then
    generated "SELECT CONCAT('ALTER EVENT $(named event_name) DISABLE') FROM information_schema.events WHERE event_schema = '$SCRATCH'" "$SCRATCH"
    return
  fi
  install -d -m 0700 "$state/$SCRATCH"
  code_of "$SCRATCH" >"$state/$SCRATCH/code.sql"
  generated "SELECT CONCAT('DROP EVENT $(named event_name)') FROM information_schema.events WHERE event_schema = '$SCRATCH'" "$SCRATCH"
}

# A column's value as an identifier, inside of CONCAT('...').
named() { printf "\`', REPLACE(%s, '\`', '\`\`'), '\`" "$1"; }
# generated QUERY DATABASE: runs each row of the query as a statement.
generated() { sql -e "$1" | sed 's/$/;/' | sql "$2"; }

# TABLE<tab>ROWS
count_rows() {
  generated "SELECT CONCAT('SELECT ', QUOTE(table_name), ', COUNT(*) FROM $(named table_name)')
    FROM information_schema.tables WHERE table_schema = '$SCRATCH' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')" "$SCRATCH"
}

# A line for each thing that is wrong with the data: a dump is loaded without a look at its foreign keys.
data_faults() {
  generated "SELECT CONCAT('SELECT CONCAT(\"foreign key ', constraint_name, ' of ', table_name, ': \", COUNT(*), \" rows without a parent\") FROM ',
      '$(named table_name) c LEFT JOIN $(named referenced_table_name) p ON ',
      GROUP_CONCAT(CONCAT('c.$(named column_name) = p.$(named referenced_column_name)') SEPARATOR ' AND '), ' WHERE ',
      GROUP_CONCAT(CONCAT('c.$(named column_name) IS NOT NULL') SEPARATOR ' AND '), ' AND p.\`',
      MAX(REPLACE(referenced_column_name, '\`', '\`\`')), '\` IS NULL HAVING COUNT(*) > 0')
    FROM information_schema.key_column_usage WHERE table_schema = '$SCRATCH' AND referenced_table_schema = '$SCRATCH'
    GROUP BY constraint_name, table_name, referenced_table_name" "$SCRATCH"
}

# Grants of the service are by name and stay where they are.
security() {
  sql -e "SELECT CONCAT('table ', table_name, ' ', grantee), GROUP_CONCAT(privilege_type ORDER BY 1)
      FROM information_schema.table_privileges WHERE table_schema = '$LIVE' GROUP BY 1
    UNION ALL SELECT CONCAT('schema ', grantee), GROUP_CONCAT(privilege_type ORDER BY 1)
      FROM information_schema.schema_privileges WHERE table_schema = '$LIVE' GROUP BY 1
    UNION ALL SELECT CONCAT('routine ', routine_name, ' ', user, '@', host), proc_priv
      FROM mysql.procs_priv WHERE db = '$LIVE' ORDER BY 1"
}

adopt() { :; }

# All of a database that is no table.
code_of() {
  local views=()
  dump --no-create-info --routines --events --triggers "$1"
  mapfile -t views < <(sql -e "SELECT table_name FROM information_schema.views WHERE table_schema = '$1'")
  ((${#views[@]} == 0)) || dump --skip-triggers "$1" "${views[@]}"
}

strip_code() {
  generated "SELECT CONCAT('DROP TRIGGER $(named trigger_name)') FROM information_schema.triggers WHERE trigger_schema = '$1'" "$1"
  generated "SELECT CONCAT('DROP EVENT $(named event_name)') FROM information_schema.events WHERE event_schema = '$1'" "$1"
  generated "SELECT CONCAT('DROP VIEW $(named table_name)') FROM information_schema.views WHERE table_schema = '$1'" "$1"
  generated "SELECT CONCAT('DROP ', routine_type, ' $(named routine_name)') FROM information_schema.routines WHERE routine_schema = '$1'" "$1"
}

# moves FROM TO: one part of a RENAME TABLE a line.
moves() {
  sql -e "SELECT CONCAT('\`$1\`.$(named table_name) TO \`$2\`.$(named table_name)') FROM information_schema.tables
    WHERE table_schema = '$1' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') ORDER BY 1"
}

# One statement: the server does all of it or nothing.
rename_tables() {
  local parts
  parts=$(cat)
  [ -z "$parts" ] || sql -e "SET SESSION lock_wait_timeout = 30; RENAME TABLE $(paste -sd, <<<"$parts")"
}

each_account() { generated "SELECT CONCAT('$1 ', QUOTE(user), '@', QUOTE(host), ' $2') FROM mysql.user WHERE user = '$SERVICE'" mysql; }
end_sessions() {
  local query="SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = '$SERVICE'"
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$(sql -e "$query")" ] || return 0
    # One that has gone by itself is none to complain of.
    sql -e "$query" | sed 's/$/;/' | sql --force 2>/dev/null || true
    sleep 0.2
  done
}
open_logins() { each_account 'ALTER USER' 'ACCOUNT UNLOCK'; }

# Live as it was: what could not be swapped goes back to where it came from.
swap_back() {
  strip_code "$LIVE"
  if [ "$moved" = true ]; then
    { moves "$LIVE" "$SCRATCH"; moves "$REPLACED" "$LIVE"; } | rename_tables
  fi
  sql "$LIVE" <"$state/$LIVE/code.sql"
  sql -e "DROP DATABASE IF EXISTS \`$REPLACED\`"
}

finish_swap() {
  local code=$?
  trap - EXIT
  set +e
  if [ "$code" != 0 ] && [ "$begun" = true ]; then swap_back; fi
  if [ "$code" != 0 ] && [ "$begun" = false ]; then sql -e "DROP DATABASE \`$REPLACED\`"; fi
  open_logins
  exit "$code"
}

# Prints for how many ms the logins were closed.
swap() {
  to_the_end
  local started foreign
  install -d -m 0700 "$state/$LIVE"
  code_of "$LIVE" >"$state/$LIVE/code.sql"
  create_like_live "$REPLACED"
  begun=false moved=false
  started=$(now_ms)
  trap finish_swap EXIT
  each_account 'ALTER USER' 'ACCOUNT LOCK'
  end_sessions
  begun=true
  strip_code "$LIVE"
  strip_code "$SCRATCH"
  { moves "$LIVE" "$REPLACED"; moves "$SCRATCH" "$LIVE"; } | rename_tables
  moved=true
  sql "$LIVE" <"$state/$SCRATCH/code.sql"
  foreign=$(sql -e "SELECT COUNT(*) FROM information_schema.referential_constraints
    WHERE constraint_schema = '$LIVE' AND unique_constraint_schema <> '$LIVE'")
  [ "$foreign" = 0 ] || { echo "$foreign foreign keys would lead out of $LIVE" >&2; exit 1; }
  trap - EXIT
  open_logins
  echo "$(($(now_ms) - started))"
  sql "$REPLACED" <"$state/$LIVE/code.sql" || echo "the views and routines of $REPLACED are in $state/$LIVE/code.sql alone" >&2
  generated "SELECT CONCAT('ALTER EVENT $(named event_name) DISABLE') FROM information_schema.events WHERE event_schema = '$REPLACED'" "$REPLACED"
  drop_scratch
}

# Prints the names that were dropped.
drop_replaced() {
  local name
  for name in $(sql -e "SELECT schema_name FROM information_schema.schemata
    WHERE LEFT(schema_name, LENGTH('${LIVE}__replaced_')) = '${LIVE}__replaced_'"); do
    sql -e "DROP DATABASE \`$name\`"
    echo "$name"
  done
}
