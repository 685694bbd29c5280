import { serverVersionSupported } from "../../../policy/rules/server-version-supported";
import { verifyRule } from "../../support/policy";

const server = (kind: string, minimumVersion: string) => ({
  type: `estate:component:${kind}Server`,
  props: { server: { host: "db", minimumVersion } },
});
const older = (minimumVersion: unknown, floor: string) => ({
  clause: `${minimumVersion}`,
  props: { server: { host: "db", minimumVersion } },
  says: [
    `server.minimumVersion is ${minimumVersion ? `"${minimumVersion}"` : "not set"}. Use ${floor} or newer`,
  ],
});

verifyRule(serverVersionSupported, server("Plesk", "10.6"), [older("10.5", "10.6")]);
verifyRule(serverVersionSupported, server("Mariadb", "11.4"), [older("10.6", "10.11"), older("5", "10.11")]);
verifyRule(serverVersionSupported, server("Postgres", "16.10"), [
  older("15.99", "16"),
  older(undefined, "16"),
]);
verifyRule(serverVersionSupported, server("Redis", "7"), [
  older("6.2", "7"),
  { ...older("7.0", "8"), config: { redis: "8" } },
]);
