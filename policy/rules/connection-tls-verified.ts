import { ESTATE_PROVIDER } from "../kinds";
import { isUnknown, object, parsed } from "../plain";
import { resourceRule } from "../rule";

export const connectionTlsVerified = resourceRule({
  name: "connection-tls-verified",
  description:
    "Every connection the program opens is TLS to a server whose certificate and name are verified.",
  severity: "critical",
  remediationSteps: "Give the server's `caCertificate`.",
  types: [ESTATE_PROVIDER],
  *faults({ props }) {
    for (const property of ["mariadb", "postgres", "redis"]) {
      const server = parsed(props[property]);
      if (server === undefined || isUnknown(server)) continue;
      const { caCertificate } = object(server);
      if (isUnknown(caCertificate) || String(caCertificate).includes("-----BEGIN CERTIFICATE-----")) continue;
      yield `${property}.caCertificate holds no certificate, so any server could answer. Give the PEM that clients pin`;
    }
  },
});
