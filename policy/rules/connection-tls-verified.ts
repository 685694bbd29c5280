import { AWS_PROVIDER, ESTATE_PROVIDER } from "../kinds";
import { isUnknown, object, objects, parsed, show } from "../plain";
import { resourceRule } from "../rule";

export const connectionTlsVerified = resourceRule({
  name: "connection-tls-verified",
  description:
    "Every connection the program opens is TLS to a server whose certificate and name are verified.",
  severity: "critical",
  remediationSteps:
    "estate: give the server's `caCertificate`. aws: https endpoints, and `customCaBundle` for an authority of one's own.",
  types: [AWS_PROVIDER, ESTATE_PROVIDER],
  *faults({ type, props }) {
    if (type === AWS_PROVIDER) {
      if (parsed(props.insecure) === true) yield "insecure is true, so any server could answer. Leave it out";
      for (const [service, url] of objects(parsed(props.endpoints)).flatMap((own) => Object.entries(own))) {
        if (isUnknown(url) || String(url).startsWith("https://")) continue;
        yield `endpoints.${service} is ${show(url)}. Use https`;
      }
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
