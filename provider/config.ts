import { GithubAccess } from "../connect/github-environment";
import { MariadbServer } from "../connect/mariadb-server";
import { PostgresServer } from "../connect/postgres-server";
import { RedisServer } from "../connect/redis";
import type { Endpoint, Trust } from "../connect/socket";
import type { SshServer, TunnelledServer } from "./resources";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "./wire/kind";

/** The servers a provider instance may talk to, by the name of the configuration property. */
export const SERVERS = ["mariadb", "postgres", "redis", "ssh"] as const;

/** One instance of the provider: at most one server is set. Nothing is open yet: a server opens its pool at first use. */
export interface EstateConfig {
  mariadb?: MariadbServer;
  postgres?: PostgresServer;
  redis?: RedisServer;
  ssh?: SshServer;
  /** Every instance has it: the token is the run's, GITHUB_TOKEN, and no configuration. */
  github?: GithubAccess;
}

/** Each server is a JSON string (provider configuration knows strings only). No value is ever part of a message. */
export function checkEstateConfig(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const given = Object.keys(news).filter((name) => news[name] !== null);
  for (const name of given.filter((name) => !isServer(name))) {
    failures.push({
      property: name,
      reason: `is no server of this provider; it knows ${SERVERS.join(", ")}`,
    });
  }
  const servers = given.filter(isServer);
  if (servers.length > 1) {
    const reason = `${servers.join(" and ")} are set: a provider instance serves one server, make one for each`;
    failures.push({ property: "", reason });
  }
  for (const name of servers) failures.push(...checkServer(name, news[name]));
  return { inputs: news, failures };
}

export function makeEstateConfig(inputs: Properties): EstateConfig {
  const mariadb = tunnelled(inputs.mariadb);
  const postgres = tunnelled(inputs.postgres);
  const redis = tunnelled(inputs.redis);
  const shown =
    typeof inputs.redis === "string" ? (JSON.parse(inputs.redis) as TunnelledServer).clientCertificates : {};
  return {
    ...(mariadb && { mariadb: new MariadbServer(...mariadb) }),
    ...(postgres && { postgres: new PostgresServer(...postgres) }),
    ...(redis && { redis: new RedisServer(...redis, shown) }),
    ...(typeof inputs.ssh === "string" && { ssh: JSON.parse(inputs.ssh) as SshServer }),
    github: new GithubAccess({ token: process.env.GITHUB_TOKEN || undefined }),
  };
}

/** Where a server is, how it proves itself, and how we log in; undefined where it is not set or not known yet. */
function tunnelled(
  value: Value | undefined,
): [Endpoint, Trust, { user: string; password?: string }] | undefined {
  if (typeof value !== "string") return undefined;
  const { host, port, user, password, caCertificate, serverName } = JSON.parse(value) as TunnelledServer;
  return [
    { host, port },
    { caCertificate, serverName },
    password === undefined ? { user } : { user, password },
  ];
}

export async function closeEstateConfig({ mariadb, postgres, redis }: EstateConfig): Promise<void> {
  await Promise.allSettled([mariadb, postgres, redis].map((server) => server?.close()));
}

function isServer(name: string): name is (typeof SERVERS)[number] {
  return (SERVERS as readonly string[]).includes(name);
}

function checkServer(name: (typeof SERVERS)[number], value: unknown): CheckFailure[] {
  if (value === UNKNOWN) return [];
  const server = parse(value);
  if (!server) return [{ property: name, reason: "must be the server as a JSON object in a string" }];
  const failures: CheckFailure[] = [];
  const needed = name === "ssh" ? ["host", "user"] : ["host", "user", "caCertificate"];
  for (const field of needed) {
    if (typeof server[field] === "string" && server[field] !== "") continue;
    failures.push({ property: `${name}.${field}`, reason: "is missing; it must be a string" });
  }
  const { port } = server;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    failures.push({ property: `${name}.port`, reason: "must be a whole number from 1 to 65535" });
  }
  return failures;
}

function parse(value: unknown): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(String(value));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
