import { createReadStream } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import type { DatabaseEntry } from "../../estate/types";
import type { Backup } from "../backup/manifest";
import { unseal } from "../backup/open";
import { size } from "../render/backup";
import { fetchBackup, fetchParts } from "./fetch";
import type { RestoreSteps } from "./host";
import type { PointPlan } from "./point";
import type { RestoreTools } from "./tools";

/** Where the data comes from, once it is known to be whole and to open. */
export interface Source {
  /** For the user. */
  words: string;
  /** What its host said, when it was saved, will not come back as it is. */
  notes: readonly string[];
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
    notes: backup.notes ?? [],
    plainBytes,
    remove,
    async load(steps, options) {
      await feed(steps, createReadStream(file), (plain) => steps.load(plain, ...options), tools);
      return backup.rows;
    },
  };
}

/** A physical copy, and what happened since. Each is read to its end here before a host sees it. */
export async function pointSource(
  { at, base, logs, covered }: PointPlan,
  { engine }: DatabaseEntry,
  tools: RestoreTools,
): Promise<Source> {
  const { file, plainBytes, remove } = await fetchParts(tools.reader, base.parts, tools);
  return {
    words: `the physical copy ${base.run} is whole and opens (${size(plainBytes)}), ${logs.length} files of the log follow`,
    notes: [],
    plainBytes,
    remove,
    async load(steps, options) {
      await steps.pointBegin();
      await feed(steps, createReadStream(file), (plain) => steps.pointBase(plain), tools);
      for (const file of logs) {
        const log = await fetchParts(tools.reader, [file], tools);
        try {
          await feed(steps, createReadStream(log.file), (plain) => steps.pointLog(file.name, plain), tools);
        } finally {
          await log.remove();
        }
      }
      const whole = logs.filter(({ modified }) => modified < at).at(-1)?.name;
      const text = at.toISOString().slice(0, 19).replace("T", " ");
      await steps.pointStart(engine === "postgres" ? `${text}+00` : text, covered, whole);
      tools.report(`recovered to ${text} UTC beside the live server`);
      for (const note of await steps.pointNotes()) tools.report(`note: ${note}`);
      const rows = await steps.pointCount();
      await steps.pointLoad(...options);
      await steps.pointEnd();
      return rows;
    },
  };
}

/** Decrypts here and streams to the host. */
export async function feed(
  steps: { close(): void },
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
