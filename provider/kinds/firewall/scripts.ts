/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/** Prints the firewall in sections: what ufw is told, and what the kernel does. Changes nothing. */
export const READ = String.raw`
if ! command -v ufw >/dev/null; then
  echo "== absent"
  exit 0
fi
section() { printf '== %s\n' "$1"; }

section enabled
sed -n 's/^ENABLED=//p' /etc/ufw/ufw.conf
section ipv6
sed -n 's/^IPV6=//p' /etc/default/ufw
for way in INPUT OUTPUT FORWARD; do
  section "default $way"
  sed -n 's/^DEFAULT_'$way'_POLICY=//p' /etc/default/ufw
done
# The frame that ufw puts around the rules, as the package brought it.
section frame
for name in before before6 after after6; do
  origin=/usr/share/ufw/iptables/$name.rules
  [ ! -e "$origin" ] || cmp -s "$origin" "/etc/ufw/$name.rules" || echo "$name.rules"
done
section added
ufw show added
section kernel4
iptables -S INPUT
section kernel6
ip6tables -S INPUT
# ufw's files against the kernel: how many rules each has.
for family in "ufw iptables " "ufw6 ip6tables 6"; do
  read -r chain tables suffix <<<"$family"
  for part in before user after; do
    section "written $tables $part"
    grep -c "^-A $chain-$part-input " "/etc/ufw/$part$suffix.rules" || true
    section "loaded $tables $part"
    { "$tables" -S "$chain-$part-input" 2>/dev/null || true; } | grep -c '^-A' || true
  done
done
`;

/**
 * Applies a plan, with a way back: what was there before returns by itself after a while, unless CONFIRM says that the host
 * can still be reached. Needs: STATE (directory), ROLLBACK_SECONDS, PLAN (shell lines).
 */
export const GUARDED = String.raw`
unit=estate-firewall-rollback

# A run that died in the middle: first back to where it began.
[ ! -e "$STATE/pending" ] || "$STATE/rollback"

rm -rf "$STATE"
install -d -m 0700 "$STATE" "$STATE/saved"
cp -a /etc/ufw "$STATE/saved/etc-ufw"
cp -a /etc/default/ufw "$STATE/saved/default-ufw"
# A kernel without any rule yet has no table to print: its opposite is an empty one, not nothing.
save() { "$1" -t filter | grep . || printf '%s\n' '*filter' ':INPUT ACCEPT' ':FORWARD ACCEPT' ':OUTPUT ACCEPT' COMMIT; }
save iptables-save >"$STATE/saved/kernel4"
save ip6tables-save >"$STATE/saved/kernel6"

# Whoever renames pending first decides: rollback or confirmation. Needs neither ufw nor anybody who is logged in.
cat >"$STATE/rollback" <<SCRIPT
#!/bin/bash
PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd "$STATE" && mv pending rolled-back || exit 0
rm -rf /etc/ufw && cp -a saved/etc-ufw /etc/ufw
cp -a saved/default-ufw /etc/default/ufw
iptables-restore <saved/kernel4
ip6tables-restore <saved/kernel6
SCRIPT
chmod 0700 "$STATE/rollback"
touch "$STATE/pending"

if command -v systemd-run >/dev/null && [ -d /run/systemd/system ]; then
  systemctl stop "$unit.timer" 2>/dev/null || true
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  systemd-run --quiet --collect --unit="$unit" --on-active="$ROLLBACK_SECONDS" \
    --timer-property=AccuracySec=100ms "$STATE/rollback"
else
  setsid bash -c "sleep $ROLLBACK_SECONDS; exec '$STATE/rollback'" </dev/null >/dev/null 2>&1 &
  echo $! >"$STATE/timer"
fi

# ufw talks about every rule: its words matter only when it fails.
if ! said=$(bash -euo pipefail -c "$PLAN" 2>&1); then
  "$STATE/rollback"
  echo "the former rules are back, because ufw refused: $said" >&2
  exit 1
fi
`;

/** Calls the rollback off: whoever runs this got in with the new rules. Needs: STATE. */
export const CONFIRM = `
if ! mv "$STATE/pending" "$STATE/confirmed" 2>/dev/null; then
  echo "the former rules are back already: this host was reached too late" >&2
  exit 1
fi
[ ! -e "$STATE/timer" ] || kill "$(cat "$STATE/timer")" || true
systemctl stop estate-firewall-rollback.timer 2>/dev/null || true
rm -rf "$STATE"
`;
