import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { agentFiles, bucketSettings } from "../../components/plans/backup-agent";
import { redisCommands } from "../../components/plans/privileges";
import { openSsh } from "../../connect/ssh";
import { loadStackConfig } from "../../estate/load";
import type { QueueEntry } from "../../estate/saved";
import { BackupReader } from "../../ops/backup/bucket";
import { findBackup } from "../../ops/backup/find";
import { databaseHost } from "../../ops/backup/hosts";
import type { Backup } from "../../ops/backup/manifest";
import { restoreQueue } from "../../ops/restore/queue";
import type { RestoreResult } from "../../ops/restore/run";
import type { RestoreTools } from "../../ops/restore/tools";
import { type BackupStore, startBackupStore } from "./backups";
import { projectDirectory } from "./run";
import { bootMachine, type SystemdMachine } from "./systemd-machine";

export interface QueueMachine {
  machine: SystemdMachine;
  store: BackupStore;
  said: string[];
  open: RestoreTools["open"];
  /** Bash of its root, with `service` and `admin` commands of the queue. */
  bash(text: string): Promise<string>;
  /** By the host's agent; the newest in the bucket. */
  backUp(): Promise<Backup>;
  restore(from: Backup): Promise<RestoreResult>;
  stop(): Promise<void>;
}

const PACKAGES = [
  ...[
    "redis-server",
    "redis-tools",
    "age",
    "ca-certificates",
    "curl",
    "jq",
    "mount",
    "zstd",
    "mawk",
    "perl-base",
  ],
  ...["tar", "libpam-modules"],
];

/** A machine with real systemd, the instance of one queue as Debian's unit runs it, and the agent, which writes to a real bucket. */
export async function queueMachine(entry: QueueEntry): Promise<QueueMachine> {
  const [store, machine] = await Promise.all([startBackupStore(), bootMachine(PACKAGES)]);
  const directory = await fs.mkdtemp(path.join(tmpdir(), "queue-"));
  const key = path.join(directory, "key");
  await fs.writeFile(key, store.identity, { mode: 0o600 });
  const helpers = `
service() { redis-cli -s /run/redis-n8n/s --user svc_n8n --pass service --no-auth-warning "$@"; }
admin() { redis-cli -s /run/redis-n8n/s --user admin --pass admin --no-auth-warning "$@"; }
`;
  const bash = (text: string) => machine.exec("bash", "-euo", "pipefail", "-c", `${helpers}${text}`);
  const { output, recipient } = store;
  const files = agentFiles({
    ...{ host: "redis", engine: "redis", retention: output.retention, recipients: [recipient], proof: true },
    ...{ bucket: output.bucket, region: output.region, endpoint: output.endpoint },
    ...{ caCertificate: output.caCertificate, databases: [entry] },
  });
  const secret = bucketSettings({ region: output.region, ...(await store.writer("redis")) });
  const all = Object.entries({ ...files, [secret.path]: { mode: "0600", content: secret.content } });
  for (const [file, { mode, content }] of all) {
    const text = Buffer.from(content).toString("base64");
    await bash(`mkdir -p ${path.dirname(file)}; base64 -d <<<'${text}' >${file}; chmod ${mode} ${file}`);
  }
  await bash(`
getent passwd estate-proof >/dev/null || { echo 'estate-proof:x:972:972::/nonexistent:/usr/sbin/nologin' >>/etc/passwd; echo 'estate-proof:x:972:' >>/etc/group; }
install -d -m 0750 -o redis -g redis /var/lib/redis /etc/redis; install -d -m 0700 -o redis -g redis /var/lib/redis/n8n
cat >/etc/redis/redis-n8n.conf <<'CONF'
port 0
unixsocket /run/redis-n8n/s
dir /var/lib/redis/n8n
aclfile /var/lib/redis/n8n/users.acl
appendonly yes
save 1 1
enable-debug-command local
CONF
cat >/var/lib/redis/n8n/users.acl <<'ACL'
user default off
user admin on >admin ~* &* +@all
user svc_n8n on >service ~n8n:* &n8n:* ${redisCommands("queue")}
ACL
chown redis /etc/redis/redis-n8n.conf /var/lib/redis/n8n/users.acl; chmod 0600 /var/lib/redis/n8n/users.acl
systemctl disable --now redis-server 2>/dev/null || true; systemctl enable --now redis-server@n8n`);

  const open: RestoreTools["open"] = async (name) => databaseHost(name, "root", await openSsh(machine.ssh));
  const { servers } = loadStackConfig("local", projectDirectory);
  const withReader = async <T>(work: (reader: BackupReader) => Promise<T>) => {
    const reader = new BackupReader(store.output);
    return work(reader).finally(() => reader.close());
  };
  const bench: QueueMachine = {
    ...{ machine, store, open, bash, said: [] },
    async backUp() {
      await bash("estate-backup run");
      return withReader((reader) => findBackup(reader, entry.name, "redis", "newest"));
    },
    restore(from) {
      bench.said = [];
      return withReader((reader) =>
        restoreQueue(
          { entry, from },
          {
            ...{ reader, open, servers, key, env: process.env, signal: new AbortController().signal },
            probe: async () => ((await bash("service PING")).trim() === "PONG" ? undefined : "it is closed"),
            report: (line) => bench.said.push(line),
          },
        ),
      );
    },
    async stop() {
      await machine.stop();
      await store.stop();
      await fs.rm(directory, { recursive: true, force: true });
    },
  };
  return bench;
}
