import { MARIADB_ACCOUNT, POSTGRES_LOGIN } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  maximum: number;
}

export const accountConnectionsLimited = resourceRule<Config>({
  name: "account-connections-limited",
  description: "A service holds a bounded number of connections.",
  severity: "medium",
  remediationSteps: "Set `connectionLimit` of the database's entry in estate/catalogue.ts to 1..20.",
  config: { maximum: wholeNumber("Most connections of one service", 20, 1, 100) },
  types: [MARIADB_ACCOUNT, POSTGRES_LOGIN],
  *faults({ type, props }, { maximum }) {
    const property = type === MARIADB_ACCOUNT ? "maxUserConnections" : "connectionLimit";
    const limit = props[property];
    if (isUnknown(limit)) return;
    if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > maximum) {
      yield `${property} is ${show(limit)}. Use 1 to ${maximum}`;
    }
  },
});
