import {
  MARIADB_BACKUP_LOGINS,
  POSTGRES_BACKUP_LOGINS,
  POSTGRES_BACKUP_SQL,
} from "../../../estate/backup-logins";

/** Engines with one server on a host. */
export const ENGINES = ["mariadb", "postgres"] as const;
export type Engine = (typeof ENGINES)[number];

/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/** `content FILE NAME`: a file in base64 under a name, if it is there. `put FILE OWNER MODE`: its new content is on standard input. */
const COMMON = String.raw`
content() { if [ -e "$1" ]; then printf '%s %s\n' "$2" "$(base64 -w0 <"$1")"; fi; }
put() {
  [ ! -e "$1" ] || cp -p "$1" "$1.previous"
  install -m "$3" -o "$2" -g "$2" /dev/stdin "$1.new"
  mv "$1.new" "$1"
}
take_back() { if [ -e "$1.previous" ]; then mv "$1.previous" "$1"; else rm -f "$1"; fi; }
differs() { ! printf '%s\n' "$2" | cmp -s - "$1"; }
# A log may quote a line that a password's hash or verifier stands in.
without_hashes() { sed -E 's/SCRAM-SHA-256\$[^[:space:]]*/.../g; s/[0-9A-Fa-f]{40,}/.../g'; }
restart() {
  local started
  started=$(date +%s)
  if systemctl restart "$1" >&2; then return 0; fi
  echo "$1 does not start with its declared configuration; the former one is back. The reason:" >&2
  journalctl --no-pager --output cat --since "@$started" --lines 15 --unit "$1" | without_hashes >&2 || true
  take_back "$2"
  systemctl restart "$1" >&2 || true
  exit 1
}
facts() { while IFS= read -r line; do printf '%s %s\n' "$1" "$(printf '%s' "$line" | base64 -w0)"; done; }
`;

const names = (logins: Readonly<Record<string, string>>) =>
  Object.keys(logins)
    .map((name) => `'${name}'`)
    .join(", ");
const rows = (logins: Readonly<Record<string, string>>) =>
  Object.keys(logins)
    .map((name) => `SELECT '${name}' AS name`)
    .join(" UNION ");
const [BY_SOCKET] = Object.values(MARIADB_BACKUP_LOGINS);

const POSTGRES = `
read -r version cluster port _ < <(pg_lsclusters --no-header 2>/dev/null | sort -k1,1V | awk '$2 == "main"' | tail -1) || exit 0
unit=postgresql@$version-$cluster
file=/etc/postgresql/$version/$cluster/conf.d/estate.conf
hba=/etc/postgresql/$version/$cluster/pg_hba.conf
ident=/etc/postgresql/$version/$cluster/pg_ident.conf
client() {
  runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog' psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$port" -d postgres "$@"
}
running() { systemctl --quiet is-active "$unit"; }
unread() { running && [ "$(client -c "SELECT (pg_stat_file('$1')).modification > pg_conf_load_time()")" = t ]; }
# A value that is written down and waits for the next reload or restart counts as much as the one that is in force.
values() {
  client -c "SELECT s.name || '=' || s.setting || CASE WHEN f.setting <> s.setting THEN ' (written: ' || f.setting || ')' ELSE '' END
    FROM pg_settings s LEFT JOIN LATERAL
      (SELECT setting FROM pg_file_settings WHERE name = s.name ORDER BY seqno DESC LIMIT 1) f ON true
    WHERE s.name IN ($GUARDED)"
}
# What the server reads may be another file than the one that is ours.
in_use() { if running; then client -c "SHOW $1"; else printf '%s\\n' "$2"; fi; }
logins() {
  client <<'SQL'
SELECT r.rolname || '=' || translate(concat_ws(', ', concat_ws(' ',
    CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
    CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
    CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
    CASE WHEN r.rolinherit THEN 'INHERIT' END, CASE WHEN r.rolpassword IS NOT NULL THEN 'PASSWORD' END,
    CASE WHEN r.rolvaliduntil <> 'infinity' THEN 'VALID UNTIL ' || r.rolvaliduntil END, 'CONNECTION LIMIT ' || r.rolconnlimit),
  (SELECT string_agg(setting || coalesce(' in ' || d.datname, ''), ', ' ORDER BY d.datname NULLS FIRST, setting)
    FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS setting WHERE s.setrole = r.oid),
  (SELECT string_agg('in ' || pg_get_userbyid(m.roleid) || CASE WHEN m.admin_option THEN ' WITH ADMIN' ELSE '' END
      || CASE WHEN m.inherit_option AND m.set_option THEN '' ELSE ' in part' END, ', ' ORDER BY pg_get_userbyid(m.roleid))
    FROM pg_auth_members m WHERE m.member = r.oid),
  (SELECT string_agg('has member ' || pg_get_userbyid(m.member), ', ' ORDER BY pg_get_userbyid(m.member))
    FROM pg_auth_members m WHERE m.roleid = r.oid)), E'\\n\\r', '  ')
FROM pg_authid r WHERE r.rolname IN (${names(POSTGRES_BACKUP_LOGINS)})
SQL
}
`;

const MARIADB = `
unit=mariadb
file=/etc/mysql/mariadb.conf.d/99-estate.cnf
client() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --skip-column-names "$@"; }
running() { systemctl --quiet is-active "$unit"; }
# Written after its start, and not taken while it runs.
unread() {
  local started
  running && started=$(date -d "$(systemctl show --value --property ExecMainStartTimestamp "$unit")" +%s) || return 1
  [ -e "$1" ] && [ "$(stat -c %Y "$1")" -gt "$started" ] && [ ! "$1.taken" -nt "$1" ]
}
values() {
  client -e "SELECT CONCAT(LOWER(VARIABLE_NAME), '=', GLOBAL_VALUE) FROM information_schema.SYSTEM_VARIABLES
    WHERE LOWER(VARIABLE_NAME) IN ($GUARDED)"
}
# Of an account that is not there, as of one as it has to be, there is nothing more to say.
logins() {
  client <<'SQL'
WITH account AS (SELECT User, Host, Priv, CONCAT(QUOTE(User), '@', QUOTE(Host)) AS grantee FROM mysql.global_priv
  WHERE User IN (${names(MARIADB_BACKUP_LOGINS)})),
more AS (
  SELECT User, CONCAT('from host ', Host) AS what FROM account WHERE Host <> 'localhost'
  UNION SELECT User, 'another way to log in' FROM account WHERE COALESCE(JSON_VALUE(Priv, '$.plugin'), '') <> 'unix_socket'
    OR COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') <> '' OR JSON_EXISTS(Priv, '$.auth_or')
  UNION SELECT a.User, CONCAT(p.PRIVILEGE_TYPE, ' on everything') FROM account a JOIN information_schema.USER_PRIVILEGES p ON p.GRANTEE = a.grantee
    WHERE p.PRIVILEGE_TYPE <> 'USAGE' AND (a.User, p.PRIVILEGE_TYPE) <> ('estate-restore', 'SET USER')
  UNION SELECT a.User, CONCAT('role ', m.Role) FROM account a JOIN mysql.roles_mapping m ON m.User = a.User AND m.Host = a.Host
  UNION SELECT a.User, CONCAT('PROXY ', p.Proxied_user) FROM account a JOIN mysql.proxies_priv p ON p.User = a.User AND p.Host = a.Host
  UNION SELECT a.User, CONCAT('rights on ', d.Db) FROM account a JOIN mysql.db d ON d.User = a.User AND d.Host = a.Host
    WHERE d.Db IN ('mysql', 'sys', 'performance\\_schema', 'performance_schema', '%')
  UNION SELECT a.User, CONCAT('rights on ', t.Db, '.', t.Table_name) FROM account a JOIN mysql.tables_priv t ON t.User = a.User AND t.Host = a.Host
    WHERE t.Db = 'mysql' AND (t.Table_name <> 'proc' OR t.Table_priv <> 'Select'))
SELECT REPLACE(CONCAT(l.name, '=', COALESCE((SELECT GROUP_CONCAT(what ORDER BY what SEPARATOR ', ') FROM more WHERE more.User = l.name),
  '${BY_SOCKET}')), CHAR(10), ' ')
FROM (${rows(MARIADB_BACKUP_LOGINS)}) l
SQL
}
`;

/** `told FILE NAME`: its content, unless the server runs with another: somebody was interrupted between writing it and having it read. */
const TOLD = `
told() {
  if [ -e "$1" ] && unread "$1"; then
    printf '%s %s\\n' "$2" "$(printf 'written, and not read by the server yet' | base64 -w0)"
  else
    content "$1" "$2"
  fi
}
`;

const READ_FILES_POSTGRES = `
told "$(in_use hba_file "$hba")" hba
told "$(in_use ident_file "$ident")" ident
`;

const READ = `
told "$file" configuration
if running; then
  values | facts effective
  logins | facts login
fi
`;

const MEND_POSTGRES = String.raw`
running || systemctl start "$unit"
# The server parses a file before it has to live with it: a reload would answer true and keep the old rules.
if differs "$ident" "$IDENT"; then
  printf '%s\n' "$IDENT" | put "$ident" postgres 0640
  faults=$(client -c "SELECT 'line ' || line_number || ': ' || error FROM pg_ident_file_mappings WHERE error IS NOT NULL")
  if [ -n "$faults" ]; then
    take_back "$ident"
    echo "pg_ident.conf has faults and was not applied: $faults" >&2
    exit 1
  fi
fi
if differs "$hba" "$HBA"; then
  printf '%s\n' "$HBA" | put "$hba" postgres 0640
  faults=$(client -c "SELECT 'line ' || line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL")
  if [ -n "$faults" ]; then
    take_back "$hba"
    echo "pg_hba.conf has faults and was not applied: $faults" >&2
    exit 1
  fi
fi
install -d -m 0755 -o postgres -g postgres "$(dirname "$file")"
if differs "$file" "$CONFIGURATION"; then printf '%s\n' "$CONFIGURATION" | put "$file" postgres 0640; fi
if [ "$(logins | sort)" != "$(printf '%s\n' "$LOGINS" | sort)" ]; then client <<'SQL'
${POSTGRES_BACKUP_SQL.join("\n")}
SQL
fi
for name in $NAMES hba_file ident_file; do client -c "ALTER SYSTEM RESET $name"; done
loaded=$(client -c "SELECT pg_conf_load_time()")
client -c "SELECT pg_reload_conf()" >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ "$(client -c "SELECT pg_conf_load_time()")" = "$loaded" ] || break
  sleep 0.2
done
if [ "$(client -c "SELECT count(*) FROM pg_settings WHERE pending_restart")" != 0 ]; then restart "$unit" "$file"; fi
`;

const MEND_MARIADB = String.raw`
# lines FILE: those that say something.
lines() { grep -vE '^[[:space:]]*(#|$)' "$1" | sort -u || true; }
# takes FORMER: the running server takes each line that FORMER has not. Fails where one went, is no plain setting, or needs a start.
takes() {
  local name sign value rest
  running || return 1
  [ -z "$(comm -23 <(lines "$1" | cut -d' ' -f1 | sort -u) <(lines "$file" | cut -d' ' -f1 | sort -u))" ] || return 1
  while read -r name sign value rest; do
    [ "$sign" = = ] && [ -n "$value" ] && [ -z "$rest" ] || return 1
    case $name$value in *[!A-Za-z0-9_.,-]*) return 1 ;; esac
    case $value in
      [0-9]*M) value=$(numfmt --from=iec "$value") || return 1 ;;
      *[!0-9]*) value="'$value'" ;;
    esac
    client -e "SET GLOBAL $(tr - _ <<<"$name") = $value" </dev/null 2>/dev/null || return 1
  done < <(comm -13 <(lines "$1") <(lines "$file"))
  touch "$file.taken"
}
# Debian 13 makes no such directory, and without it the slow log stays off with no more than a line in the journal.
install -d -o mysql -g adm -m 2750 /var/log/mysql
if differs "$file" "$CONFIGURATION"; then
  printf '%s\n' "$CONFIGURATION" | put "$file" root 0644
  { [ -e "$file.previous" ] && takes "$file.previous"; } || restart "$unit" "$file"
fi
running || systemctl start "$unit"
if unread "$file"; then restart "$unit" "$file"; fi
# The next run makes them again; one that is at work fails, and is tried again.
if [ "$(logins | sort)" != "$(printf '%s\n' "$LOGINS" | sort)" ]; then client <<'SQL'
SET SESSION sql_log_bin = 0;
DELIMITER //
FOR a IN (SELECT User AS u, Host AS h FROM mysql.global_priv WHERE User IN (${names(MARIADB_BACKUP_LOGINS)})) DO
  EXECUTE IMMEDIATE CONCAT('DROP USER ', QUOTE(a.u), '@', QUOTE(a.h));
END FOR//
DELIMITER ;
SQL
fi
# What cannot be set while it runs comes back with a restart.
while IFS='=' read -r name value; do
  [ -n "$name" ] || continue
  client -e "SET GLOBAL $name = '$value'" 2>/dev/null || true
done <<<"$EFFECTIVE"
if [ "$(values | sort)" != "$(printf '%s\n' "$EFFECTIVE" | sort)" ]; then restart "$unit" "$file"; fi
`;

const engines: Record<Engine, { setUp: string; read: string; mend: string }> = {
  postgres: { setUp: POSTGRES, read: TOLD + READ_FILES_POSTGRES + READ, mend: MEND_POSTGRES },
  mariadb: { setUp: MARIADB, read: TOLD + READ, mend: MEND_MARIADB },
};

/**
 * Prints what a server reads and runs with, one fact a line with its content in base64: `configuration`, `hba`, `ident`, `effective`
 * for each guarded setting (`name=value`) and `login` for what backup and restore log in as (`name=words`). Nothing: the server was
 * never set up. Needs GUARDED.
 */
export function readScript(engine: Engine): string {
  return COMMON + engines[engine].setUp + engines[engine].read;
}

/** Makes it what is declared. Needs CONFIGURATION, HBA, IDENT, GUARDED, NAMES, EFFECTIVE, LOGINS. */
export function mendScript(engine: Engine): string {
  return COMMON + engines[engine].setUp + engines[engine].mend;
}
