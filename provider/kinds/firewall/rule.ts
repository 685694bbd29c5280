/** One door of a host: who may reach which port. Everything that no rule opens is closed. */
export interface FirewallRule {
  port: number;
  protocol: "tcp" | "udp";
  /** One address or a range no wider than eight addresses, canonical: `10.77.0.11`, `203.0.113.40/29`, `fd77::1`. */
  from: string;
  /** Why the door is there; ufw keeps it beside the rule. */
  comment: string;
}

/** What somebody opened, closed or changed on the host by hand: the command that did it, as far as it can be told. */
export interface HandMade {
  byHand: string;
}

/** The rules of a host by name; the name is what a preview shows. */
export type RuleSet = Readonly<Record<string, FirewallRule | HandMade>>;

/** `tcp 3306 from 10.77.0.11` */
export function ruleName({ protocol, port, from }: Omit<FirewallRule, "comment">): string {
  return `${protocol} ${port} from ${from}`;
}

export function isHandMade(rule: FirewallRule | HandMade): rule is HandMade {
  return "byHand" in rule;
}
