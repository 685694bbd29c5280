import type { Reach } from "../../estate/reachability";
import type { FirewallRule } from "../../provider/kinds/firewall/rule";

/** A host's firewall rules from its part of the reachability table: one a port and source, whoever logs in behind it. */
export function firewallRules(reach: readonly Reach[]): FirewallRule[] {
  const rules = new Map<string, FirewallRule>();
  for (const { port, protocol, from, who, service } of reach) {
    const name = `${protocol} ${port} ${from}`;
    if (!rules.has(name)) rules.set(name, { port, protocol, from, comment: `${service} from the ${who}` });
  }
  return [...rules.values()];
}
