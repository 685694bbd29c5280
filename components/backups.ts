import type * as pulumi from "@pulumi/pulumi";
import type { BackupOutput } from "../estate/outputs";
import { stackServers } from "../estate/servers";
import type { Estate } from "../estate/types";
import { BackupAgent } from "./backup-agent";
import { BackupBucket } from "./backup-bucket";
import type { DatabaseLogin } from "./logins";
import type { Servers } from "./servers";

/**
 * Everything that saves the estate: the bucket, and on each host that a database lives on the agent that writes to it. The
 * first physical copy of a host begins when `databases` are there.
 */
export function createBackups(
  { config: { backup, servers: of, tags } }: Estate,
  servers: Servers,
  logins: readonly DatabaseLogin[],
): pulumi.Output<BackupOutput> {
  const databases = logins.map(({ entry }) => entry);
  const after = logins.map(({ database }) => database);
  const hosts = [...new Set(databases.map(({ server }) => server))].sort();
  const { output } = new BackupBucket("backup", { backup, tags, hosts });
  const machines = { ...servers.mariadb, ...servers.postgres };
  for (const { name: host, kind, server } of stackServers(of)) {
    const on = machines[host];
    if (kind === "redis" || !on || !hosts.includes(host)) continue;
    new BackupAgent(`${host}-backup`, {
      host,
      engine: kind === "panel" ? "mariadb" : kind,
      port: server.port,
      proof: server.proof,
      machine: on.machine,
      databases: databases.filter(({ server }) => server === host),
      bucket: output,
      recipients: backup.recipients,
      after,
    });
  }
  return output;
}
