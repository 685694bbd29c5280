import * as pulumi from "@pulumi/pulumi";
import { bucketEndpoint } from "../estate/outgoing";
import { reachability, reachOf } from "../estate/reachability";
import { stackServers } from "../estate/servers";
import type { DatabaseEntry, Estate, ServerName, Ssh } from "../estate/types";
import type { ClientCertificates } from "./client-certificates";
import { MariadbServer } from "./mariadb-server";
import { type SshLogin, sshLogin } from "./plans/ssh";
import { PleskServer } from "./plesk-server";
import { PostgresServer } from "./postgres-server";
import { RedisServer } from "./redis-server";
import { withoutStackTrace } from "./without-stack-trace";

/** By the catalogue's names, each with its engine. */
export interface Servers {
  mariadb: Readonly<Record<ServerName, PleskServer | MariadbServer>>;
  postgres: Readonly<Record<ServerName, PostgresServer>>;
  /** undefined: the stack has no Redis. */
  redis: RedisServer | undefined;
}

/** The stack's servers, each with what it has to know of the databases that will live on it. */
export function createServers(estate: Estate, certificates: ClientCertificates): Servers {
  const { config, databases } = estate;
  const { access } = config;
  const table = reachability(estate);
  const ssh = (of: Ssh): SshLogin =>
    withoutStackTrace(() =>
      sshLogin(of, { knownHosts: access.knownHosts, pinned: !pulumi.runtime.isDryRun() }),
    );
  const outgoing = { entries: access.outgoing, needs: [bucketEndpoint(config.backup)] };
  const live = databases.filter((entry) => entry.state === "live");
  const mariadb: Record<ServerName, PleskServer | MariadbServer> = {};
  const postgres: Record<ServerName, PostgresServer> = {};
  let redis: RedisServer | undefined;

  for (const { name, ...is } of stackServers(config.servers)) {
    const common = { ssh: ssh(is.server.ssh), reach: reachOf(table, name) };
    const ofDatabases = {
      serviceLimits: live.filter(({ server }) => server === name).map((entry) => entry.connectionLimit),
      clientAuthorities: certificates.authoritiesOn(name),
    };
    switch (is.kind) {
      case "panel":
        mariadb[name] = new PleskServer(name, { ...common, server: is.server });
        break;
      case "mariadb":
        mariadb[name] = new MariadbServer(name, { ...common, ...ofDatabases, outgoing, server: is.server });
        break;
      case "postgres":
        postgres[name] = new PostgresServer(name, { ...common, ...ofDatabases, outgoing, server: is.server });
        break;
      case "redis":
        redis = new RedisServer(name, {
          ...common,
          outgoing,
          server: is.server,
          users: estate.redisUsers.filter(({ state }) => state === "live"),
          certificates: certificates.redis,
        });
    }
  }
  return { mariadb, postgres, redis };
}

/** The server that a database lives on. */
export function serverOf<T>(servers: Readonly<Record<ServerName, T>>, { name, server }: DatabaseEntry): T {
  const found = servers[server];
  if (!found) throw new Error(`${name} lives on ${server}, which the stack does not have`);
  return found;
}
