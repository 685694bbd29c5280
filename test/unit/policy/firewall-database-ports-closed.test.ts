import { firewallDatabasePortsClosed } from "../../../policy/rules/firewall-database-ports-closed";
import { verifyRule } from "../../support/policy";

const rule = (port: unknown, from: unknown) => ({ port, protocol: "tcp", from, comment: "why" });
const rules = (...all: ReturnType<typeof rule>[]) => ({
  rules: Object.fromEntries(all.map((one) => [`tcp ${one.port} from ${one.from}`, one])),
});
const good = {
  type: "estate:host:Firewall",
  props: {
    label: "db",
    incoming: "deny",
    ...rules(rule(22, "10.0.0.40/29"), rule(3306, "10.0.0.5"), rule(5432, "fd00::5")),
  },
};
const opens = (port: unknown, to: string) =>
  `port ${port} opens to ${to}. Only the web host's address may reach it`;

verifyRule(firewallDatabasePortsClosed, good, [
  ...[3306, 5432, 6379, 6380].map((port) => ({
    clause: `${port} for a range`,
    props: rules(rule(port, "10.0.0.40/29")),
    says: [opens(port, "10.0.0.40/29")],
  })),
  { clause: "a port for everybody", props: rules(rule(3306, undefined)), says: [opens(3306, "any")] },
  {
    clause: "a range of ports",
    props: rules(rule("5000:6000", "10.0.0.40/29")),
    says: [opens("5000:6000", "10.0.0.40/29")],
  },
  {
    clause: "every port",
    props: rules(rule(undefined, "10.0.0.40/29")),
    says: [opens(undefined, "10.0.0.40/29")],
  },
  {
    clause: "another machine than the web host",
    config: { pleskAddresses: ["10.0.0.6", "fd00::/125"] },
    says: [opens(3306, "10.0.0.5")],
  },
]);
