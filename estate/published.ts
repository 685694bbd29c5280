import type { Fault } from "./faults";
import {
  clientCertificateSecretName,
  contextKeySecretName,
  databaseUrlSecretName,
  OPERATOR_SECRETS,
  redisClientCertificateSecretName,
  redisUrlSecretName,
} from "./naming";
import { serverSecrets, serversOf, stackServers } from "./servers";
import type { DatabaseEntry, Estate, RedisUserEntry } from "./types";

/** A service's secrets: the password alone, and everything that a login takes in one value that cannot tear. */
export interface ServiceSecrets {
  password: string;
  url: string;
  /** What it signs its requests' contexts with, where the database has row security. */
  contextKey?: string;
  /** Private key and certificate that it shows when it logs in, as one text; where it has one. */
  clientCertificate?: string;
}

export function databaseSecrets(entry: DatabaseEntry): ServiceSecrets {
  const { name, secret, clientCertificate } = entry;
  const rowSecurity = entry.engine === "postgres" ? entry.rowSecurity : undefined;
  return {
    password: secret,
    url: databaseUrlSecretName(name),
    ...(rowSecurity && { contextKey: contextKeySecretName(name) }),
    ...(clientCertificate && { clientCertificate: clientCertificateSecretName(name) }),
  };
}

export function redisSecrets({
  secret,
  clientCertificate,
}: Pick<RedisUserEntry, "secret" | "clientCertificate">): ServiceSecrets {
  return {
    password: secret,
    url: redisUrlSecretName(secret),
    ...(clientCertificate && { clientCertificate: redisClientCertificateSecretName(secret) }),
  };
}

/** One GitHub secret that the estate needs. */
export interface ExpectedSecret {
  name: string;
  /** `program`: published by `up`. `operator`: put there by hand, only looked for. */
  keptBy: "program" | "operator";
  /** The database, Redis user or server it is about; undefined: one of the operator's. */
  about?: string;
}

/** Every secret that has to be there, in the order of the catalogue; at most 100 fit in one environment. */
export function expectedSecrets({ config, databases, redisUsers }: Estate): ExpectedSecret[] {
  const program = (about: string, names: object): ExpectedSecret[] =>
    Object.values(names).map((name: string) => ({ name, keptBy: "program", about }));
  return [
    ...stackServers(config.servers).flatMap(({ name }) => program(name, serverSecrets(name) ?? {})),
    ...databases
      .filter(({ state }) => state === "live")
      .flatMap((entry) => program(entry.name, databaseSecrets(entry))),
    ...redisUsers
      .filter(({ state }) => state === "live")
      .flatMap((entry) => program(entry.name, redisSecrets(entry))),
    ...OPERATOR_SECRETS.map((name): ExpectedSecret => ({ name, keptBy: "operator" })),
  ];
}

/** Names of passwords' secrets that something else goes by, and derived names that collide. */
export function secretNameFaults(
  databases: readonly DatabaseEntry[],
  redisUsers: readonly RedisUserEntry[],
): Fault[] {
  const taken = new Map<string, string>();
  for (const name of OPERATOR_SECRETS) taken.set(name, "it is the operator's");
  for (const server of serversOf("mariadb", "postgres", "redis")) {
    for (const name of Object.values(serverSecrets(server) ?? {}))
      taken.set(name, `it is about the server ${server}`);
  }
  const named = (value: unknown): value is string => typeof value === "string";
  const entries = [
    ...databases
      .filter(({ name, secret }) => named(name) && named(secret))
      .map((entry) => ({ path: `databases.${entry.name}`, ...databaseSecrets(entry) })),
    ...redisUsers
      .filter(({ name, secret }) => named(name) && named(secret))
      .map((entry) => ({ path: `redisUsers.${entry.name}`, ...redisSecrets(entry) })),
  ] satisfies (ServiceSecrets & { path: string })[];
  const faults: Fault[] = [];
  // Two entries with one password's secret are another fault, found with the other fields that must be unique.
  const passwords = new Set<string>();
  for (const { path, password, url } of entries) {
    if (taken.has(url) && !passwords.has(password)) {
      const fix = `the URL is published as ${url}, and ${taken.get(url)}: choose another name`;
      faults.push({ path: `${path}.secret`, value: password, fix });
    }
    passwords.add(password);
    taken.set(url, `the URL of ${path} is published there`);
  }
  for (const { path, password, clientCertificate, contextKey } of entries) {
    const others = { "client certificate": clientCertificate, "key of contexts": contextKey };
    for (const [what, name] of Object.entries(others)) {
      if (name === undefined) continue;
      const why = taken.get(name);
      if (why) {
        const fix = `its ${what} is published as ${name}, and ${why}: choose another name`;
        faults.push({ path: `${path}.secret`, value: password, fix });
      }
      taken.set(name, `the ${what} of ${path} is published there`);
    }
  }
  for (const { path, password } of entries) {
    const why = taken.get(password);
    if (why) faults.push({ path: `${path}.secret`, value: password, fix: `choose another name: ${why}` });
  }
  return faults;
}
