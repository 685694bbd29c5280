import { parseRange } from "../../connect/address";
import { isOneAddress, isWithin } from "../addresses";
import { FIREWALL } from "../kinds";
import { object, objects } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  ports: number[];
  pleskAddresses: string[];
}

export const firewallDatabasePortsClosed = resourceRule<Config>({
  name: "firewall-database-ports-closed",
  description: "A database port opens to the web host and to nobody else.",
  severity: "critical",
  remediationSteps: "Take the rule out; operators reach the databases through the web host (estate tunnel).",
  config: {
    ports: {
      type: "array",
      items: { type: "integer" },
      default: [3306, 5432, 6379, 6380],
      description: "Ports that are a database's",
    },
    pleskAddresses: textList("The web host's addresses; empty: any single address", []),
  },
  types: [FIREWALL],
  *faults({ props }, { ports, pleskAddresses }) {
    for (const { port, from } of objects(Object.values(object(props.rules)))) {
      if (typeof from === "symbol" || !covers(port, ports)) continue;
      const range = typeof from === "string" ? parseRange(from) : undefined;
      const one = range && isOneAddress(range);
      if (one && (pleskAddresses.length === 0 || isWithin(range, pleskAddresses))) continue;
      yield `port ${String(port)} opens to ${String(from ?? "any")}. Only the web host's address may reach it`;
    }
  },
});

/** Ports come as a number, as a text, or as a range of ufw: `5000:6000`. */
function covers(port: unknown, ports: number[]): boolean {
  if (typeof port === "symbol") return false;
  // No port is every port.
  if (port === undefined || port === null) return true;
  return String(port)
    .split(",")
    .some((part) => {
      const [from, to = from] = part.split(":").map(Number);
      return ports.some((one) => one >= (from as number) && one <= (to as number));
    });
}
