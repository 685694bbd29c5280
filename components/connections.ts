import * as pulumi from "@pulumi/pulumi";
import type { AdminOutput, ConnectionOutput, RedisConnectionOutput } from "../estate/outputs";
import type { DatabaseEntry, RedisUserEntry } from "../estate/types";
import type { AdminLogin } from "./provision-server";
import type { RedisUser } from "./redis-user";
import type { ServiceUser } from "./service-user";

/** A server as those who log in see it. */
export interface Target {
  host: string;
  port: number;
  certificate: pulumi.Output<string>;
  serverName: string;
}

/** How a service reaches its database. */
export function connectionOutput(
  entry: DatabaseEntry,
  { host, port, certificate, serverName }: Target,
  { login, password }: ServiceUser,
): pulumi.Output<ConnectionOutput> {
  const { name: database, server, engine } = entry;
  return pulumi.all([login, password, certificate]).apply(([user, password, caCertificate]) => ({
    server,
    engine,
    host,
    port,
    database,
    user,
    password,
    caCertificate,
    serverName,
  }));
}

/** How a service reaches Redis. */
export function redisConnectionOutput(
  { keyPrefix }: RedisUserEntry,
  { host, port, certificate, serverName }: Target,
  { login, password }: RedisUser,
): pulumi.Output<RedisConnectionOutput> {
  return pulumi.all([password, certificate]).apply(([password, caCertificate]) => ({
    host,
    port,
    user: login,
    password,
    keyPrefix,
    caCertificate,
    serverName,
  }));
}

/** How the admin reaches each server. */
export function adminOutputs(
  servers: Readonly<Record<string, { admin: AdminLogin | undefined }>>,
): pulumi.Output<Record<string, AdminOutput>> {
  return pulumi.output(
    Object.fromEntries(
      Object.entries(servers).flatMap(([name, { admin }]) => (admin ? [[name, admin]] : [])),
    ),
  );
}
