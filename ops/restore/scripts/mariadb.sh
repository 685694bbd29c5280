# MariaDB. SERVICE: the user that works in LIVE. Root says constant sentences; what reads or writes rows, and what a service wrote, is
# estate-restore's, which has rights on these databases alone.
# Pasted, each checked or constant: LIVE SCRATCH SERVICE name was 1
for name in "$LIVE" "$SCRATCH" "${REPLACED:-none}" "$SERVICE"; do declared_name "$name"; done

# Free bytes where data lies, and which of the names there are.
look() {
  free_bytes "$(root_sql <<<'SELECT @@datadir')"
  root_sql <<<"SELECT schema_name FROM information_schema.schemata
    WHERE schema_name IN ('$LIVE', '$SCRATCH') OR LEFT(schema_name, LENGTH('${LIVE}__replaced_')) = '${LIVE}__replaced_' ORDER BY 1"
}

create_like_live() {
  root_sql <<SQL
DELIMITER //
FOR o IN (SELECT default_character_set_name AS s, default_collation_name AS c FROM information_schema.schemata WHERE schema_name = '$LIVE') DO
  EXECUTE IMMEDIATE CONCAT('CREATE DATABASE \`$1\` CHARACTER SET ', o.s, ' COLLATE ', o.c);
END FOR//
SQL
}

create_scratch() { drop_scratch; create_like_live "$SCRATCH"; }
drop_scratch() {
  root_sql <<<"SET lock_wait_timeout = 60; DROP DATABASE IF EXISTS \`$SCRATCH\`"
  account_off "$SCRATCH"
  packets_back
  rm -rf "${state:?}/$SCRATCH"
}

# A row may be as large as a statement. What the server takes is put back afterwards, also by the step that clears up after a kill.
packets_up() {
  exec 4>"$state/packets.lock"
  flock -s 4
  [ -s "$state/packets" ] || root_sql <<<'SELECT @@GLOBAL.max_allowed_packet' >"$state/packets"
  root_sql <<<'SET GLOBAL max_allowed_packet = 1073741824'
}
packets_back() {
  local was
  exec 4>"$state/packets.lock"
  # Another restore that is loading needs it.
  if flock -n 4 && [ -s "$state/packets" ]; then
    was=$(cat "$state/packets")
    [[ $was =~ ^[0-9]+$ ]] && root_sql <<<"SET GLOBAL max_allowed_packet = $was"
    rm -f "$state/packets"
  fi
  exec 4>&-
}

# load [--keep]: a dump from standard input. Its code is kept aside until the tables have their place; --keep: this is their place, and
# events are switched off.
load() (
  set -euo pipefail
  local code="$state/$SCRATCH/code.jsonl"
  install -d -m 0700 "$state/$SCRATCH"
  trap 'account_off "$SCRATCH"; packets_back' EXIT
  account_on "$table_rights" "$SCRATCH"
  packets_up
  take_code "$code" | as_loader "$SCRATCH"
  [ "${1:-}" = --keep ] || exit 0
  trap 'borrowed_rights REVOKE "$SCRATCH"; code_account_off "$LIVE" "$SCRATCH"; packets_back' EXIT
  code_account_on "$LIVE" "$SCRATCH"
  borrowed_rights GRANT "$SCRATCH"
  code_objects as_loader "$LIVE" >"$state/$SCRATCH/live.jsonl"
  definers "$code" "$state/$SCRATCH/live.jsonl" >"$state/$SCRATCH/made.jsonl"
  EVENTS_OFF=yes make_code "$SCRATCH" "$state/$SCRATCH/made.jsonl"
  code_notes "$state/$SCRATCH/made.jsonl" >"$state/$SCRATCH/notes"
  if lost_code "$state/$SCRATCH/made.jsonl"; then tell_lines <"$state/$SCRATCH/notes"; exit 1; fi
)

# What a person should know of what was restored, a line each.
notes() { [ ! -e "$state/${1:-$SCRATCH}/notes" ] || cat "$state/${1:-$SCRATCH}/notes"; }

count_rows() (
  set -euo pipefail
  trap 'account_off "$SCRATCH"' EXIT
  account_on SELECT "$SCRATCH"
  as_loader --raw "$SCRATCH" <<<"$COUNT_ROWS" | jq -cs 'add // {}'
)

# A line for each thing that is wrong with the data: a dump is loaded without a look at its foreign keys.
data_faults() (
  set -euo pipefail
  trap 'account_off "$SCRATCH"' EXIT
  account_on 'SELECT, REFERENCES' "$SCRATCH"
  as_loader --raw "$SCRATCH" <<<"$ORPHANS" | jq -r 'def shown: if test("^[\\w$]+$") then . else tojson end;
    "foreign key \(.key | shown) of \(.table | shown): \(.rows) rows without a parent"'
)
# shellcheck disable=SC2016
readonly ORPHANS='DELIMITER //
FOR o IN (
  SELECT constraint_name AS k, table_name AS t, referenced_table_name AS p,
      GROUP_CONCAT(CONCAT("c.`", REPLACE(column_name, "`", "``"), "` = p.`", REPLACE(referenced_column_name, "`", "``"), "`") SEPARATOR " AND ") AS pairs,
      GROUP_CONCAT(CONCAT("c.`", REPLACE(column_name, "`", "``"), "` IS NOT NULL") SEPARATOR " AND ") AS given,
      MAX(REPLACE(referenced_column_name, "`", "``")) AS parent
    FROM information_schema.key_column_usage k
    WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE()
    GROUP BY constraint_name, table_name, referenced_table_name
) DO
  SET @estate_key = o.k, @estate_table = o.t;
  IF EXISTS (SELECT * FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = o.p) THEN
    EXECUTE IMMEDIATE CONCAT("SELECT JSON_OBJECT(\"key\", ?, \"table\", ?, \"rows\", COUNT(*)) FROM `", REPLACE(o.t, "`", "``"), "` c LEFT JOIN `",
      REPLACE(o.p, "`", "``"), "` p ON ", o.pairs, " WHERE ", o.given, " AND p.`", o.parent, "` IS NULL HAVING COUNT(*) > 0")
      USING @estate_key, @estate_table;
  ELSE
    EXECUTE IMMEDIATE CONCAT("SELECT JSON_OBJECT(\"key\", ?, \"table\", ?, \"rows\", COUNT(*)) FROM `", REPLACE(o.t, "`", "``"), "` c WHERE ", o.given,
      " HAVING COUNT(*) > 0") USING @estate_key, @estate_table;
  END IF;
END FOR//'

# Grants of the service are by name and stay where they are. {"OBJECT": RIGHTS, ...}
security() {
  root_sql <<SQL | jq -cs 'add // {}'
SELECT JSON_OBJECT(CONCAT('table ', table_name, ' ', grantee), GROUP_CONCAT(privilege_type ORDER BY 1))
    FROM information_schema.table_privileges WHERE table_schema = '$LIVE' GROUP BY table_name, grantee
  UNION ALL SELECT JSON_OBJECT(CONCAT('schema ', grantee), GROUP_CONCAT(privilege_type ORDER BY 1))
    FROM information_schema.schema_privileges WHERE table_schema = '$LIVE' GROUP BY grantee
  UNION ALL SELECT JSON_OBJECT(CONCAT('routine ', routine_name, ' ', user, '@', host), proc_priv) FROM mysql.procs_priv WHERE db = '$LIVE'
SQL
}

adopt() { :; }

# Prints the names that were dropped.
drop_replaced() {
  local name
  # What broke off may have left there what live was.
  recover >/dev/null
  root_sql <<<"SELECT schema_name FROM information_schema.schemata
    WHERE LEFT(schema_name, LENGTH('${LIVE}__replaced_')) = '${LIVE}__replaced_'" | while IFS= read -r name; do
    declared_name "$name"
    root_sql <<<"SET lock_wait_timeout = 60; DROP DATABASE \`$name\`"
    echo "$name"
  done
}
