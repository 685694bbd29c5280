import { parseRange } from "../../../connect/address";
import { type FirewallRule, type HandMade, ruleName } from "./rule";

export type Policy = "allow" | "deny" | "reject";

/** A host's firewall as it stands. */
export interface FirewallState {
  incoming: Policy;
  outgoing: Policy;
  rules: Record<string, FirewallRule | HandMade>;
  /** What keeps the rules from being in force, each a short sentence; none: they are. */
  faults: Fault[];
}

export interface Fault {
  code: "off" | "ipv6" | "routed" | "frame" | "kernel";
  text: string;
}

const POLICIES: Readonly<Record<string, Policy>> = { ACCEPT: "allow", DROP: "deny", REJECT: "reject" };

/** Reads what read.sh printed. undefined: the host has no ufw. Errors: a section is missing. */
export function parseState(printed: string): FirewallState | undefined {
  const sections = split(printed);
  if (sections.has("absent")) return undefined;
  const lines = (name: string): string[] => {
    const found = sections.get(name);
    if (!found) throw new Error(`the firewall's state lacks the part "${name}"`);
    return found;
  };
  const word = (name: string) => (lines(name)[0] ?? "").replaceAll('"', "");

  const rules: FirewallState["rules"] = {};
  for (const line of lines("added")) {
    const rule = parseAdded(line);
    if (rule) rules["byHand" in rule ? rule.byHand : ruleName(rule)] = rule;
  }
  for (const [tables, part, chains] of [
    ["iptables", "kernel4", "ufw-"],
    ["ip6tables", "kernel6", "ufw6-"],
  ] as const) {
    for (const line of lines(part).filter((text) => opensBesideUfw(text, chains))) {
      const byHand = `${tables} ${line}`;
      rules[byHand] = { byHand };
    }
  }
  return {
    incoming: POLICIES[word("default INPUT")] ?? "allow",
    outgoing: POLICIES[word("default OUTPUT")] ?? "allow",
    rules,
    faults: [...configured(word, lines), ...(word("enabled") === "yes" ? running(word, lines) : [])],
  };
}

function configured(word: (name: string) => string, lines: (name: string) => string[]): Fault[] {
  const faults: Fault[] = [];
  if (word("enabled") !== "yes") faults.push({ code: "off", text: "ufw is disabled" });
  if (word("ipv6") !== "yes") faults.push({ code: "ipv6", text: "IPv6 is not covered" });
  if (word("default FORWARD") !== "DROP") faults.push({ code: "routed", text: "packets are forwarded" });
  const changed = lines("frame");
  if (changed.length > 0) faults.push({ code: "frame", text: `/etc/ufw was changed: ${changed.join(", ")}` });
  return faults;
}

/** Does the kernel do what ufw's files say? Only asked where ufw is enabled. */
function running(word: (name: string) => string, lines: (name: string) => string[]): Fault[] {
  return (
    [
      ["iptables", "kernel4", "ufw-", "IPv4"],
      ["ip6tables", "kernel6", "ufw6-", "IPv6"],
    ] as const
  ).flatMap(([tables, part, chain, family]) => {
    const kernel = lines(part);
    const inForce = (["INPUT", "OUTPUT"] as const).every((way) => {
      const policy = word(`default ${way}`);
      const name = (role: string) => `${chain}${role}-${way.toLowerCase()}`;
      const last = (role: string) => kernel.filter((line) => line.startsWith(`-A ${name(role)} `));
      return (
        kernel.includes(`-P ${way} ${policy === "REJECT" ? "DROP" : policy}`) &&
        ["before", "after", "reject"].every((role) => kernel.includes(`-A ${way} -j ${name(role)}`)) &&
        // What no rule names goes this way: nothing beside ufw's own may be in it.
        last("reject").length === (policy === "REJECT" ? 1 : 0) &&
        last("track").length === (policy === "ACCEPT" ? 2 : 0) &&
        // In the kernel the first part ends with a jump to the user's rules, which no file has.
        (["before", "user", "after"] as const).every(
          (role) =>
            Number(word(`written ${tables} ${role} ${way.toLowerCase()}`)) + (role === "before" ? 1 : 0) ===
            Number(word(`loaded ${tables} ${role} ${way.toLowerCase()}`)),
        )
      );
    });
    return inForce ? [] : [{ code: "kernel" as const, text: `the kernel's ${family} rules are not ufw's` }];
  });
}

/** A rule in one of the kernel's own chains that is not ufw's and could let somebody in or out. */
function opensBesideUfw(line: string, chains: string): boolean {
  const target = / -[jg] (\S+)/.exec(line)?.[1] ?? "";
  return (
    /^-A (INPUT|OUTPUT) /.test(line) &&
    !target.startsWith(chains) &&
    !["", "DROP", "REJECT", "LOG"].includes(target)
  );
}

/** As ufw prints our rules: one that lets in, one that lets out, and one that lets out to anybody. */
const COMMENT = "(?: comment '(?<comment>[^']*)')?$";
const OURS = [
  /^allow from (?<from>\S+) to any port (?<port>\d+) proto (?<protocol>tcp|udp)/,
  /^allow out to (?<to>\S+) port (?<port>\d+) proto (?<protocol>tcp|udp)/,
  /^allow out (?<port>\d+)\/(?<protocol>tcp|udp)/,
].map((form) => new RegExp(form.source + COMMENT));

/** A line of `ufw show added`; undefined: its heading. What has not exactly the form of our rules is somebody else's. */
function parseAdded(line: string): FirewallRule | HandMade | undefined {
  if (!line.startsWith("ufw ")) return undefined;
  const text = line.slice(4);
  const found = OURS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!found) return { byHand: line };
  const { from, to, port, comment = "" } = found;
  const common = { port: Number(port), protocol: found.protocol === "udp" ? "udp" : "tcp", comment } as const;
  const peer = from ?? to;
  if (peer === undefined) return { ...common, to: "any" };
  const range = parseRange(peer);
  if (!range) return { byHand: line };
  return from === undefined ? { ...common, to: range.text } : { ...common, from: range.text };
}

function split(printed: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of printed.split("\n").map((text) => text.trim())) {
    const heading = /^== (.+)$/.exec(line)?.[1];
    if (heading !== undefined) {
      current = [];
      sections.set(heading, current);
    } else if (line !== "") current.push(line);
  }
  return sections;
}
