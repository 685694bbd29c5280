interface CommonRule {
  port: number;
  protocol: "tcp" | "udp";
  /** Why the rule is there; ufw keeps it beside the rule. */
  comment: string;
}

/** One way into a host: who may reach which port. Everything that no rule opens is closed. */
export interface IncomingRule extends CommonRule {
  /** One address or a range no wider than eight addresses, canonical: `10.77.0.11`, `203.0.113.40/29`, `fd77::1`. */
  from: string;
}

/** One way out of a host: which port of whom it may connect to. Answers to what came in need no rule. */
export interface OutgoingRule extends CommonRule {
  /** An address or a range, canonical; `any`. */
  to: string;
}

/** What a host has to reach. */
export interface Endpoint {
  /** Name or address. */
  host: string;
  port: number;
}

export type FirewallRule = IncomingRule | OutgoingRule;

/** What somebody opened, closed or changed on the host by hand: the command that did it, as far as it can be told. */
export interface HandMade {
  byHand: string;
}

/** The rules of a host by name; the name is what a preview shows. */
export type RuleSet = Readonly<Record<string, FirewallRule | HandMade>>;

/** `tcp 3306 from 10.77.0.11`, `tcp 443 to any` */
export function ruleName(rule: Omit<IncomingRule, "comment"> | Omit<OutgoingRule, "comment">): string {
  const peer = "to" in rule ? `to ${rule.to}` : `from ${rule.from}`;
  return `${rule.protocol} ${rule.port} ${peer}`;
}

export function isHandMade(rule: FirewallRule | HandMade): rule is HandMade {
  return "byHand" in rule;
}
