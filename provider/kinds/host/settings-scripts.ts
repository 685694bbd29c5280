import {
  MARIADB_BACKUP_LOGINS,
  POSTGRES_BACKUP_LOGINS,
  POSTGRES_BACKUP_SQL,
} from "../../../estate/backup-logins";

/** Engines with one server on a host. */
export const ENGINES = ["mariadb", "postgres"] as const;
export type Engine = (typeof ENGINES)[number];

/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/**
 * What both engines' parts stand on. They bring `unit`, `file` (the configuration), `files` (all that the server reads of ours), `as_owner`
 * (runs a command as whom the files' directory belongs to: root writes and reads nothing where another user could have laid a link),
 * `running`, `life` (changes whenever the server reads its files) and `read_at` (when it last did, in ns since 1970).
 */
const COMMON = String.raw`
record=/var/lib/estate-settings/$ENGINE
# content FILE NAME: a file in base64 under a name, if it is there
content() { if as_owner test -e "$1"; then printf '%s %s\n' "$2" "$(as_owner base64 -w0 -- "$1")"; fi; }
differs() { ! printf '%s\n' "$2" | cmp -s - <(as_owner cat -- "$1" 2>/dev/null); }
sum_of() { as_owner sha256sum -- "$1" 2>/dev/null | cut -d' ' -f1; }
# remember: the server has read its files as they are.
remember() {
  local each
  install -d -m 0700 "$(dirname "$record")"
  { life; for each in $files; do printf '%s  %s\n' "$(sum_of "$each")" "$each"; done; } >"$record.new"
  mv "$record.new" "$record"
}
# Whether it runs since then, with this file as it is.
has_read() { [ -e "$record" ] && [ "$(head -n 1 "$record")" = "$(life)" ] && grep -qxF "$(sum_of "$1")  $1" "$record"; }
# Whether it runs with another content of this file: somebody was interrupted before it was read, or has put back what was read in between.
unread() {
  running && as_owner test -e "$1" && ! has_read "$1" || return 1
  if [ -e "$record" ] && [ "$(head -n 1 "$record")" = "$(life)" ]; then return 0; fi
  [ "$(as_owner stat -L -c %.9Z -- "$1" | tr -d .)" -gt "$(read_at)" ]
}
told() {
  if unread "$1"; then printf '%s %s\n' "$2" "$(printf 'written, and not read by the server yet' | base64 -w0)"; else content "$1" "$2"; fi
}
# put FILE MODE <content: as a whole or not at all; what was there is kept for take_back
written=
put() {
  as_owner sh -euc 'rm -f -- "$1.previous" "$1.new"; if [ -f "$1" ] && [ ! -L "$1" ]; then cp -p -- "$1" "$1.previous"; fi
    umask 077; cat >"$1.new"; chmod "$2" "$1.new"; mv -T -- "$1.new" "$1"' sh "$1" "$2"
  written="$written $1"
}
# take_back: what this run has put
take_back() {
  local each
  for each in $written; do
    as_owner sh -euc 'if [ -e "$1.previous" ]; then mv -T -- "$1.previous" "$1"; else rm -f -- "$1"; fi' sh "$each"
  done
  written=
}
# A log may quote a line that a password's hash or verifier stands in.
without_hashes() { sed -E 's/SCRAM-SHA-256\$[^[:space:]]*/.../g; s/[0-9A-Fa-f]{40,}/.../g'; }
restart() {
  local started
  started=$(date +%s)
  systemctl reset-failed "$unit" 2>/dev/null || true
  if systemctl restart "$unit" >&2; then return 0; fi
  if [ -z "$written" ]; then
    echo "$unit does not start; its files are as declared. The reason:" >&2
  else
    echo "$unit does not start with its declared configuration; the former one is back. The reason:" >&2
  fi
  journalctl --no-pager --output cat --since "@$started" --lines 15 --unit "$unit" | without_hashes >&2 || true
  if [ -n "$written" ]; then
    take_back
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl restart "$unit" >&2 || echo "With the former one it does not start either." >&2
  fi
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
read -r version cluster port _ _ data _ < <(pg_lsclusters --no-header 2>/dev/null | sort -k1,1V | awk '$2 == "main"' | tail -1) || exit 0
unit=postgresql@$version-$cluster
file=/etc/postgresql/$version/$cluster/conf.d/estate.conf
hba=/etc/postgresql/$version/$cluster/pg_hba.conf
ident=/etc/postgresql/$version/$cluster/pg_ident.conf
files="$file $hba $ident"
as_owner() { runuser -u postgres -- "$@"; }
# At the port that it was started with, whatever its file says now.
client() {
  local at
  at=$(as_owner sed -n 4p "$data/postmaster.pid" 2>/dev/null) || at=$port
  runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog' psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$at" -d postgres "$@"
}
running() { systemctl --quiet is-active "$unit"; }
life() { client -c "SELECT pg_postmaster_start_time(), pg_conf_load_time()"; }
read_at() { client -c "SELECT (extract(epoch FROM pg_conf_load_time()) * 1000000000)::bigint"; }
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
files=$file
# The directory is root's.
as_owner() { "$@"; }
client() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --skip-column-names "$@"; }
running() { systemctl --quiet is-active "$unit"; }
life() { systemctl show --value --property InvocationID "$unit"; }
read_at() { date -d "$(systemctl show --timestamp=us --value --property ExecMainStartTimestamp "$unit")" +%s%N; }
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
as_owner sh -euc 'if [ -L "$1" ]; then rm -- "$1"; fi; mkdir -p -m 0755 -- "$1"' sh "$(dirname "$file")"
if differs "$ident" "$IDENT"; then put "$ident" 0640 <<<"$IDENT"; fi
if differs "$hba" "$HBA"; then put "$hba" 0640 <<<"$HBA"; fi
if differs "$file" "$CONFIGURATION"; then put "$file" 0640 <<<"$CONFIGURATION"; fi
running || restart
# faultless FILE QUERY: the server parses a file before it has to live with it. A reload would answer true and keep what it had, and the
# next start would fail. What only a start takes is judged by that.
faultless() {
  local faults
  faults=$(client -c "$2")
  [ -n "$faults" ] || return 0
  if [ -n "$written" ]; then take_back; echo "$1 has faults and was not applied: $faults" >&2; else echo "$1 has faults and is not in force: $faults" >&2; fi
  exit 1
}
faultless pg_ident.conf "SELECT 'line ' || line_number || ': ' || error FROM pg_ident_file_mappings WHERE error IS NOT NULL"
faultless pg_hba.conf "SELECT 'line ' || line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL"
faultless "$(basename "$file")" "SELECT 'line ' || f.sourceline || ': ' || coalesce(f.name || ': ', '') || f.error
  FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)
  WHERE f.sourcefile = '$file' AND f.error IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'"
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
if [ "$(client -c "SELECT count(*) FROM pg_settings WHERE pending_restart")" != 0 ]; then restart; fi
remember
`;

const MEND_MARIADB = String.raw`
# lines FILE: those that say something.
lines() { grep -vE '^[[:space:]]*(#|$)' "$1" | sort -u || true; }
# takes FORMER: the running server, which has read FORMER, takes each line that is new. Fails where one went, is no plain setting, needs a
# start, or means more than itself.
takes() {
  local name sign value rest
  [ -z "$(comm -23 <(lines "$1" | cut -d' ' -f1 | sort -u) <(lines "$file" | cut -d' ' -f1 | sort -u))" ] || return 1
  while read -r name sign value rest; do
    [ "$sign" = = ] && [ -n "$value" ] && [ -z "$rest" ] || return 1
    name=$(tr - _ <<<"$name")
    case $name$value in *[!A-Za-z0-9_.,]*) return 1 ;; esac
    # Of a character set its collation follows, and sessions that are open keep their format of the log.
    case $name in character_set* | collation* | binlog_format) return 1 ;; esac
    case $value in
      [0-9]*M) value=$(numfmt --from=iec "$value") || return 1 ;;
      *[!0-9]*) value="'$value'" ;;
    esac
    client -e "SET GLOBAL $name = $value" </dev/null 2>/dev/null || return 1
  done < <(comm -13 <(lines "$1") <(lines "$file"))
}
# Debian 13 makes no such directory, and without it the slow log stays off with no more than a line in the journal.
install -d -o mysql -g adm -m 2750 /var/log/mysql
if differs "$file" "$CONFIGURATION"; then
  if running && has_read "$file"; then known=yes; else known=no; fi
  put "$file" 0644 <<<"$CONFIGURATION"
  { [ "$known" = yes ] && takes "$file.previous"; } || restart
elif unread "$file" || ! running; then
  restart
fi
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
if [ "$(values | sort)" != "$(printf '%s\n' "$EFFECTIVE" | sort)" ]; then restart; fi
remember
`;

const engines: Record<Engine, { setUp: string; read: string; mend: string }> = {
  postgres: { setUp: POSTGRES, read: READ_FILES_POSTGRES + READ, mend: MEND_POSTGRES },
  mariadb: { setUp: MARIADB, read: READ, mend: MEND_MARIADB },
};

/**
 * Prints what a server reads and runs with, one fact a line with its content in base64: `configuration`, `hba`, `ident`, `effective`
 * for each guarded setting (`name=value`) and `login` for what backup and restore log in as (`name=words`). Nothing: the server was
 * never set up. Needs GUARDED.
 */
export function readScript(engine: Engine): string {
  const { setUp, read } = engines[engine];
  return `ENGINE=${engine}\n${COMMON}${setUp}${read}`;
}

/** Makes it what is declared. Needs CONFIGURATION, HBA, IDENT, GUARDED, NAMES, EFFECTIVE, LOGINS. */
export function mendScript(engine: Engine): string {
  const { setUp, mend } = engines[engine];
  return `ENGINE=${engine}\n${COMMON}${setUp}${mend}`;
}
