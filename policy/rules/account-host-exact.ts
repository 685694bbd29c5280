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

function isExact(host: unknown): boolean {
  return typeof host === "string" && /^[A-Za-z0-9.:-]+$/.test(host);
}
