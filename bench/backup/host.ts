import * as fs from "node:fs/promises";
import * as path from "node:path";
import { agentFiles, bucketSettings } from "../../components/plans/backup-agent";
import { loadStackConfig } from "../../estate/load";
import { databaseServer } from "../../estate/servers";
import { BackupReader } from "../../ops/backup/bucket";
import { partKeys } from "../../ops/backup/keys";
import { type Backup, backupsOf, parseManifest } from "../../ops/backup/manifest";
import { restoreDatabase } from "../../ops/restore/run";
import type { BackupStore } from "../../test/support/backups";
import { localHost } from "../../test/support/local-server";
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
  /** The tool's dump into the bucket, where it does not stay. */
  bareBackup(): Promise<number>;
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
    `runuser -u postgres -- /usr/lib/postgresql/17/bin/pg_dump -Fc --compress=0 -h /var/run/postgresql -p ${port} -d ${database}`,
} as const;

const LOAD = {
  mariadb: () => `mariadb --no-defaults --skip-ssl --protocol=socket ${BARE}`,
  postgres: (port: number) =>
    `runuser -u postgres -- /usr/lib/postgresql/17/bin/pg_restore -h /var/run/postgresql -p ${port} -d ${BARE} --exit-on-error`,
} as const;

export async function benchHost(database: BenchDatabase, store: BackupStore): Promise<BenchHost> {
  const { entry, server } = database;
  const { port } = server.engine;
  const host = await localHost(server);
  const at = (name: string) => path.join(host.directory, name);
  const [shared, etc, state, local] = [
    at("shared"),
    at("shared/etc"),
    at("shared/agent"),
    at("shared/copies"),
  ];
  for (const directory of [shared, etc, state, local]) await fs.mkdir(directory);
  await install(database, store, shared, local);
  await fs.writeFile(at("shared/key"), store.identity, { mode: 0o600 });
  const config = loadStackConfig("local", projectDirectory);
  const servers = {
    ...config.servers,
    [entry.server]: { ...databaseServer(config.servers, entry.server), port },
  };

  // Its programs see the same files, by the same names.
  await host.share(shared);
  const [first = "", ...words] = [...host.inside, "bash", "--norc", "-euo", "pipefail", "-c"];
  const bash = (...lines: string[]) =>
    succeed(first, [...words, lines.join("\n")]).catch(async (error) => {
      throw new Error(`${error.message}${await logsIn(state)}`);
    });
  const agent = [
    `export etc=${etc} lib=${at("shared/lib")} state=${state} work=${state}`,
    'unset AWS_CA_BUNDLE; source "$lib/agent.sh"',
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
    async bareBackup() {
      const key = `daily/${entry.server}/bench/bare`;
      const [seconds] = await timed(() =>
        bash(
          ...agent,
          `${dump} | zstd -q -T0 -3 | age -R "$etc/recipients.txt" >"$state/bare"`,
          `[ "$(put "$state/bare" "${key}" "$(sum_of "$state/bare")")" = 200 ]`,
        ),
      );
      await store.remove(key);
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
        key: at("shared/key"),
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
    async bareRestore(backup) {
      await database.emptyBare();
      const urls = partKeys(backup).map((key) => `"$BUCKET_URL/${key}"`);
      const load = server.kind === "mariadb" ? LOAD.mariadb() : LOAD.postgres(port);
      const [seconds] = await timed(() =>
        bash(
          ...agent,
          `curl --disable -sSf --cacert "$etc/ca.crt" --config "$etc/reader.conf" ${urls.join(" ")} | age --decrypt -i ${at("shared/key")} | zstd -dcq | ${load}`,
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
      const upload = await time('upload "$state/sealed" "daily/$HOST/bench/parts"');
      await fs.rm(path.join(state, "sealed"));
      await store.remove(`daily/${entry.server}/bench/parts`);
      return { tool, counted, sealed, sum, upload };
    },
    remove: host.remove,
  };
}

/** The agent's files as a database host gets them, below `directory`. Copies go to `local`; a try that fails is no time to measure. */
async function install(
  { entry, server }: BenchDatabase,
  { output, recipient, writer }: BackupStore,
  directory: string,
  local: string,
): Promise<void> {
  const files = agentFiles({
    host: entry.server,
    engine: server.kind,
    port: server.engine.port,
    databases: [entry],
    retention: output.retention,
    recipients: [recipient],
    bucket: output.bucket,
    region: output.region,
    endpoint: output.endpoint,
    proof: false,
    caCertificate: output.caCertificate,
  });
  const { region } = output;
  const conf = "/etc/estate-backup/agent.conf";
  const installed = {
    ...files,
    [conf]: { content: `${files[conf]?.content}LOCAL=${local}\nTRIES=1\n` },
    "/etc/estate-backup/bucket.conf": bucketSettings({ region, ...(await writer(entry.server)) }),
    "/etc/estate-backup/reader.conf": bucketSettings({ region, ...output.reader }),
  };
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

/** What the agent's tools said into files; the agent itself quotes a line of it at most. */
async function logsIn(directory: string): Promise<string> {
  const names = (await fs.readdir(directory)).filter((name) => name.endsWith(".log"));
  const texts = names.map(async (name) => (await fs.readFile(path.join(directory, name), "utf8")).trim());
  const said = (await Promise.all(texts)).filter(Boolean);
  return said.map((text) => `\n${text.slice(-2000)}`).join("");
}

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const begun = performance.now();
  const result = await work();
  return [(performance.now() - begun) / 1000, result];
}
