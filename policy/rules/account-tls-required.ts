import { MARIADB_ACCOUNT } from "../kinds";
import { isUnknown, object, show } from "../plain";
import { resourceRule } from "../rule";

export const accountTlsRequired = resourceRule({
  name: "account-tls-required",
  description: "A MariaDB account logs in over TLS only.",
  severity: "critical",
  remediationSteps: 'Set `require` to "SSL", or to subject and issuer of a certificate of the client itself.',
  types: [MARIADB_ACCOUNT],
  *faults({ props: { require } }) {
    if (isUnknown(require) || require === "SSL" || require === "X509") return;
    const { subject, issuer } = object(require);
    if (subject !== undefined || issuer !== undefined) {
      // Any trusted authority could make a certificate out to it, and any client of its authority could show one.
      if (subject === undefined || issuer === undefined)
        yield "require names half of a certificate. Give both subject and issuer";
      return;
    }
    yield `require is ${show(require)}: the password may cross the network in clear. Use "SSL" or "X509"`;
  },
});
