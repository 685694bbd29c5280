import * as pulumi from "@pulumi/pulumi";
import { bucketEndpoint } from "../estate/outgoing";
import { type HostName, reachability, reachOf } from "../estate/reachability";
import type { Estate, Ssh } from "../estate/types";
import type { ClientCertificates } from "./client-certificates";
import { MariadbServer } from "./mariadb-server";
import { type SshLogin, sshLogin } from "./plans/ssh";
import { PleskServer } from "./plesk-server";
import { PostgresServer } from "./postgres-server";
import { RedisServer } from "./redis-server";
import { withoutStackTrace } from "./without-stack-trace";

export interface Servers {
  plesk: PleskServer;
  mariadb: MariadbServer;
  postgres: PostgresServer;
  /** undefined: the stack has no Redis. */
  redis: RedisServer | undefined;
}

/** The stack's servers, each with what it has to know of the databases that will live on it. */
export function createServers(estate: Estate, certificates: ClientCertificates): Servers {
  const { config, databases } = estate;
  const { servers, access } = config;
  const table = reachability(estate);
  const reach = (host: HostName) => reachOf(table, host);
  const ssh = (of: Ssh): SshLogin =>
    withoutStackTrace(() =>
      sshLogin(of, { knownHosts: access.knownHosts, pinned: !pulumi.runtime.isDryRun() }),
    );
  const outgoing = { entries: access.outgoing, needs: [bucketEndpoint(config.backup)] };
  const live = databases.filter((entry) => entry.state === "live");
  const limits = (server: string) =>
    live.filter((entry) => entry.server === server).map((entry) => entry.connectionLimit);

  return {
    plesk: new PleskServer("plesk", {
      server: servers.plesk,
      ssh: ssh(servers.plesk.ssh),
      reach: reach("plesk"),
    }),
    mariadb: new MariadbServer("mariadb", {
      server: servers.mariadb,
      ssh: ssh(servers.mariadb.ssh),
      reach: reach("mariadb"),
      outgoing,
      serviceLimits: limits("mariadb"),
      clientAuthorities: certificates.authoritiesOn("mariadb"),
    }),
    postgres: new PostgresServer("postgres", {
      server: servers.postgres,
      ssh: ssh(servers.postgres.ssh),
      reach: reach("postgres"),
      outgoing,
      serviceLimits: limits("postgres"),
      clientAuthorities: certificates.authoritiesOn("postgres"),
    }),
    redis:
      servers.redis &&
      new RedisServer("redis", {
        server: servers.redis,
        ssh: ssh(servers.redis.ssh),
        reach: reach("redis"),
        outgoing,
        users: estate.redisUsers.filter(({ state }) => state === "live"),
        certificates: certificates.redis,
      }),
  };
}
