import type * as pulumi from "@pulumi/pulumi";
import type { BackupOutput } from "../estate/outputs";
import { savedOf } from "../estate/saved";
import { stackServers } from "../estate/servers";
import type { Estate } from "../estate/types";
import { BackupAgent } from "./backup-agent";
import { BackupBucket } from "./backup-bucket";
import type { DatabaseLogin } from "./logins";
import type { Servers } from "./servers";

/**
 * Everything that saves the estate: the bucket, and on each host that a database or a queue lives on the agent that writes to it. The
 * first physical copy of a host begins when `databases` are there.
 */
export function createBackups(
  { config: { backup, servers: of, tags }, redisUsers }: Estate,
  servers: Servers,
  logins: readonly DatabaseLogin[],
): pulumi.Output<BackupOutput> {
  const saved = savedOf({ databases: logins.map(({ entry }) => entry), redisUsers });
  const after = logins.map(({ database }) => database);
  const hosts = [...new Set(saved.map(({ server }) => server))].filter((host) => of[host]).sort();
  const { output } = new BackupBucket("backup", { backup, tags, hosts });
  const machines = {
    ...servers.mariadb,
    ...servers.postgres,
    ...(servers.redis && { [servers.redis.name]: servers.redis }),
  };
  for (const { name: host, kind, server } of stackServers(of)) {
    const on = machines[host];
    if (!on || !hosts.includes(host)) continue;
    new BackupAgent(`${host}-backup`, {
      host,
      engine: kind === "panel" ? "mariadb" : kind,
      port: kind === "redis" ? undefined : server.port,
      proof: server.proof,
      machine: on.machine,
      databases: saved.filter((entry) => entry.server === host),
      bucket: output,
      recipients: backup.recipients,
      after,
    });
  }
  return output;
}
