import { AWS_PROVIDER, ESTATE_PROVIDER, GITHUB_PROVIDER, GITHUB_SECRET } from "../kinds";
import { isUnknown, object, objects, type Properties, parsed, show } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  endpoints: string[];
}

const SERVER = ["host", "port", "user", "password", "caCertificate", "serverName", "clientCertificates"];

export const connectionTlsVerified = resourceRule<Config>({
  name: "connection-tls-verified",
  description:
    "Every connection the program opens is TLS to a server whose certificate and name are verified.",
  severity: "critical",
  remediationSteps:
    "estate: give the server's `caCertificate`. aws, github: https endpoints that `endpoints` of this rule names.",
  config: { endpoints: textList("Services beside AWS and GitHub that may be talked to, as URLs", []) },
  types: [AWS_PROVIDER, GITHUB_PROVIDER, GITHUB_SECRET, ESTATE_PROVIDER],
  *faults({ type, props, sealed }, { endpoints }) {
    if (type === ESTATE_PROVIDER) yield* servers(props, sealed);
    else {
      // Plugins know more words for true.
      const insecure = parsed(props.insecure);
      if (insecure !== undefined && insecure !== false && !isUnknown(insecure))
        yield `insecure is ${show(insecure)}, so any server could answer. Leave it out`;
      const listed = parsed(props.endpoints);
      if (listed !== undefined && !isUnknown(listed) && !Array.isArray(listed))
        yield "endpoints are no list, so nobody can say where it goes. Write a list";
      const urls = objects(listed).flatMap((own) => Object.entries(own));
      const own =
        type !== AWS_PROVIDER && props.baseUrl !== undefined && props.baseUrl !== null
          ? [["", props.baseUrl] as const]
          : [];
      for (const [service, url] of [...urls, ...own]) {
        if (isUnknown(url) || url === "https://api.github.com/") continue;
        const name = service ? `endpoints.${service}` : "baseUrl";
        if (!String(url).startsWith("https://")) yield `${name} is ${show(url)}. Use https`;
        else if (!endpoints.includes(String(url)))
          yield `${name} is ${show(url)}, which endpoints of this rule do not name`;
      }
    }
  },
});

function* servers(props: Properties, sealed: (path: string) => boolean): Iterable<string> {
  for (const property of ["mariadb", "postgres", "redis"]) {
    const server = parsed(props[property]);
    if (server === undefined || isUnknown(server)) continue;
    const { caCertificate, password, clientCertificates } = object(server);
    const secrets = [
      ["a password", password],
      ["private keys", clientCertificates],
    ] as const;
    for (const [what, secret] of secrets) {
      if (secret !== undefined && !isUnknown(secret) && !sealed(property))
        yield `${property} holds ${what} and is not sealed. Give it as a secret`;
    }
    for (const field of Object.keys(object(server))) {
      if (!SERVER.includes(field)) yield `${property}.${field} is nothing that this pack knows. Leave it out`;
    }
    if (isUnknown(caCertificate) || isCertificate(String(caCertificate))) continue;
    yield `${property}.caCertificate holds no certificate, so any server could answer. Give the PEM that clients pin`;
  }
}

function isCertificate(text: string): boolean {
  return /-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/.test(text);
}
