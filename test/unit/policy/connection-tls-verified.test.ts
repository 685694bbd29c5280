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

const endpoints = (s3: string) => JSON.stringify([{ s3, kms: "https://cloud.test" }]);

verifyRule(
  connectionTlsVerified,
  {
    type: "pulumi:providers:aws",
    props: { endpoints: endpoints("https://cloud.test"), insecure: "false" },
    config: { endpoints: ["https://cloud.test"] },
  },
  [
    {
      clause: "an endpoint without TLS",
      props: { endpoints: endpoints("http://cloud.test") },
      says: ['endpoints.s3 is "http://cloud.test". Use https'],
    },
    {
      clause: "servers that are not verified",
      props: { insecure: "true" },
      says: ["insecure is true, so any server could answer. Leave it out"],
    },
  ],
);

verifyRule(
  connectionTlsVerified,
  { type: "pulumi:providers:estate", props: { ssh: JSON.stringify({ host: "h" }) } },
  [],
);
