import type * as pulumi from "@pulumi/pulumi";
import type { BackupOutput } from "../estate/outputs";
import { traitsOf } from "../estate/servers";
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
  for (const host of hosts) {
    new BackupAgent(`${host}-backup`, {
      host,
      engine: traitsOf(host).engine,
      port: of[host].port,
      proof: of[host].proof,
      machine: servers[host].machine,
      databases: databases.filter(({ server }) => server === host),
      bucket: output,
      recipients: backup.recipients,
      after,
    });
  }
  return output;
}
