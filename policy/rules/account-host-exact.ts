import { parseRange } from "../../connect/address";
import { isOneAddress } from "../addresses";
import { MARIADB_ACCOUNT } from "../kinds";
import { isUnknown, show, texts } from "../plain";
import { resourceRule } from "../rule";

export const accountHostExact = resourceRule({
  name: "account-host-exact",
  description: "A MariaDB account logs in from one address or from localhost.",
  severity: "critical",
  remediationSteps:
    "Set `host` to the address the service connects from (access.pleskAddress of the stack) or to localhost.",
  types: [MARIADB_ACCOUNT],
  *faults({ props }) {
    if (!isUnknown(props.host) && !isExact(props.host)) {
      yield `host is ${show(props.host)}: any machine it matches may log in. Use one address or localhost`;
    }
    for (const host of texts(props.otherHosts)) {
      if (!isExact(host)) yield `otherHosts holds ${show(host)}. Use one address or localhost`;
    }
  },
});

/** A name is whatever a resolver says, and a netmask or pattern is many. */
function isExact(host: unknown): boolean {
  if (typeof host !== "string") return false;
  if (host === "localhost") return true;
  const range = parseRange(host);
  return (
    range !== undefined &&
    isOneAddress(range) &&
    !host.includes("/") &&
    !/^(?:0\.0\.0\.0|::)$/.test(range.text)
  );
}
