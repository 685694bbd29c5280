import type { Endpoint, Trust } from "../../connect/socket";
import type { StackOutputs } from "../../estate/outputs";
import type { DatabaseEntry, RedisUserEntry } from "../../estate/types";

type Logins = Pick<StackOutputs, "connections" | "redis">;

/** What a session must turn out to be. */
export interface Expectation {
  /** Who logs in: the account, or the PostgreSQL login slot. */
  loggedInAs: string;
  /** Whose rights the session has: the service, on PostgreSQL not the slot. */
  workingAs: string;
  /** Open database; undefined for Redis. */
  database: string | undefined;
  /** Oldest version of the engine; undefined: any. */
  minimumVersion?: string | undefined;
}

/** Oldest version that each server may run. */
export type MinimumVersions = Readonly<Record<string, string | undefined>>;

/** One login to try. Holds the password: never printed as a whole. */
export interface Target {
  kind: "database" | "redis";
  /** Database, or Redis ACL user. */
  name: string;
  server: string;
  engine: DatabaseEntry["engine"] | "redis";
  endpoint: Endpoint;
  trust: Trust;
  password: string;
  /** PEM of the private key and the certificate that it shows; absent: it has none. */
  clientCertificate?: string | undefined;
  /** Prefix of the keys that a Redis user may touch. */
  keyPrefix?: string;
  expected: Expectation;
}

/** Declared, but without a login in the stack's outputs: counts as unreachable. */
export interface Missing {
  kind: Target["kind"];
  name: string;
  server: string;
  engine: Target["engine"];
}

/** Everything that has to be reachable, in the catalogue's order; what is declared decides, not what was put out. */
export function selectTargets(
  databases: readonly DatabaseEntry[],
  redisUsers: readonly RedisUserEntry[],
  outputs: Logins,
  minimumVersions: MinimumVersions = {},
): (Target | Missing)[] {
  const targets = [
    ...databases.filter((entry) => entry.state === "live").map((entry) => databaseTarget(entry, outputs)),
    ...redisUsers.filter(({ state }) => state === "live").map((user) => redisTarget(user, outputs)),
  ];
  return targets.map((target) =>
    isTarget(target)
      ? { ...target, expected: { ...target.expected, minimumVersion: minimumVersions[target.server] } }
      : target,
  );
}

export function isTarget(target: Target | Missing): target is Target {
  return "endpoint" in target;
}

function databaseTarget({ name, server, engine, service }: DatabaseEntry, outputs: Logins): Target | Missing {
  const login = outputs.connections[name];
  if (!login) return { kind: "database", name, server, engine };
  const { host, port, user, password, caCertificate, serverName, database, clientCertificate } = login;
  return {
    kind: "database",
    name,
    server,
    engine,
    endpoint: { host, port },
    trust: { caCertificate, serverName },
    password,
    clientCertificate,
    expected: { loggedInAs: user, workingAs: engine === "postgres" ? service : user, database },
  };
}

function redisTarget({ name }: RedisUserEntry, outputs: Logins): Target | Missing {
  const login = outputs.redis[name];
  if (!login) return { kind: "redis", name, server: "redis", engine: "redis" };
  const { host, port, user, password, caCertificate, serverName, keyPrefix, clientCertificate } = login;
  return {
    kind: "redis",
    name,
    server: "redis",
    engine: "redis",
    endpoint: { host, port },
    trust: { caCertificate, serverName },
    password,
    clientCertificate,
    keyPrefix,
    expected: { loggedInAs: user, workingAs: user, database: undefined },
  };
}
