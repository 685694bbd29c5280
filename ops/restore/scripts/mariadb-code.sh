# Views, routines, triggers and events of a MariaDB database. They are data: each is made by one prepared statement, so that whatever its
# text says it is one object of the name, in the database and by the definer that we say.
# Pasted, each checked or constant: loader database rights SERVICE sentence sentences end query column default name 1 2

# The account of a restore is there only while a step needs it. Rights on databases of their own are added and taken one by one: another
# database may be restored at the same time.
readonly loader="'estate-restore'@localhost"
account_lock() { exec 6>"$state/account.lock"; flock 6; }

# account_on RIGHTS DATABASE...
account_on() {
  local rights=$1 database
  shift
  account_lock
  {
    echo "SET SESSION sql_log_bin = 0; CREATE USER IF NOT EXISTS $loader IDENTIFIED VIA unix_socket; ALTER USER $loader IDENTIFIED VIA unix_socket ACCOUNT UNLOCK;"
    for database in "$@"; do echo "GRANT $rights ON \`$(pattern_of "$database")\`.* TO $loader;"; done
  } | root_sql
  flock -u 6
}
# account_off DATABASE...: with its last database the account goes.
account_off() {
  local database
  account_lock
  {
    echo "SET SESSION sql_log_bin = 0; CREATE USER IF NOT EXISTS $loader IDENTIFIED VIA unix_socket;"
    for database in "$@"; do
      # One that is not there cannot be taken.
      echo "GRANT SELECT ON \`$(pattern_of "$database")\`.* TO $loader; REVOKE ALL PRIVILEGES ON \`$(pattern_of "$database")\`.* FROM $loader;"
    done
  } | root_sql
  if [ "$(root_sql <<<"SELECT COUNT(*) FROM mysql.db WHERE user = 'estate-restore'")" = 0 ]; then
    root_sql <<<"SET SESSION sql_log_bin = 0; DROP USER IF EXISTS $loader"
  fi
  flock -u 6
}
# What loads tables. No view, routine, trigger or event can be made with it.
readonly table_rights='SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, LOCK TABLES, DELETE HISTORY'

# The same for code, one step at a time on this host: it may name another account as definer.
code_account_on() {
  exec 5>"$state/code.lock"
  flock -w 600 5 || { tell "another restore on this host has been at its code for 10 minutes"; return 1; }
  account_on 'ALL PRIVILEGES' "$@"
  root_sql <<<"SET SESSION sql_log_bin = 0; GRANT SET USER ON *.* TO $loader; GRANT SELECT ON mysql.proc TO $loader"
}
code_account_off() {
  root_sql <<<"SET SESSION sql_log_bin = 0; CREATE USER IF NOT EXISTS $loader IDENTIFIED VIA unix_socket; REVOKE ALL PRIVILEGES ON *.* FROM $loader"
  root_sql <<<"SET SESSION sql_log_bin = 0; GRANT SELECT ON mysql.proc TO $loader; REVOKE SELECT ON mysql.proc FROM $loader"
  account_off "$@"
  exec 5>&-
}

# each DATABASE QUERY SENTENCE...: runs, for each row (n, ...) of the query, what the expressions SENTENCE make of it.
each() {
  local database=$1 query=$2 sentences
  shift 2
  sentences=$(printf 'EXECUTE IMMEDIATE CONCAT(%s); ' "$@")
  as_loader "$database" <<SQL
DELIMITER //
BEGIN NOT ATOMIC
  FOR o IN ($query) DO
    $sentences
  END FOR;
END//
SQL
}
# An expression that quotes the name which the expression $1 gives.
q() { printf "'\`', REPLACE(%s, '\`', '\`\`'), '\`'" "$1"; }

# Whatever is no table.
strip_code() {
  local name
  name=$(q o.n)
  each "$1" "SELECT trigger_name AS n FROM information_schema.triggers WHERE trigger_schema = DATABASE()" "'DROP TRIGGER ', $name"
  each "$1" "SELECT event_name AS n FROM information_schema.events WHERE event_schema = DATABASE()" "'DROP EVENT ', $name"
  each "$1" "SELECT table_name AS n FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'VIEW'" "'DROP VIEW ', $name"
  # A package takes its body with it, and is none for MariaDB 10.11 but in this mode.
  each "$1" "SELECT CONVERT(name USING utf8mb4) AS n, CAST(type AS CHAR) AS kind FROM mysql.proc
    WHERE db = DATABASE() AND type <> 'PACKAGE BODY'" "'SET SESSION sql_mode = ORACLE'" "'DROP ', o.kind, ' ', $name"
}

# sequence_defaults DATABASE WAS: what takes from a sequence of the database WAS takes from that of DATABASE. All columns of a table in one
# statement: the table does not open while one of them names what is gone.
sequence_defaults() {
  local column default
  column=$(q column_name)
  default="REPLACE(REPLACE(REPLACE(column_default, 'nextval(\`$2\`.', 'nextval(\`$1\`.'), 'lastval(\`$2\`.', 'lastval(\`$1\`.'),
    'setval(\`$2\`.', 'setval(\`$1\`.')"
  each "$1" "SELECT table_name AS t, GROUP_CONCAT('ALTER COLUMN ', $column, ' SET DEFAULT (', $default, ')') AS d
      FROM information_schema.columns WHERE table_schema = DATABASE() AND column_default LIKE '%val(\`$(pattern_of "$2")\`.%'
      GROUP BY table_name" "'ALTER TABLE ', $(q o.t), ' ', o.d"
}

# foreign_keys DATABASE WAS: a key whose parent is not there stays with the database that its table came from; it becomes DATABASE's.
foreign_keys() {
  each "$1" "SELECT k.table_name AS t, k.constraint_name AS c, k.referenced_table_name AS p, r.update_rule AS u, r.delete_rule AS d,
      GROUP_CONCAT($(q k.column_name) ORDER BY k.ordinal_position) AS own, GROUP_CONCAT($(q k.referenced_column_name) ORDER BY k.ordinal_position) AS theirs
    FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
      ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
    WHERE k.table_schema = DATABASE() AND k.referenced_table_schema = '$2' GROUP BY k.table_name, k.constraint_name" \
    "'SET SESSION foreign_key_checks = 0'" "'ALTER TABLE ', $(q o.t), ' DROP FOREIGN KEY ', $(q o.c)" \
    "'ALTER TABLE ', $(q o.t), ' ADD CONSTRAINT ', $(q o.c), ' FOREIGN KEY (', o.own, ') REFERENCES ', $(q o.p), ' (', o.theirs,
      ')', IF(o.u IN ('RESTRICT', 'NO ACTION'), '', CONCAT(' ON UPDATE ', o.u)), IF(o.d IN ('RESTRICT', 'NO ACTION'), '', CONCAT(' ON DELETE ', o.d))"
}

# definers FILE LIVE-CODE: lines of code with the definer that each gets. The service's own stay its own. Another account's stay
# that one's where the live database holds the same object word by word: nothing is gained then. All others are made the service's.
# The database's own defaults are those of the live one, which the program declares: where they were others, `now` says so.
definers() {
  accounts >"$state/accounts.$$"
  jq -c --arg service "$SERVICE" --slurpfile accounts "$state/accounts.$$" --slurpfile live "$2" '
    if .kind == "database" then .now = ($live | map(select(.kind == "database")) | .[0].defaults) else . as $o | ($accounts[0] | any(. == $o.definer)) as $known
    | ($accounts[0] | map(select(.user == $service)) | sort_by(.host) | .[0] // {user: $service, host: "localhost"}) as $service_account
    | if $known and (.definer.user == $service or ($live | any(. == $o))) then . else .was = .definer | .definer = $service_account end end' "$1"
  rm -f "$state/accounts.$$"
}

# borrowed_rights GRANT|REVOKE DATABASE: a view on a view or a function can only be made while the service, whose it is, could read it there.
# The log has these rights, as it has the views: whoever replays it makes them, too.
borrowed_rights() {
  local sentence="GRANT SELECT, EXECUTE ON" end=TO
  [ "$1" = GRANT ] || sentence="REVOKE ALL PRIVILEGES ON" end=FROM
  root_sql <<SQL
DELIMITER //
FOR a IN (SELECT user AS u, host AS h FROM mysql.global_priv WHERE user = '$SERVICE' AND host <> ''
    AND ('$1' = 'GRANT' OR (user, host) IN (SELECT user, host FROM mysql.db WHERE db = '$(pattern_of "$2")'))) DO
  EXECUTE IMMEDIATE CONCAT('$sentence \`$(pattern_of "$2")\`.* $end ', QUOTE(a.u), '@', QUOTE(a.h));
END FOR//
SQL
}
