import { MARIADB_ACCOUNT } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";

export const accountTlsRequired = resourceRule({
  name: "account-tls-required",
  description: "A MariaDB account logs in over TLS only.",
  severity: "critical",
  remediationSteps: 'Set `require` to "SSL", or to "X509" where the client has a certificate of its own.',
  types: [MARIADB_ACCOUNT],
  *faults({ props: { require } }) {
    if (isUnknown(require) || require === "SSL" || require === "X509") return;
    yield `require is ${show(require)}: the password may cross the network in clear. Use "SSL" or "X509"`;
  },
});
