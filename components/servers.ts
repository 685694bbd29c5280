import * as pulumi from "@pulumi/pulumi";
import { loginSlot } from "../estate/naming";
import type { Estate, PostgresEntry, Ssh } from "../estate/types";
import { MariadbServer, type MariadbTarget } from "./mariadb-server";
import { type SshLogin, sshLogin } from "./plans/ssh";
import { PleskServer } from "./plesk-server";
import { PostgresServer } from "./postgres-server";
import { RedisServer } from "./redis-server";

export interface Servers {
  plesk: MariadbTarget;
  mariadb: MariadbTarget;
  postgres: PostgresServer;
  /** undefined: the stack has no Redis. */
  redis: RedisServer | undefined;
}

/** The stack's servers, each with what it has to know of the databases that will live on it. */
export function createServers({ config, databases }: Estate): Servers {
  const { servers, access } = config;
  const { pleskAddress } = access;
  const ssh = (of: Ssh): SshLogin =>
    sshLogin(of, { knownHosts: access.knownHosts, pinned: !pulumi.runtime.isDryRun() });
  const live = databases.filter((entry) => entry.state === "live");
  const limits = (server: string) =>
    live.filter((entry) => entry.server === server).map((entry) => entry.connectionLimit);

  return {
    plesk: new PleskServer("plesk", { server: servers.plesk, ssh: ssh(servers.plesk.ssh) }),
    mariadb: new MariadbServer("mariadb", {
      server: servers.mariadb,
      ssh: ssh(servers.mariadb.ssh),
      pleskAddress,
      serviceLimits: limits("mariadb"),
    }),
    postgres: new PostgresServer("postgres", {
      server: servers.postgres,
      ssh: ssh(servers.postgres.ssh),
      pleskAddress,
      serviceLimits: limits("postgres"),
      databases: live.filter((entry) => entry.engine === "postgres").map(loginsOf),
    }),
    redis: servers.redis && new RedisServer("redis", { server: servers.redis, ssh: ssh(servers.redis.ssh) }),
  };
}

/** Both slots, whichever of them is in use: a rotation does not touch pg_hba.conf. */
function loginsOf({ name, service }: PostgresEntry): { database: string; logins: string[] } {
  return { database: name, logins: [loginSlot(service, 1), loginSlot(service, 2)] };
}
