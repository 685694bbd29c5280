import * as fs from "node:fs/promises";
import * as path from "node:path";
import { agentFiles, rcloneSettings } from "../../components/plans/backup-agent";
import { loadStackConfig } from "../../estate/load";
import { BackupReader } from "../../ops/backup/bucket";
import { type Backup, backupsOf, parseManifest } from "../../ops/backup/manifest";
import { restoreDatabase } from "../../ops/restore/run";
import type { BackupStore } from "../../test/support/backups";
import { localHost } from "../../test/support/local-host";
import { projectDirectory, succeed } from "../../test/support/run";
import { BARE, type BenchDatabase } from "./database";

/** Seconds of a restore from its begin: the file is here and whole, loaded and counted, live. */
export interface RestoreTimes {
  verified: number;
  loaded: number;
  all: number;
}

/** Backup and restore of one database as the estate does them, and by the bare tools, with the same bucket. Seconds. */
export interface BenchHost {
  /** Of the tool's dump. Reads everything once. */
  dumpBytes(): Promise<number>;
  estateBackup(): Promise<{ seconds: number; backup: Backup }>;
  /** The tool's dump into the bucket, under this key. */
  bareBackup(key: string): Promise<number>;
  /** In the place of the live database. */
  estateRestore(backup: Backup): Promise<RestoreTimes>;
  /** The same object into an empty database. */
  bareRestore(backup: Backup): Promise<number>;
  /** Parts of a backup, each by itself. */
  parts(): Promise<BackupParts>;
  remove(): Promise<void>;
}

export interface BackupParts {
  /** The tool alone, its dump thrown away. */
  tool: number;
  /** The same with the rows counted. */
  counted: number;
  /** With the dump packed and encrypted into a file too. */
  sealed: number;
  /** The file's sum. */
  sum: number;
  /** The file into the bucket. */
  upload: number;
}

/** What the agent calls by the same flags. */
const DUMP = {
  mariadb: (database: string) =>
    "mariadb-dump --no-defaults --skip-ssl --protocol=socket --single-transaction --quick --routines --triggers " +
    `--events --hex-blob --skip-dump-date --default-character-set=utf8mb4 ${database}`,
  postgres: (database: string, port: number) =>
    `runuser -u postgres -- pg_dump -Fc --compress=0 -h /var/run/postgresql -p ${port} -d ${database}`,
} as const;

const LOAD = {
  mariadb: () => `mariadb --no-defaults --skip-ssl --protocol=socket ${BARE}`,
  postgres: (port: number) =>
    `runuser -u postgres -- pg_restore -h /var/run/postgresql -p ${port} -d ${BARE} --exit-on-error`,
} as const;

export async function benchHost(database: BenchDatabase, store: BackupStore): Promise<BenchHost> {
  const { entry, server } = database;
  const { port } = server.engine;
  const host = await localHost(server);
  const at = (name: string) => path.join(host.directory, name);
  const [etc, state, local] = [at("etc"), at("agent"), at("copies")];
  for (const directory of [etc, state, local]) await fs.mkdir(directory);
  await install(database, store, host.directory);
  await fs.writeFile(at("key"), store.identity, { mode: 0o600 });
  const config = loadStackConfig("local", projectDirectory);
  const servers = { ...config.servers, [entry.server]: { ...config.servers[entry.server], port } };

  const bash = (...lines: string[]) =>
    succeed("bash", ["-euo", "pipefail", "-c", lines.join("\n")], {
      env: { PATH: `${at("bin")}:${process.env.PATH}`, RCLONE_CA_CERT: `${etc}/ca.crt` },
    });
  const agent = [
    `etc=${etc} lib=${at("lib")} state=${state} work=${state}`,
    'source "$etc/agent.conf"; source "$lib/common.sh"; source "$lib/$ENGINE.sh"; source "$lib/run.sh"',
    // A try that fails is no time to measure; what a shell says of another cloud's authority, rclone cannot use.
    `LOCAL=${local} TRIES=1; unset AWS_CA_BUNDLE`,
  ];
  const dump = DUMP[server.kind](entry.name, port);
  const clearLocal = () => fs.rm(local, { recursive: true, force: true });
  return {
    dumpBytes: async () => Number(await bash(`${dump} | wc -c`)),
    async estateBackup() {
      const [seconds, manifest] = await timed(() => bash(...agent, `run --tag bench ${entry.name}`));
      await clearLocal();
      const [backup] = backupsOf(parseManifest(manifest, "the bench's manifest"));
      if (!backup) throw new Error(`${entry.name}: the agent made no backup`);
      return { seconds, backup };
    },
    async bareBackup(key) {
      const [seconds] = await timed(() =>
        bash(
          ...agent,
          `${dump} | zstd -q -T0 -3 | age -R "$etc/recipients.txt" | put rcat "bucket:$BUCKET/${key}"`,
        ),
      );
      return seconds;
    },
    async estateRestore(backup) {
      const reader = new BackupReader(store.output);
      const begun = performance.now();
      const reached: number[] = [];
      const said: string[] = [];
      const request = { entry, from: backup, into: undefined, safety: false, acceptFaults: false };
      const result = await restoreDatabase(request, {
        reader,
        open: host.open,
        servers,
        key: at("key"),
        env: process.env,
        signal: new AbortController().signal,
        probe: async () => undefined,
        report: (line) => {
          reached.push((performance.now() - begun) / 1000);
          said.push(line);
        },
      }).finally(() => reader.close());
      if (result.fault) throw new Error(`${entry.name} was not restored: ${result.fault.reason}`);
      const when = (words: string) => reached[said.findIndex((line) => line.includes(words))] ?? Number.NaN;
      return { verified: when("is whole"), loaded: when("loaded;"), all: (performance.now() - begun) / 1000 };
    },
    async bareRestore({ key }) {
      await database.emptyBare();
      const load = server.kind === "mariadb" ? LOAD.mariadb() : LOAD.postgres(port);
      const [seconds] = await timed(() =>
        bash(
          ...agent,
          `rclone --config "$etc/rclone.conf" cat "bucket:$BUCKET/${key}" | age --decrypt -i ${at("key")} | zstd -dcq | ${load}`,
        ),
      );
      await database.tidy();
      return seconds;
    },
    async parts() {
      const time = async (...lines: string[]) => (await timed(() => bash(...agent, ...lines)))[0];
      const tool = await time(`${dump} >/dev/null`);
      const counted = await time(`dump ${entry.name} "$state/rows.json" >/dev/null`);
      const sealed = await time(`dump ${entry.name} "$state/rows.json" | seal >"$state/sealed"`);
      const sum = await time('sha256sum "$state/sealed"');
      const upload = await time('upload "$state/sealed" bench/parts');
      await fs.rm(path.join(state, "sealed"));
      await store.remove("bench/parts");
      return { tool, counted, sealed, sum, upload };
    },
    remove: host.remove,
  };
}

/** The agent's files as a database host gets them, below `directory`. */
async function install(
  { entry, server }: BenchDatabase,
  { output, recipient }: BackupStore,
  directory: string,
): Promise<void> {
  const files = agentFiles({
    host: entry.server,
    engine: server.kind,
    port: server.engine.port,
    databases: [entry],
    retention: output.retention,
    recipients: [recipient],
    bucket: output.bucket,
    caCertificate: output.caCertificate,
  });
  const { content } = rcloneSettings({ ...output, ...output.reader });
  const installed = { ...files, "/etc/estate-backup/rclone.conf": { content } };
  for (const [file, { content }] of Object.entries(installed)) {
    const name = /^\/etc\/estate-backup\/(.+)$/.exec(file)?.[1];
    const library = /^\/usr\/local\/lib\/estate-backup\/(.+)$/.exec(file)?.[1];
    if (name) await fs.writeFile(path.join(directory, "etc", name), content, { mode: 0o600 });
    if (library) {
      await fs.mkdir(path.join(directory, "lib"), { recursive: true });
      await fs.writeFile(path.join(directory, "lib", library), content);
    }
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const begun = performance.now();
  const result = await work();
  return [(performance.now() - begun) / 1000, result];
}
