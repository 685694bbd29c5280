import { parseRange } from "../../connect/address";
import type { Reach } from "../../estate/reachability";
import type { OutgoingEntry } from "../../estate/types";
import type { IncomingRule, OutgoingRule } from "../../provider/kinds/firewall/rule";

/** What lets into a host, from its part of the reachability table: a rule a port and source, whoever logs in behind it. */
export function incomingRules(reach: readonly Reach[]): IncomingRule[] {
  const rules = new Map<string, IncomingRule>();
  for (const { port, protocol, from, who, service } of reach) {
    const name = `${protocol} ${port} ${from}`;
    if (!rules.has(name)) rules.set(name, { port, protocol, from, comment: `${service} from the ${who}` });
  }
  return [...rules.values()];
}

/** What lets out of a host: a rule a protocol, port and destination, named by the first entry that asks for it. */
export function outgoingRules(outgoing: readonly OutgoingEntry[]): OutgoingRule[] {
  const rules = new Map<string, OutgoingRule>();
  for (const { purpose, to, ports, protocols } of outgoing) {
    const destinations = to === "any" ? [to] : to.map((text) => parseRange(text)?.text ?? text);
    for (const protocol of protocols) {
      for (const port of ports) {
        for (const destination of destinations) {
          const name = `${protocol} ${port} ${destination}`;
          if (!rules.has(name)) rules.set(name, { port, protocol, to: destination, comment: purpose });
        }
      }
    }
  }
  return [...rules.values()];
}
