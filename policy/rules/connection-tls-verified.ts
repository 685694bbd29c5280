import { ESTATE_PROVIDER, POSTGRESQL_PROVIDER } from "../kinds";
import { isUnknown, object, parsed, show } from "../plain";
import { resourceRule } from "../rule";

export const connectionTlsVerified = resourceRule({
  name: "connection-tls-verified",
  description:
    "Every connection the program opens is TLS to a server whose certificate and name are verified.",
  severity: "critical",
  remediationSteps:
    "estate: give the server's `caCertificate`. postgresql: `sslmode: verify-full` and `sslrootcert`.",
  types: [ESTATE_PROVIDER, POSTGRESQL_PROVIDER],
  *faults({ type, props }) {
    if (type === POSTGRESQL_PROVIDER) {
      const { sslmode } = props;
      if (!isUnknown(sslmode) && sslmode !== "verify-full")
        yield `sslmode is ${show(sslmode)}. Use "verify-full"`;
      return;
    }
    for (const property of ["mariadb", "postgres", "redis"]) {
      const server = parsed(props[property]);
      if (server === undefined || isUnknown(server)) continue;
      const { caCertificate } = object(server);
      if (isUnknown(caCertificate) || String(caCertificate).includes("-----BEGIN CERTIFICATE-----")) continue;
      yield `${property}.caCertificate holds no certificate, so any server could answer. Give the PEM that clients pin`;
    }
  },
});
