import { connectionTlsVerified } from "../../../policy/rules/connection-tls-verified";
import { verifyRule } from "../../support/policy";

const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const server = (caCertificate?: string) => JSON.stringify({ host: "db", port: 3306, caCertificate });
const fault = (property: string) =>
  `${property}.caCertificate holds no certificate, so any server could answer. Give the PEM that clients pin`;

for (const property of ["mariadb", "postgres", "redis"]) {
  verifyRule(connectionTlsVerified, { type: "pulumi:providers:estate", props: { [property]: server(pem) } }, [
    { clause: `${property} without a certificate`, props: { [property]: server() }, says: [fault(property)] },
    { clause: `${property} with an empty one`, props: { [property]: server("") }, says: [fault(property)] },
  ]);
}

verifyRule(
  connectionTlsVerified,
  { type: "pulumi:providers:estate", props: { ssh: JSON.stringify({ host: "h" }) } },
  [],
);
