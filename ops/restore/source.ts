import { createReadStream } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import type { Backup } from "../backup/manifest";
import { unseal } from "../backup/open";
import { size } from "../render/backup";
import { fetchBackup } from "./fetch";
import type { RestoreSteps } from "./host";
import type { RestoreTools } from "./run";

/** Where the data comes from, once it is known to be whole and to open. */
export interface Source {
  /** For the user. */
  words: string;
  /** Of what is streamed to the host. */
  plainBytes: number;
  /** Into the scratch database; gives the rows that then have to be there, by table. */
  load(steps: RestoreSteps, options: readonly string[]): Promise<Record<string, number>>;
  remove(): Promise<void>;
}

export async function dumpSource(backup: Backup, tools: RestoreTools): Promise<Source> {
  const { file, plainBytes, remove } = await fetchBackup(tools.reader, backup, tools);
  return {
    words: `run ${backup.run} is whole and opens (${size(backup.bytes)}, dump ${size(plainBytes)})`,
    plainBytes,
    remove,
    async load(steps, options) {
      await feed(steps, createReadStream(file), (plain) => steps.load(plain, ...options), tools);
      return backup.rows;
    },
  };
}

/** Decrypts here and streams to the host. */
async function feed(
  steps: RestoreSteps,
  sealed: Readable,
  take: (plain: Readable) => Promise<void>,
  { key, env, signal }: RestoreTools,
): Promise<void> {
  const plain = new PassThrough();
  // What breaks off must not look like what ends: the connection goes, and what was loaded with it.
  const feeding = unseal(sealed, plain, { key, env, signal }).catch((error: unknown) => {
    steps.close();
    throw error;
  });
  const [taken, fed] = await Promise.allSettled([take(plain).finally(() => plain.resume()), feeding]);
  // A command that ends early makes the feeding fail too: its own words tell more.
  if (taken.status === "rejected" && fed.status === "fulfilled") throw taken.reason;
  if (fed.status === "rejected") throw fed.reason;
}
