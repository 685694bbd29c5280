import type { Engine } from "./certificate";

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
restart() {
  if systemctl restart "$1" >&2; then return 0; fi
  echo "$1 does not start with its declared configuration; the former one is back" >&2
  take_back "$2"
  systemctl restart "$1" >&2 || true
  exit 1
}
effective() { while IFS= read -r line; do printf 'effective %s\n' "$(printf '%s' "$line" | base64 -w0)"; done; }
`;

const POSTGRES = `
read -r version cluster port _ < <(pg_lsclusters --no-header 2>/dev/null | sort -k1,1V | awk '$2 == "main"' | tail -1) || exit 0
unit=postgresql@$version-$cluster
file=/etc/postgresql/$version/$cluster/conf.d/estate.conf
hba=/etc/postgresql/$version/$cluster/pg_hba.conf
client() {
  runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$port" -d postgres "$@"
}
running() { systemctl --quiet is-active "$unit"; }
# A value that is written down and waits for the next reload or restart counts as much as the one that is in force.
values() {
  client -c "SELECT s.name || '=' || s.setting || CASE WHEN f.setting <> s.setting THEN ' (written: ' || f.setting || ')' ELSE '' END
    FROM pg_settings s LEFT JOIN LATERAL
      (SELECT setting FROM pg_file_settings WHERE name = s.name ORDER BY seqno DESC LIMIT 1) f ON true
    WHERE s.name IN ($GUARDED)"
}
`;

const MARIADB = `
unit=mariadb
file=/etc/mysql/mariadb.conf.d/99-estate.cnf
hba=
client() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --skip-column-names "$@"; }
running() { systemctl --quiet is-active "$unit"; }
values() {
  client -e "SELECT CONCAT(LOWER(VARIABLE_NAME), '=', GLOBAL_VALUE) FROM information_schema.SYSTEM_VARIABLES
    WHERE LOWER(VARIABLE_NAME) IN ($GUARDED)"
}
`;

// Nobody logs in here: what Redis runs with is told by the ports it holds open and by what answers there.
const REDIS = `
unit=redis-server
file=/etc/redis/redis.conf
hba=
running() { systemctl --quiet is-active "$unit"; }
values() {
  echo "listening=$(ss -Hltnp | awk '/"redis-server"/ { print $4 }' | sort | paste -sd ' ')"
  protocol=$({ timeout 5 openssl s_client -connect "$ENDPOINT" -brief 2>&1 || true; } | sed -n 's/^Protocol version: //p')
  echo "tls=$protocol"
}
`;

const READ = `
content "$file" configuration
content "$hba" hba
if running; then values | effective; fi
`;

const MEND_POSTGRES = String.raw`
running || systemctl start "$unit"
# The server parses the file before it has to live with it: a reload would answer true and keep the old rules.
if differs "$hba" "$HBA"; then
  printf '%s\n' "$HBA" | put "$hba" postgres 0640
  faults=$(client -c "SELECT 'line ' || line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL")
  if [ -n "$faults" ]; then
    take_back "$hba"
    echo "pg_hba.conf has faults and was not applied: $faults" >&2
    exit 1
  fi
fi
if differs "$file" "$CONFIGURATION"; then printf '%s\n' "$CONFIGURATION" | put "$file" postgres 0640; fi
for name in $NAMES; do client -c "ALTER SYSTEM RESET $name"; done
loaded=$(client -c "SELECT pg_conf_load_time()")
client -c "SELECT pg_reload_conf()" >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ "$(client -c "SELECT pg_conf_load_time()")" = "$loaded" ] || break
  sleep 0.2
done
if [ "$(client -c "SELECT count(*) FROM pg_settings WHERE pending_restart")" != 0 ]; then restart "$unit" "$file"; fi
`;

const MEND_MARIADB = String.raw`
if differs "$file" "$CONFIGURATION"; then
  printf '%s\n' "$CONFIGURATION" | put "$file" root 0644
  restart "$unit" "$file"
fi
running || systemctl start "$unit"
# What cannot be set while it runs comes back with a restart.
while IFS='=' read -r name value; do
  [ -n "$name" ] || continue
  client -e "SET GLOBAL $name = '$value'" 2>/dev/null || true
done <<<"$EFFECTIVE"
if [ "$(values | sort)" != "$(printf '%s\n' "$EFFECTIVE" | sort)" ]; then restart "$unit" "$file"; fi
`;

const MEND_REDIS = String.raw`
if differs "$file" "$CONFIGURATION"; then printf '%s\n' "$CONFIGURATION" | put "$file" redis 0640; fi
restart "$unit" "$file"
`;

const engines: Record<Engine, { setUp: string; mend: string }> = {
  postgres: { setUp: POSTGRES, mend: MEND_POSTGRES },
  mariadb: { setUp: MARIADB, mend: MEND_MARIADB },
  redis: { setUp: REDIS, mend: MEND_REDIS },
};

/**
 * Prints what a server reads and runs with, one fact a line with its content in base64: `configuration`, `hba`, and
 * `effective` for each guarded setting (`name=value`). Nothing: the server was never set up. Needs GUARDED, ENDPOINT.
 */
export function readScript(engine: Engine): string {
  return COMMON + engines[engine].setUp + READ;
}

/** Makes it what is declared. Needs CONFIGURATION, HBA, GUARDED, NAMES, EFFECTIVE, ENDPOINT as well. */
export function mendScript(engine: Engine): string {
  return COMMON + engines[engine].setUp + engines[engine].mend;
}
