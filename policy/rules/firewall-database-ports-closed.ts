import { parseRange } from "../../connect/address";
import { REDIS_PORTS } from "../../estate/redis";
import { isOneAddress, isWithin } from "../addresses";
import { incoming, PORT, portRanges } from "../firewall-rules";
import { FIREWALL } from "../kinds";
import { show, type Value } from "../plain";
import { resourceRule } from "../rule";
import { GROUPS, groupDoors } from "../security-groups";
import { textList } from "../settings";

interface Config {
  ports: number[];
  pleskAddresses: string[];
}

/** Every port that an instance of Redis may be given. */
const REDIS = Array.from(
  { length: REDIS_PORTS.last - REDIS_PORTS.first + 1 },
  (_, index) => REDIS_PORTS.first + index,
);

export const firewallDatabasePortsClosed = resourceRule<Config>({
  name: "firewall-database-ports-closed",
  description: "A database port opens to the web host and to nobody else.",
  severity: "critical",
  remediationSteps: "Take the rule out; operators reach the databases through the web host (estate tunnel).",
  config: {
    ports: {
      type: "array",
      items: { type: "integer" },
      default: [3306, 5432, 6379, ...REDIS],
      description: "Ports that are a database's",
    },
    pleskAddresses: textList("The web host's addresses; empty: any single address", []),
  },
  types: [FIREWALL, ...GROUPS],
  *faults({ type, props }, { ports, pleskAddresses }) {
    for (const { port, from } of type === FIREWALL ? incoming(props) : groupDoors(type, props)) {
      if (typeof port !== "symbol" && (port ?? null) !== null && !PORT.test(String(port)))
        yield `port is ${show(port)}. Write it as a number: a name may be any port`;
      if (typeof from === "symbol" || !covers(port, ports)) continue;
      const range = typeof from === "string" ? parseRange(from) : undefined;
      const one = range && isOneAddress(range);
      if (one && (pleskAddresses.length === 0 || isWithin(range, pleskAddresses))) continue;
      yield `port ${String(port)} opens to ${String(from ?? "any")}. Only the web host's address may reach it`;
    }
  },
});

function covers(port: Value, ports: number[]): boolean {
  return portRanges(port).some(([from, to]) => ports.some((one) => one >= from && one <= to));
}
