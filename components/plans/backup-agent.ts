import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { keptUnder } from "../../estate/saved";
import type { BackupClass, BackupRetention, ServerEngine, ServerName } from "../../estate/types";
import { readNamedFile } from "./named-file";

/** What a host's agent is made of: components/agent, as it is, and what follows from the estate. */

const SCRIPTS = join(__dirname, "..", "agent");
const PROGRAMS = "/usr/local/sbin";
const LIBRARY = "/usr/local/lib/estate-backup";
const SETTINGS = "/etc/estate-backup";
const UNITS = "/etc/systemd/system";
/** What PostgreSQL's archive_command calls. */
export const ARCHIVE_PROGRAM = `${PROGRAMS}/estate-wal`;

export interface AgentPlanArgs {
  host: ServerName;
  engine: ServerEngine;
  /** Of the server; undefined: there is no one server (Redis). */
  port?: number | undefined;
  /** Databases and queues; `keyPrefix`: what every key of a queue begins with. */
  databases: readonly { name: string; backup: BackupClass; keyPrefix?: string }[];
  retention: BackupRetention;
  /** Public keys of age (`age1...`), one of which has to be at hand for a restore. */
  recipients: readonly string[];
  bucket: string;
  region: string;
  /** https URL of a service that is not AWS. */
  endpoint?: string | undefined;
  /** Whether dumps are proven by loading them into a throw-away engine on the host itself. */
  proof: boolean;
  /** PEM of the bucket service's authority; undefined: the system's. */
  caCertificate?: string | undefined;
}

export interface AgentFile {
  /** Octal, `0644`. */
  mode: string;
  content: string;
}

/** Debian packages; every one of them is kept by others. */
export function agentPackages(engine: AgentPlanArgs["engine"]): string[] {
  const common = ["age", "ca-certificates", "curl", "jq", "mount", "util-linux", "zstd"];
  return [...common, ...OF_ENGINE[engine]];
}

const OF_ENGINE: Readonly<Record<ServerEngine, readonly string[]>> = {
  mariadb: ["mariadb-backup"],
  postgres: [],
  // What an instance needs brings all of it.
  redis: [],
};

/** When what runs, in UTC: in a zone with summer time one night a year has no 02:00. Logs go so often that no more than five minutes of changes can be lost. */
const OF_DATABASES = [
  { name: "estate-backup", does: "run", what: "dumps of all databases", on: "*-*-* 02:00:00 UTC" },
  { name: "estate-backup-base", does: "base", what: "a physical copy", on: "Sun *-*-* 03:30:00 UTC" },
  { name: "estate-backup-log", does: "log", what: "logs of changes", on: "*:0/4 UTC" },
] as const;

/** What waits in a queue is done within minutes: a copy of yesterday would bring back what was done long ago. */
const OF_QUEUES = [
  { name: "estate-backup-queues", does: "run", what: "copies of all queues", on: "*-*-* *:20:00 UTC" },
] as const;

const timersOf = (engine: ServerEngine) => (engine === "redis" ? OF_QUEUES : OF_DATABASES);

export function agentTimers(engine: ServerEngine): string[] {
  return timersOf(engine).map(({ name }) => `${name}.timer`);
}

/** By absolute path: everything of the agent that is no secret. */
export function agentFiles(args: AgentPlanArgs): Record<string, AgentFile> {
  const files: Record<string, AgentFile> = {};
  for (const script of readdirSync(SCRIPTS).sort()) {
    const program = !script.endsWith(".sh");
    files[`${program ? PROGRAMS : LIBRARY}/${script}`] = {
      mode: program ? "0755" : "0644",
      content: readFileSync(join(SCRIPTS, script), "utf8"),
    };
  }
  files[`${SETTINGS}/agent.conf`] = { mode: "0644", content: agentSettings(args) };
  files[`${SETTINGS}/recipients.txt`] = { mode: "0644", content: `${args.recipients.join("\n")}\n` };
  if (args.caCertificate !== undefined) {
    files[`${SETTINGS}/ca.crt`] = { mode: "0644", content: args.caCertificate };
  }
  for (const { name, does, what, on } of timersOf(args.engine)) {
    files[`${UNITS}/${name}.service`] = { mode: "0644", content: service(does, what) };
    files[`${UNITS}/${name}.timer`] = { mode: "0644", content: timer(what, on) };
  }
  return files;
}

function agentSettings(args: AgentPlanArgs): string {
  const { engine, host, port, databases, proof } = args;
  const retention = { ...args.retention, ...(engine === "redis" && { localDays: QUEUE_LOCAL_DAYS }) };
  const classOf = (backup: BackupClass) => (retention.archive ? backup : "daily");
  const named = databases.map(({ name, backup }) => `${name}:${classOf(backup)}`).sort();
  return `# Written by the estate program; changes by hand are overwritten.
ENGINE=${engine}
HOST=${host}
KEPT=${keptUnder(host)}
${port === undefined ? "" : `PORT=${port}\n`}BUCKET_URL=${bucketUrl(args)}
DATABASES='${named.join(" ")}'
LOCAL=/var/backups/estate
LOCAL_DAYS=${retention.localDays}
TRIES=5
PAUSE=10
PART=268435456
# A dump that takes longer waits for somebody: it is given up, and the next database is saved.
DUMP_SECONDS=3600
COPY_SECONDS=14400
PROOF=${proof ? "yes" : "no"}
PROOF_DIR=/var/lib/estate-proof
PROOF_SECONDS=1800
PROOF_BYTES=8589934592
PROOF_MEMORY=2147483648
${engine === "redis" ? queueSettings(databases) : ""}`;
}

/** Of each hour there is a copy: more days of them would fill the host. */
const QUEUE_LOCAL_DAYS = 1;

function queueSettings(queues: AgentPlanArgs["databases"]): string {
  const named = queues.map(({ name, keyPrefix = "" }) => `${name}/${keyPrefix}`).sort();
  return `QUEUES='${named.join(" ")}'
# A minute until an instance begins its own copy, and two to write it.
SAVE_SECONDS=180
# To load a queue takes as much memory again: each once a day, and not each hour.
PROOF_REST=79200
`;
}

/** Of an object without its key. AWS wants the bucket in the host's name; others have it in the path. */
function bucketUrl({ bucket, region, endpoint }: AgentPlanArgs): string {
  return endpoint
    ? `${endpoint.replace(/\/+$/, "")}/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`;
}

/** A run yields to the databases it saves: a quarter of the processors at most. */
function service(does: string, what: string): string {
  return `[Unit]
Description=Estate backup: ${what}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=${PROGRAMS}/estate-backup ${does}
Nice=10
IOSchedulingClass=idle
CPUWeight=25
# A proof that takes too much memory ends alone.
OOMPolicy=continue
TimeoutStartSec=20h
`;
}

function timer(what: string, on: string): string {
  return `[Unit]
Description=Estate backup: ${what}

[Timer]
OnCalendar=${on}
# A machine that was down at the time makes up for it.
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** The keys themselves, in the order of the configuration. Errors: a file that cannot be read or holds no key. */
export function readRecipients(recipients: readonly string[]): string[] {
  return recipients.flatMap((recipient) => {
    if (!recipient.startsWith("/")) return [recipient];
    const keys = readNamedFile("one of backup.recipients", recipient)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    const other = keys.find((key) => !/^age1[02-9ac-hj-np-z]{58}$/.test(key));
    if (keys.length === 0 || other !== undefined) {
      const reason = keys.length === 0 ? "holds no key" : "holds a line that is no public key of age";
      throw new Error(`backup.recipients: "${recipient}" ${reason}. Write into it what age-keygen -y prints`);
    }
    return keys;
  });
}

export interface BucketAccess {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Path and content of curl's configuration with the host's writer. A secret. */
export function bucketSettings({ region, accessKeyId, secretAccessKey }: BucketAccess) {
  const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&")}"`;
  const lines = [
    `aws-sigv4 = ${quoted(`aws:amz:${region}:s3`)}`,
    `user = ${quoted(`${accessKeyId}:${secretAccessKey}`)}`,
  ];
  return { path: `${SETTINGS}/bucket.conf`, content: `${lines.join("\n")}\n` };
}
