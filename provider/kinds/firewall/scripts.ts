/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/** A word of sed: ufw's frame lets every program ping over IPv6, and a ping carries whatever is written into it. */
export const PINGS_OUT = "/^-A ufw6-before-output .*--icmpv6-type echo-request /d";

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
# The frame that ufw puts around the rules, as the package brought it, less pings that go out.
section frame
for name in before before6 after after6; do
  origin=/usr/share/ufw/iptables/$name.rules
  [ ! -e "$origin" ] || sed '${PINGS_OUT}' "$origin" | cmp -s - "/etc/ufw/$name.rules" || echo "$name.rules"
done
section added
ufw show added
# The kernel's own chains, and those of ufw's that decide about what no rule names.
kernel() {
  "$1" -S INPUT
  "$1" -S OUTPUT
  for part in reject track; do
    for way in input output; do "$1" -S "$2-$part-$way" 2>/dev/null || true; done
  done
}
section kernel4
kernel iptables ufw
section kernel6
kernel ip6tables ufw6
# ufw's files against the kernel: how many rules each has.
for family in "ufw iptables " "ufw6 ip6tables 6"; do
  read -r chain tables suffix <<<"$family"
  for way in input output; do
    for part in before user after; do
      section "written $tables $part $way"
      grep -c "^-A $chain-$part-$way " "/etc/ufw/$part$suffix.rules" || true
      section "loaded $tables $part $way"
      { "$tables" -S "$chain-$part-$way" 2>/dev/null || true; } | grep -c '^-A' || true
    done
  done
done
`;

/**
 * Applies a plan, with a way back: what was there before returns by itself after a while, unless CONFIRM says that the host
 * can still be reached, and at once where the host itself would not reach any more what it needs: its resolvers, its package
 * mirrors and NEEDS. Needs: STATE (directory), ROLLBACK_SECONDS, PLAN (shell lines), NEEDS (lines: host, port).
 */
export const GUARDED = String.raw`
unit=estate-firewall-rollback

# What this host may have to reach, one a line: tcp or dns, host, port. What is written in its files is data.
needs() {
  {
    awk 'NF { print "tcp", $0 }' <<<"$NEEDS"
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} /etc/apt/mirrors/* || true
      apt-config dump | grep -i '^Acquire::https\?::Proxy ' || true; } 2>/dev/null | awk '
      { sub(/#.*/, "")
        while (match($0, /https?:\/\/[^\/ \t";]+/)) {
          url = substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH)
          port = url ~ /^https/ ? 443 : 80
          sub(/^https?:\/\//, "", url); sub(/^.*@/, "", url)
          if (match(url, /:[0-9]+$/)) { port = substr(url, RSTART + 1); url = substr(url, 1, RSTART - 1) }
          print "tcp", url, port } }'
    awk '$1 == "nameserver" && $2 !~ /^127\./ && $2 != "::1" { print "dns", $2, 53 }' \
      /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null || true
  } | { grep -E '^[a-z]+ [A-Za-z0-9.:-]+ [0-9]+$' || true; } | sort -u
}
# A resolver is asked for the root's name servers; anything else only has to take a connection.
answers() {
  case $1 in
    tcp) timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" ;;
    dns) timeout 3 bash -c 'exec 3<>"/dev/udp/$0/$1"
      printf "\0\1\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1" >&3 && [ "$(head -c 1 <&3 | wc -c)" = 1 ]' "$2" "$3" ;;
  esac 2>/dev/null
}
# Those of the lines on standard input that answer, or with "no" those that do not; all are asked at once.
reached() {
  while read -r how host port; do
    { if answers "$how" "$host" "$port" || answers "$how" "$host" "$port"; then is=yes; else is=no; fi
      [ "$is" != "$1" ] || echo "$how $host $port"; } &
  done
  wait
}
# A run that died in the middle: first back to where it began.
[ ! -e "$STATE/pending" ] || "$STATE/rollback"
before=$(needs | reached yes)

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

# The answers of this connection pass because the kernel knows it: on a host that has tracked none until now, the kernel has to
# see it in both directions before anything is closed. The print is what goes out, its acknowledgement what comes in.
for tables in iptables ip6tables; do "$tables" -A OUTPUT -m conntrack --ctstate INVALID || true; done
echo "changing"
sleep 0.5

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
for tables in iptables ip6tables; do "$tables" -D OUTPUT -m conntrack --ctstate INVALID 2>/dev/null || true; done

lost=$([ -z "$before" ] || reached no <<<"$before")
if [ -n "$lost" ]; then
  "$STATE/rollback"
  echo "the former rules are back, because the host would not reach any more what it needs:" \
    "$(awk '{ print $2 " port " $3 }' <<<"$lost" | sort -u | paste -sd, | sed 's/,/, /g')." \
    "Add it to access.outgoing, and the resolvers that names are looked up with" >&2
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
