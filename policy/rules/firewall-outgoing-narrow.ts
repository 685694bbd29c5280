import { parseRange } from "../../connect/address";
import { ANYWHERE, DESTINATION_BITS } from "../../estate/destinations";
import { isWithin, unionFaults } from "../addresses";
import { outgoing, PORT } from "../firewall-rules";
import { FIREWALL } from "../kinds";
import { isUnknown, show, type Value } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  allowed: string[];
}

export const firewallOutgoingNarrow = resourceRule<Config>({
  name: "firewall-outgoing-narrow",
  description: "A host connects to named networks, to any address over HTTPS alone, and to nothing else.",
  severity: "high",
  remediationSteps: "Narrow access.outgoing of the stack: the firewall's outgoing rules follow from it.",
  config: {
    allowed: textList(
      "Ranges (CIDR) that may be connected to, and any; empty: whatever is narrow enough",
      [],
    ),
  },
  types: [FIREWALL],
  *faults({ props }, { allowed }) {
    const { outgoing: rest = "reject" } = props;
    if (!isUnknown(rest) && rest !== "reject") {
      yield `outgoing is ${show(rest)}: what no rule names must be refused. Use "reject"`;
    }
    const rules = outgoing(props);
    const limits = { allowed, ipv4Bits: DESTINATION_BITS[4], ipv6Bits: DESTINATION_BITS[6] };
    const ways = rules.map(({ protocol, port, to }) => ({
      port: `${String(protocol)} ${String(port)}`,
      from: to,
    }));
    yield* unionFaults(ways, limits, "destinations");
    for (const { protocol, port, to } of rules) {
      if (!isUnknown(port) && !PORT.test(String(port)))
        yield `port is ${show(port)}. Write it as a number: a way out is one port, or several that are named`;
      if (isUnknown(to)) continue;
      const fault = to === "any" ? anywhereFault(protocol, port, allowed) : destinationFault(to, allowed);
      if (fault) yield `${String(protocol)} ${String(port)}: ${fault}`;
    }
  },
});

function anywhereFault(protocol: Value, port: Value, allowed: readonly string[]): string | undefined {
  if (port !== ANYWHERE.port || protocol !== ANYWHERE.protocol) {
    return `goes to any address. Only ${ANYWHERE.protocol} ${ANYWHERE.port} may: name the addresses`;
  }
  if (allowed.length === 0 || allowed.includes("any")) return undefined;
  return `goes to any address, and the configured ranges are ${allowed.join(", ")}`;
}

function destinationFault(to: Value, allowed: readonly string[]): string | undefined {
  const range = typeof to === "string" ? parseRange(to) : undefined;
  if (!range) return `destination ${show(to)} is no address or range. Write it as 203.0.113.0/24`;
  const bits = DESTINATION_BITS[range.family];
  if (range.prefix < bits) return `destination ${show(to)} is wider than /${bits}. Name what is needed`;
  if (allowed.length === 0 || isWithin(range, allowed)) return undefined;
  return `destination ${show(to)} is outside the configured ranges (${allowed.join(", ")})`;
}
