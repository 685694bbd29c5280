/** What runs on a host for one instance of Redis, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/**
 * Debian's template unit, redis-server@NAME, brings the sandbox. On top: what the instance may take of the host, and that it finds
 * no other instance's files. Text of the drop-in, without its last line feed.
 */
export function unitOf(name: string, { process, tasks, cpuPercent, stopSeconds, logLines }: Limits): string {
  return `# Written by the estate program; changes by hand are overwritten.
[Unit]
Description=Redis instance ${name}

[Service]
MemoryMax=${process}M
MemorySwapMax=0
CPUQuota=${cpuPercent}%
TasksMax=${tasks}
LimitNOFILE=1024
# A save that takes too much memory ends alone.
OOMPolicy=continue
# An append-only file is read to its end before the first answer.
TimeoutStartSec=900
# Debian's unit waits for ever for one that does not end by itself: it runs a script without end, or finds no room for its last copy.
TimeoutStopSec=${stopSeconds}
# What is left of a save that was cut off is taken away by nobody else, and fills the disk of all.
ExecStartPre=+/usr/sbin/runuser -u redis -- /usr/bin/find /var/lib/redis/${name} -type f -name temp-* -delete
# A script may write to the log as fast as it computes: the journal has the other lines of the host, too. journald lets pass some times as many.
LogRateLimitIntervalSec=5min
LogRateLimitBurst=${logLines}
ReadWritePaths=
ReadWritePaths=-/run/redis-${name}
TemporaryFileSystem=/var/lib/redis:ro /etc/redis:ro
BindPaths=/var/lib/redis/${name}
BindReadOnlyPaths=/etc/redis/tls /etc/redis/redis-${name}.conf`;
}

export interface Limits {
  /** MiB */
  process: number;
  tasks: number;
  /** Of one processor. */
  cpuPercent: number;
  /** To end by itself; beyond it it is ended, as in a crash. */
  stopSeconds: number;
  /** In five minutes, in the host's journal. */
  logLines: number;
}

/**
 * Needs: NAME, ADMIN, ADMIN_PASSWORD, ADDRESS, PORT, ENDPOINT, UNIT (text of the drop-in), SETTINGS (names that CONFIG GET is asked for),
 * CLIENT_AUTHORITIES (PEM texts; empty: it asks nobody for a certificate).
 */
const COMMON = String.raw`
unit=redis-server@$NAME.service
file=/etc/redis/redis-$NAME.conf
limits=/etc/systemd/system/$unit.d/estate.conf
directory=/var/lib/redis/$NAME
users=$directory/users.acl
clients=/etc/redis/tls/clients-$NAME.crt
as_redis() { runuser -u redis -- "$@"; }
differs() { ! printf '%s\n' "$2" | cmp -s - "$1"; }
running() { systemctl --quiet is-active "$unit"; }
# One that asks for certificates has a socket, for its host holds none. Any other is asked over verified TLS.
admin() {
  local command=$*
  set -- --tls --cacert /etc/redis/tls/ca.crt -h "$ADDRESS" -p "$PORT"
  if [ -S "$directory/admin.sock" ] && [ ! -L "$directory/admin.sock" ]; then set -- -s "$directory/admin.sock"; fi
  # By standard input: arguments and environment of a program can be looked at.
  printf 'AUTH %s %s\n%s\n' "$ADMIN" "$ADMIN_PASSWORD" "$command" | timeout 5 redis-cli "$@" 2>/dev/null | tail -n +2 || true
}
# Instances are made side by side, and systemd reads all units anew for each: one at a time, and nobody asks meanwhile.
alone() { exec 8>/run/lock/estate-redis; flock 8; }
shared() {
  if systemctl --quiet is-active redis-server.service; then echo running
  elif [ "$(systemctl is-enabled redis-server.service 2>/dev/null || true)" = masked ]; then echo closed
  else echo startable; fi
}
`;

/**
 * One fact a line, its content in base64: \`configuration\`, \`clientAuthorities\`, and \`effective\` (\`name=value\`). Nothing: there is
 * no instance. Where its admin does not answer, its settings are missing and so differ.
 */
export const READ = `${COMMON}${String.raw`
fact() { printf '%s %s\n' "$1" "$(base64 -w0)"; }
effective() { printf '%s' "$1" | fact effective; }
[ -e "$file" ] || exit 0
fact configuration <"$file"
# A file that the instance has not read is as good as none.
if [ -n "$CLIENT_AUTHORITIES" ] && cmp -s "$clients" "$clients.read"; then fact clientAuthorities <"$clients"; fi
alone
effective "shared=$(shared)"
case $(systemctl is-enabled "$unit" 2>/dev/null || true) in enabled) effective enabled=yes ;; *) effective enabled=no ;; esac
if differs "$limits" "$UNIT" || [ "$(systemctl show --property NeedDaemonReload --value "$unit")" != no ]; then
  effective "unit=changed by hand"
else
  effective "unit=as declared"
fi
flock -u 8
if running; then
  pid=$(systemctl show --property MainPID --value "$unit")
  effective "memory_max=$(systemctl show --property MemoryMax --value "$unit")"
  effective "listening=$(ss -Hltnp | awk -v mine="pid=$pid," 'index($0, mine) { print $4 }' | sort | paste -sd ' ')"
  effective "tls=$({ timeout 5 openssl s_client -connect "$ENDPOINT" -brief 2>&1 || true; } | sed -n 's/^Protocol version: //p')"
  # shellcheck disable=SC2086
  admin CONFIG GET $SETTINGS | paste -d= - - | while IFS= read -r line; do effective "$line"; done
  effective "default_user=$(admin ACL LIST | awk '$2 == "default" { print $3 }')"
fi
`}`;

/**
 * The instance as it is declared; only this one is restarted, and only where RESTART says so or a file differs. Needs CONFIGURATION,
 * RULES (ACL of default and the admin, the password in them a hash) and RESTART (yes; no; asking: nothing differs but whom it asks for a
 * certificate, which it is told while it runs) as well, and ASKS (what tls-auth-clients is to be).
 *
 * What the instance's own user could have written, it writes again as that user: root follows no link of its.
 */
export const MEND = `${COMMON}${String.raw`
alone
if [ "$(shared)" != closed ]; then
  # Every service has left it: its data stays where it is, for nobody.
  systemctl disable --now redis-server.service >&2 || true
  systemctl mask redis-server.service >&2
  systemctl stop redis-server.service >&2
fi
if differs "$limits" "$UNIT"; then
  RESTART=yes
  install -d -m 0755 "$(dirname "$limits")"
  printf '%s\n' "$UNIT" >"$limits.new"
  mv "$limits.new" "$limits"
fi
systemctl daemon-reload
systemctl --quiet enable "$unit"
flock -u 8

if [ -L "$directory" ]; then echo "$directory is a link, and must be a directory" >&2; exit 1; fi
install -d -m 0700 -o redis -g redis "$directory"
running || RESTART=yes
if [ -n "$CLIENT_AUTHORITIES" ]; then
  printf '%s' "$CLIENT_AUTHORITIES" | install -m 0644 /dev/stdin "$clients.new"
  mv "$clients.new" "$clients"
fi
if differs "$file" "$CONFIGURATION"; then
  [ "$RESTART" = asking ] || RESTART=yes
  [ ! -e "$file" ] || cp -p "$file" "$file.previous"
  printf '%s\n' "$CONFIGURATION" | install -m 0640 -o redis -g redis /dev/stdin "$file.new"
  mv "$file.new" "$file"
fi
has_read_clients() {
  if [ -n "$CLIENT_AUTHORITIES" ]; then cp "$clients" "$clients.read"; else rm -f "$clients" "$clients.read"; fi
}
if [ "$RESTART" = asking ]; then
  # In one command: with the authorities its TLS begins anew, and nobody resumes what began when less was asked for. Connections stay.
  if [ "$(admin CONFIG SET tls-auth-clients "$ASKS" tls-ca-cert-file "$clients" tls-session-caching no)" = OK ]; then
    has_read_clients
    exit 0
  fi
  RESTART=yes
fi
[ "$RESTART" = yes ] || exit 0
# Every other user is the service's own and is kept: the server saves them to this file itself.
kept=$(as_redis cat "$users" 2>/dev/null | grep -E '^user ' | grep -vE "^user (default|$ADMIN) " || true)
printf '%s\n' "$RULES" "$kept" | grep . |
  as_redis sh -c 'umask 077; cat >"$1.new" && mv -T "$1.new" "$1"' sh "$users"
started=$(date +%s)
# Several changes within seconds are no reason for systemd to leave it stopped.
systemctl reset-failed "$unit" 2>/dev/null || true
if ! systemctl restart "$unit" >&2; then
  echo "$unit does not start with its declared configuration. The reason:" >&2
  journalctl --no-pager --output cat --since "@$started" --lines 15 --unit "$unit" >&2 || true
  if [ -e "$file.previous" ]; then
    mv "$file.previous" "$file"
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl restart "$unit" >&2 && echo "The former configuration is back." >&2
  fi
  exit 1
fi
has_read_clients
`}`;

/** The instance ends, for the time being or for good: its data stays. */
export const STOP = `${COMMON}
alone
if systemctl cat "$unit" >/dev/null 2>&1; then systemctl disable --now "$unit" >&2; fi
rm -f "$file" "$file.previous" "$limits" "$clients" "$clients.read"
rmdir "$(dirname "$limits")" 2>/dev/null || true
systemctl daemon-reload
`;
