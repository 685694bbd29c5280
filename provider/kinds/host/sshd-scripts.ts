/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

// The first value that sshd reads of a setting counts, and Debian's own file reads this directory before anything else.
const FILE = "/etc/ssh/sshd_config.d/00-estate.conf";

/**
 * Prints `setting NAME VALUE` for each of NAMES (words) as it holds for USER, and `match WORDS` for each block of the host's
 * files that makes exceptions. Nothing: there is no file of ours.
 */
export const READ_SSHD = `
[ -e ${FILE} ] || exit 0
install -d -m 0755 /run/sshd
effective=$(/usr/sbin/sshd -T -C "user=$USER,host=estate,addr=192.0.2.1" 2>/dev/null) || { echo "sshd refuses its own configuration; run sshd -t there" >&2; exit 1; }
for name in $NAMES; do
  sed -n "s/^$name /setting &/p" <<<"$effective"
done
{ grep -hiE '^[[:space:]]*match[[:space:]]' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null || true; } | sed 's/^[[:space:]]*/match /'
`;

/**
 * Lets sshd read its files and waits until it listens again: it says "reloaded" while it still takes connections by the
 * former settings, and then takes none for a moment. Its sockets are others afterwards. Where systemd listens for it there is no gap.
 */
const RELOAD = String.raw`
listening() { ss -Hltnpe | sed -n '/"sshd"/s/.* ino:\([0-9]*\).*/\1/p' | sort; }
reload() {
  local before now
  before=$(listening)
  systemctl reload ssh
  [ -n "$before" ] || return 0
  for _ in {1..150}; do
    now=$(listening)
    if [ -n "$now" ] && [ -z "$(comm -12 <(echo "$before") <(echo "$now"))" ]; then return 0; fi
    sleep 0.1
  done
  echo "sshd does not listen anew 15 s after its reload; see journalctl -u ssh" >&2
  return 1
}
`;

/** Writes CONTENT, if sshd takes it, and lets sshd read it. The former file is kept beside it. */
export const WRITE_SSHD = String.raw`${RELOAD}
install -d -m 0755 /run/sshd /etc/ssh/sshd_config.d
grep -qiE '^[[:space:]]*include[[:space:]]+/etc/ssh/sshd_config\.d/\*\.conf' /etc/ssh/sshd_config || {
  echo "/etc/ssh/sshd_config does not read /etc/ssh/sshd_config.d/*.conf: put 'Include /etc/ssh/sshd_config.d/*.conf' at its top" >&2
  exit 1
}
rm -f ${FILE}.previous
[ ! -e ${FILE} ] || cp -p ${FILE} ${FILE}.previous
printf '%s\n' "$CONTENT" | install -m 0644 /dev/stdin ${FILE}.new
mv ${FILE}.new ${FILE}
if ! fault=$(/usr/sbin/sshd -t 2>&1); then
  if [ -e ${FILE}.previous ]; then mv ${FILE}.previous ${FILE}; else rm -f ${FILE}; fi
  echo "sshd does not take the configuration, and the former one is back: $fault" >&2
  exit 1
fi
if ! reload; then
  if [ -e ${FILE}.previous ]; then mv ${FILE}.previous ${FILE}; else rm -f ${FILE}; fi
  systemctl restart ssh
  exit 1
fi
`;

/** After a new connection was refused: as it was before. */
export const TAKE_BACK_SSHD = `${RELOAD}
if [ -e ${FILE}.previous ]; then mv ${FILE}.previous ${FILE}; else rm -f ${FILE}; fi
reload
`;
