import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { databases } from "../../estate/catalogue";
import { loadStackConfig } from "../../estate/load";
import { databaseServer } from "../../estate/servers";
import type { DatabaseEntry } from "../../estate/types";
import { BackupReader } from "../../ops/backup/bucket";
import { type Backup, backupsOf } from "../../ops/backup/manifest";
import { type RestoreRequest, type RestoreResult, restoreDatabase } from "../../ops/restore/run";
import { type BackupStore, startBackupStore } from "./backups";
import type { LocalHost } from "./local-host";
import { type LocalServer, localHost } from "./local-server";
import { projectDirectory } from "./run";

/** A database of the catalogue on a throw-away server, its backups, and the restore of them. */
export interface RestoreBench {
  host: LocalHost;
  store: BackupStore;
  /** Lines of progress of the last restore. */
  said: string[];
  /** Backs the database up and puts that in the bucket. */
  backUp(run: string): Promise<Backup>;
  /** Puts these bytes there as a backup with these rows, under a name of its own; `lies`: what lies there in truth. */
  stored(run: string, sealed: Buffer, rows: Record<string, number>, lies?: Buffer): Promise<Backup>;
  restore(
    request: { backup: Backup } & Partial<RestoreRequest>,
    signal?: AbortSignal,
  ): Promise<RestoreResult>;
  stop(): Promise<void>;
}

export async function restoreBench(database: string, server: LocalServer): Promise<RestoreBench> {
  const entry = databases.find(({ name }) => name === database) as DatabaseEntry;
  const config = loadStackConfig("local", projectDirectory);
  const servers = {
    ...config.servers,
    [entry.server]: { ...databaseServer(config.servers, entry.server), port: server.engine.port },
  };
  const [host, store] = await Promise.all([localHost(server), startBackupStore()]);
  const key = path.join(host.directory, "key");
  await fs.writeFile(key, store.identity);
  const bench: RestoreBench = {
    host,
    store,
    said: [],
    async backUp(run) {
      const { sealed, rows } = await host.backUp(database, store.recipient);
      return bench.stored(run, sealed, rows);
    },
    async stored(begun, sealed, rows, lies = sealed) {
      const objects = [{ database, sealed, rows, lies }];
      const run = `${begun}-${randomBytes(4).toString("hex")}`;
      const manifest = await store.putRun({ run, host: server.name, engine: server.kind, objects });
      return backupsOf(manifest)[0] as Backup;
    },
    async restore({ backup, ...request }, signal = new AbortController().signal) {
      const reader = new BackupReader(store.output);
      bench.said = [];
      try {
        return await restoreDatabase(
          { entry, from: backup, into: undefined, safety: true, acceptFaults: false, ...request },
          {
            reader,
            open: host.open,
            servers,
            key,
            env: process.env,
            signal,
            probe: async () => undefined,
            report: (line) => bench.said.push(line),
          },
        );
      } finally {
        await reader.close();
      }
    },
    async stop() {
      await store.stop();
      await host.remove();
    },
  };
  return bench;
}
