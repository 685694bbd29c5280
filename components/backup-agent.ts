import * as pulumi from "@pulumi/pulumi";
import type { BackupOutput } from "../estate/outputs";
import type { SavedEntry } from "../estate/saved";
import type { ServerEngine, ServerName } from "../estate/types";
import { HostBackupAgent } from "../provider/resources";
import type { Host } from "./host";
import { agentFiles, agentPackages, agentTimers, bucketSettings, readRecipients } from "./plans/backup-agent";
import { withoutStackTrace } from "./without-stack-trace";

export interface BackupAgentArgs {
  host: ServerName;
  engine: ServerEngine;
  /** Of the server; undefined: there is no one server (Redis). */
  port: number | undefined;
  /** Whether its dumps are proven on it by loading them. */
  proof: boolean;
  machine: Host;
  /** All that live on the host, retired ones too: their data is still there. */
  databases: readonly SavedEntry[];
  bucket: pulumi.Output<BackupOutput>;
  /** Public keys of age, or files of them. */
  recipients: readonly string[];
  /** What the first copy waits for. */
  after: readonly pulumi.Resource[];
}

/**
 * What saves a database host's databases: programs, timers, the public key that everything is encrypted to, and credentials
 * that can only write. On a machine that is new a first physical copy begins at once, so that there is something to recover from.
 */
export class BackupAgent extends pulumi.ComponentResource {
  constructor(name: string, args: BackupAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    const databases = args.databases.map((entry) => entry.name).sort();
    super("estate:component:BackupAgent", name, { host: args.host, databases }, opts);
    const { host, machine, bucket } = args;
    const recipients = withoutStackTrace(() => readRecipients(args.recipients));
    const files = pulumi.unsecret(bucket).apply((to) => agentFiles({ ...args, ...to, recipients }));
    const access = bucket.apply((to) => {
      const writer = to.writers[host];
      if (!writer) throw new pulumi.RunError(`${host}: the bucket has no writer for this host`);
      return bucketSettings({ ...to, ...writer });
    });
    const agent = new HostBackupAgent(
      name,
      {
        machine: machine.machine.identity,
        label: machine.login.host,
        databases,
        packages: agentPackages(args.engine),
        files,
        timers: agentTimers(args.engine),
        secretFiles: pulumi.secret(
          access.apply(({ path, content }) => ({ [path]: { owner: "root", content } })),
        ),
      },
      { parent: this, provider: machine.provider },
    );
    if (args.engine !== "redis") {
      machine.run(
        "first-backup",
        `${machine.login.user === "root" ? "" : "sudo -n "}systemctl start --no-block estate-backup-base.service`,
        { dependsOn: [agent, ...args.after] },
      );
    }
    this.registerOutputs({});
  }
}
