import { databases, redisUsers } from "../../estate/catalogue";
import { databaseSecrets, redisSecrets, type ServiceSecrets } from "../../estate/published";
import type { Target } from "../../ops/reach/targets";
import { onHost } from "./lab";
import { publishedSecrets } from "./lab-github";

/** Logins made from nothing but what an application finds at GitHub, and on the web host from its file; by service. */
export async function publishedLogins(): Promise<Map<string, Target>> {
  const [held, pleskCertificate] = await Promise.all([publishedSecrets(), certificateOnPlesk()]);
  const logins = [
    ...databases.map((entry) =>
      loginFrom(
        held,
        pleskCertificate,
        { ...entry, kind: "database" },
        databaseSecrets(entry),
        entry.service,
      ),
    ),
    ...redisUsers.map((entry) => {
      const { name, keyPrefix } = entry;
      const about = { kind: "redis", name, server: "redis", engine: "redis", keyPrefix } as const;
      return loginFrom(held, pleskCertificate, about, redisSecrets(entry), name);
    }),
  ];
  return new Map(logins.map((login) => [login.name, login]));
}

/** The file that the URLs of the web host name. It stays while passwords change. */
let onPlesk: Promise<{ path: string; certificate: string }> | undefined;

function certificateOnPlesk(): Promise<{ path: string; certificate: string }> {
  const path = "/etc/mysql/tls/server-cert.pem";
  onPlesk ??= onHost("plesk", ["cat", path]).then((certificate) => ({ path, certificate }));
  return onPlesk;
}

function loginFrom(
  held: Readonly<Record<string, string>>,
  pleskCertificate: { path: string; certificate: string },
  about: Pick<Target, "kind" | "name" | "server" | "engine" | "keyPrefix">,
  secrets: ServiceSecrets,
  service: string,
): Target {
  const value = (name: string) => held[name] ?? `nothing called ${name}`;
  const url = new URL(value(secrets.url));
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  if (password !== value(secrets.password)) {
    throw new Error(`${about.name}: ${secrets.url} and ${secrets.password} hold two passwords`);
  }
  const prefix = { mariadb: "MYSQL", postgres: "PG", redis: "REDIS" }[about.engine];
  const file = url.searchParams.get("ssl-ca");
  if (file && file !== pleskCertificate.path) throw new Error(`${about.name}: no certificate at ${file}`);
  return {
    kind: about.kind,
    name: about.name,
    server: about.server,
    engine: about.engine,
    ...(about.keyPrefix !== undefined && { keyPrefix: about.keyPrefix }),
    endpoint: { host: url.hostname, port: Number(url.port) },
    trust: file
      ? { caCertificate: pleskCertificate.certificate, serverName: "plesk.lab.internal" }
      : { caCertificate: value(`${prefix}_CA_CERTIFICATE`), serverName: value(`${prefix}_HOST`) },
    password,
    ...(secrets.clientCertificate && { clientCertificate: value(secrets.clientCertificate) }),
    expected: {
      loggedInAs: user,
      workingAs: about.engine === "postgres" ? service : user,
      database: about.engine === "redis" ? undefined : url.pathname.slice(1),
    },
  };
}
