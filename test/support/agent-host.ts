import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { agentFiles, bucketSettings } from "../../components/plans/backup-agent";
import type { BackupClass, ServerName } from "../../estate/types";
import type { BackupStore } from "./backups";
import { type DebianSuite, debianRoot } from "./debian-root";
import { type Finished, run } from "./run";

/** What the agent calls; its engine is one of files. */
const PACKAGES = [
  "bash",
  "curl",
  "jq",
  "zstd",
  "age",
  "coreutils",
  "mount",
  "util-linux",
  "findutils",
  "grep",
  "mawk",
  "sed",
  "ca-certificates",
];

/** The agent as a database host has it, in a Debian of its own that keeps what it writes, against a real bucket as its host's writer. */
export interface AgentHost {
  /** `estate-backup ARGUMENT...` */
  agent(...args: string[]): Promise<Finished>;
  /** Bash of that host's root. */
  bash(text: string): Promise<Finished>;
  /** A file there, by its absolute path. */
  write(file: string, content: string): Promise<void>;
  read(file: string): Promise<string>;
  /** Takes the place of the line of agent.conf with this name. */
  set(name: string, value: string): Promise<void>;
  remove(): Promise<void>;
}

export interface AgentHostArgs {
  suite: DebianSuite;
  host: ServerName;
  store: BackupStore;
  databases: Record<string, BackupClass>;
  /** Bash: the functions that mariadb.sh has on a real host, after those of the engine of files. */
  engine?: string;
  /** Prefixes of its queues, by name: it then has the agent's own engine, Redis, and no files. */
  queues?: Record<string, string>;
}

export async function agentHost({
  suite,
  host,
  store,
  databases,
  engine = "",
  queues,
}: AgentHostArgs): Promise<AgentHost> {
  const root = await debianRoot(
    suite,
    queues ? [...PACKAGES, "redis-server", "perl-base", "tar", "libpam-modules"] : PACKAGES,
  );
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-agent-"));
  const upper = path.join(directory, "upper");
  for (const name of ["upper", "work", "merged"]) await fs.mkdir(path.join(directory, name));
  const at = (file: string) => path.join(upper, file);
  const write = async (file: string, content: string, mode = 0o644) => {
    await fs.mkdir(path.dirname(at(file)), { recursive: true });
    await fs.writeFile(at(file), content, { mode });
  };
  // What the package's scripts would make.
  await fs.mkdir(at("usr/bin"), { recursive: true });
  await fs.symlink("mawk", at("usr/bin/awk"));
  const { output, recipient } = store;
  const files = agentFiles({
    host,
    ...(queues ? { engine: "redis" } : { engine: "mariadb", port: 3306 }),
    databases: Object.entries(databases).map(([name, backup]) => ({
      ...{ name, backup },
      ...(queues && { keyPrefix: queues[name] ?? "" }),
    })),
    retention: output.retention,
    recipients: [recipient],
    bucket: output.bucket,
    region: output.region,
    endpoint: output.endpoint,
    caCertificate: output.caCertificate,
    proof: true,
  });
  for (const [file, { content, mode }] of Object.entries(files)) {
    await write(file, content, Number.parseInt(mode, 8));
  }
  const writer = await store.writer(host);
  const { path: secret, content } = bucketSettings({ region: output.region, ...writer });
  await write(secret, content, 0o600);
  if (!queues) await write("/usr/local/lib/estate-backup/mariadb.sh", ENGINE + engine);
  const users = { "estate-proof": 990, ...(queues && { redis: 991 }) };
  const each = (line: (name: string, id: number) => string) =>
    Object.entries(users)
      .map(([name, id]) => line(name, id))
      .join("");
  const passwd = each((name, id) => `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`);
  await write("/etc/passwd", `root:x:0:0::/root:/bin/sh\n${passwd}`);
  await write("/etc/group", `root:x:0:\n${each((name, id) => `${name}:x:${id}:\n`)}`);
  const pam =
    "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
  for (const service of ["runuser", "other"]) await write(`/etc/pam.d/${service}`, pam);
  const conf = "/etc/estate-backup/agent.conf";
  const set = async (name: string, value: string) => {
    const lines = (await fs.readFile(at(conf), "utf8")).split("\n");
    await fs.writeFile(
      at(conf),
      lines.map((line) => (line.startsWith(`${name}=`) ? `${name}=${value}` : line)).join("\n"),
    );
  };
  await set("PAUSE", "1");
  const bash = (text: string, ...args: string[]) =>
    inside(root, directory, ["bash", "-c", text, "bash", ...args]);
  return {
    agent: (...args) => bash('exec /usr/local/sbin/estate-backup "$@"', ...args),
    bash,
    write,
    read: (file) => fs.readFile(at(file), "utf8"),
    set,
    remove: () => fs.rm(directory, { recursive: true, force: true }),
  };
}

/** A database is a directory of files; a row of them is a line. */
const ENGINE = `
server_version() { echo 11.8; }
dump_version() { echo 'files 1'; }
extension_of() { echo sql; }
epoch() { echo 20260101T000000Z; }
dump() {
  [ "$1" != _accounts ] || { echo '{}' >"$2"; echo accounts; return; }
  [ ! -e "/srv/$1/locked" ] || sleep 600
  cat "/srv/$1"/*.table
  jq -Rn '[inputs | {(input_filename | split("/") | last | rtrimstr(".table")): 1}]
    | reduce (.[] | to_entries[]) as $e ({}; .[$e.key] += 1)' "/srv/$1"/*.table >"$2"
  [ ! -e "/srv/$1/notes.json" ] || cp "/srv/$1/notes.json" "$work/notes.json"
  echo '-- Dump completed'
}
logs_changes() { [ -d /srv/log ]; }
readonly copy_extension=mbstream
physical_copy() { cat /srv/log/*; }
closed_logs() { find /srv/log -type f | sort; }
forget_log() { :; }
`;

/** In namespaces of its own; the end of the command is the end of everything that it has started. */
function inside(root: string, directory: string, command: string[]): Promise<Finished> {
  const merged = path.join(directory, "merged");
  const layers = `lowerdir=${root},upperdir=${directory}/upper,workdir=${directory}/work`;
  const setUp = [
    `mount -t overlay overlay -o ${layers} ${merged}`,
    `mount -t proc proc ${merged}/proc`,
    `exec chroot ${merged} "$@"`,
  ].join(" && ");
  return run(
    "unshare",
    ["--mount", "--pid", "--fork", "--kill-child", "bash", "-c", setUp, "bash", ...command],
    {
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    },
  );
}
