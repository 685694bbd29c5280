import * as pulumi from "@pulumi/pulumi";
import type { ConnectionOutput, RedisConnectionOutput } from "../estate/outputs";
import type { DatabaseEntry, RedisUserEntry } from "../estate/types";
import type { RedisUser } from "./redis-user";
import type { ServiceUser } from "./service-user";

interface Target {
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
  return pulumi.all([password, certificate]).apply(([password, caCertificate]) => ({
    server,
    engine,
    host,
    port,
    database,
    user: login,
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
