import { quote } from "../../../connect/host-script";
import { type FirewallRule, type HandMade, isHandMade, type RuleSet } from "./rule";
import { PINGS_OUT } from "./scripts";
import type { FirewallState, Policy } from "./state";

export interface Wanted {
  incoming: Policy;
  outgoing: Policy;
  rules: RuleSet;
}

/**
 * The shell lines that bring a host's firewall from what it is to what is wanted, none where it is that already.
 * What is missing is opened first and what is too much is closed last, so that no declared connection is refused meanwhile;
 * nothing is switched on before its rules are there.
 */
export function planFirewall(state: FirewallState, wanted: Wanted): string[] {
  const faulty = (code: FirewallState["faults"][number]["code"]) =>
    state.faults.some((fault) => fault.code === code);
  const lines: string[] = [];

  if (faulty("ipv6")) lines.push("sed -i '/^IPV6=/d' /etc/default/ufw", "echo IPV6=yes >>/etc/default/ufw");
  if (faulty("frame")) lines.push(...FRAME);
  if (state.incoming !== wanted.incoming) lines.push(`ufw default ${wanted.incoming} incoming`);
  if (faulty("routed")) lines.push("ufw default deny routed");
  // An enabled ufw writes each rule to the kernel at once, into chains that must be there.
  // Where the kernel's are not ufw's, it begins with a closed table: ufw would take half a frame for a whole one.
  if (faulty("kernel")) lines.push(`for tables in iptables ip6tables; do ${CLOSED} | $tables-restore; done`);
  if (!faulty("off") && state.faults.length > 0) lines.push("ufw reload");

  for (const [name, rule] of Object.entries(wanted.rules)) {
    if (isHandMade(rule) || isSame(state.rules[name], rule)) continue;
    lines.push(`ufw ${allow(rule)} comment ${word(rule.comment)}`);
  }

  // Only now: what may go out is open.
  if (state.outgoing !== wanted.outgoing) lines.push(`ufw default ${wanted.outgoing} outgoing`);
  if (faulty("off")) lines.push("ufw --force enable");

  for (const [name, rule] of Object.entries(state.rules)) {
    if (!(name in wanted.rules))
      lines.push(isHandMade(rule) ? takeBack(rule) : `ufw --force delete ${allow(rule)}`);
  }
  return lines;
}

/** The frame as the package brings it, less what a program without any right could send out in pings. */
const FRAME = [
  "for name in before before6 after after6; do " +
    "install -m 0640 /usr/share/ufw/iptables/$name.rules /etc/ufw/$name.rules; done",
  `sed -i '${PINGS_OUT}' /etc/ufw/before6.rules`,
];

const CLOSED = String.raw`printf '*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n'`;

function isSame(there: FirewallRule | HandMade | undefined, rule: FirewallRule): boolean {
  return there !== undefined && !isHandMade(there) && there.comment === rule.comment;
}

function allow(rule: FirewallRule): string {
  const { protocol, port } = rule;
  return "to" in rule
    ? `allow out proto ${protocol} from any to ${rule.to} port ${port}`
    : `allow proto ${protocol} from ${rule.from} to any port ${port}`;
}

/**
 * `ufw allow 3306` -> `ufw --force delete allow 3306`, `ufw route allow ...` -> `ufw --force route delete allow ...`,
 * `iptables -A INPUT ...` -> `iptables -D INPUT ...`. The words are ufw's and the kernel's own print of the rule.
 */
function takeBack({ byHand }: HandMade): string {
  const [tool = "", ...words] = splitWords(byHand);
  if (tool !== "ufw") {
    // The same rule may be there several times, and each removal takes one.
    const rule = words.slice(1).map(word).join(" ");
    return `while ${tool} -C ${rule} 2>/dev/null; do ${tool} -D ${rule}; done`;
  }
  const routed = words[0] === "route";
  const rule = withoutComment(routed ? words.slice(1) : words);
  return `ufw --force ${routed ? "route " : ""}delete ${rule.map(word).join(" ")}`;
}

function withoutComment(words: readonly string[]): readonly string[] {
  return words.at(-2) === "comment" ? words.slice(0, -2) : words;
}

/** Words as the shell would split them: quoted ones stay whole. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double?.replace(/\\(.)/g, "$1") ?? bare ?? "",
  );
}

/** A word of the shell: in quotes where it needs them. */
function word(value: string): string {
  return /^[\w./:,@=+-]+$/.test(value) ? value : quote(value);
}
