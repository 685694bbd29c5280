import * as pulumi from "@pulumi/pulumi";
import type { AdminOutput, ConnectionOutput, RedisConnectionOutput } from "../estate/outputs";
import type { DatabaseEntry, RedisUserEntry } from "../estate/types";
import type { DatabaseLogin, RedisLogin } from "./logins";
import type { RedisUser } from "./redis-user";
import type { Servers } from "./servers";
import type { ServiceUser } from "./service-user";
import type { Target } from "./target";

/** How a service reaches its database. */
export function connectionOutput(
  entry: DatabaseEntry,
  { host, port, certificate, serverName }: Target,
  { login, password, clientCertificate: shown }: ServiceUser,
): pulumi.Output<ConnectionOutput> {
  const { name: database, server, engine } = entry;
  const known = pulumi.all([login, password, certificate, shown]);
  return known.apply(([user, password, caCertificate, clientCertificate]) => ({
    server,
    engine,
    host,
    port,
    database,
    user,
    password,
    caCertificate,
    serverName,
    ...(clientCertificate !== undefined && { clientCertificate }),
  }));
}

/** How a service reaches Redis. */
export function redisConnectionOutput(
  { keyPrefix }: RedisUserEntry,
  { host, port, certificate, serverName }: Target,
  { login, password, clientCertificate: shown }: RedisUser,
): pulumi.Output<RedisConnectionOutput> {
  const known = pulumi.all([password, certificate, shown]);
  return known.apply(([password, caCertificate, clientCertificate]) => ({
    host,
    port,
    user: login,
    password,
    keyPrefix,
    caCertificate,
    serverName,
    ...(clientCertificate !== undefined && { clientCertificate }),
  }));
}

/** How each service reaches its database, by database. Secret. */
export function connectionOutputs(
  databases: readonly DatabaseLogin[],
): pulumi.Output<Record<string, ConnectionOutput>> {
  const live = databases.flatMap(({ entry, server, user }) =>
    user ? [[entry.name, connectionOutput(entry, server, user)] as const] : [],
  );
  return pulumi.secret(Object.fromEntries(live.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** How each service reaches Redis, by user. Secret. */
export function redisConnectionOutputs(
  users: readonly RedisLogin[],
): pulumi.Output<Record<string, RedisConnectionOutput>> {
  return pulumi.secret(
    Object.fromEntries(
      users.map(({ entry, server, user }) => [entry.name, redisConnectionOutput(entry, server, user)]),
    ),
  );
}

/** How the admin reaches each database server. Secret. */
export function adminOutputs(servers: Servers): pulumi.Output<Record<string, AdminOutput>> {
  return pulumi.secret(
    Object.fromEntries(
      Object.entries({ ...servers.mariadb, ...servers.postgres }).flatMap(([name, { admin }]) =>
        admin ? [[name, admin]] : [],
      ),
    ),
  );
}
