import * as z from "zod";
import { printableLine } from "../render/printable";
import { isCount, isText, listOf, parseJson, recordOf } from "./json";
import { isRunId } from "./keys";

/** Words of a host, which end in a terminal: nothing in them moves it, and no novel. */
const words = z.string().transform((text) => printableLine(text.slice(0, 500)));

/** Of programs, by name. */
const versions = recordOf(isText).transform((all) =>
  Object.fromEntries(
    Object.entries(all)
      .slice(0, 100)
      .map(([name, version]) => [words.parse(name), words.parse(version)]),
  ),
);

/** What came of loading a copy into a throw-away engine. `words`: why it failed. */
export const proof = z.object({ ok: z.boolean(), at: z.iso.datetime(), words: words.optional() });
export type Proof = z.infer<typeof proof>;

/** One dump as its manifest tells of it. */
export const savedObject = z.object({
  database: z.string(),
  key: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number(),
  /** So many objects `KEY.00000`, ... make up the dump; undefined: one, KEY itself. */
  parts: z.int().min(2).max(100_000).optional(),
  /** By table; of a queue `keys`, which have no lifetime. */
  rows: recordOf(isCount),
  /** What will not come back as it is. */
  notes: listOf(words, 1000).optional(),
  /** Only of the dumps whose turn it was. */
  proof: proof.optional(),
  durationMs: z.number(),
});

/** More than a host ever has. */
const MOST_DATABASES = 10_000;

const manifest = z.object({
  run: z.string().refine(isRunId, "it is no name of a run"),
  host: z.string(),
  engine: z.enum(["mariadb", "postgres", "redis"]),
  tag: words,
  /** One life of the server: another one begins empty. Agents of before did not tell. */
  epoch: z.string().optional(),
  ok: z.boolean(),
  finished: z.iso.datetime(),
  durationMs: z.number(),
  versions,
  failed: listOf(words, MOST_DATABASES),
  objects: listOf(savedObject, MOST_DATABASES),
});

/** What one run of a host's agent says of itself. `objects` are encrypted dumps; `rows` are by table. */
export type Manifest = z.infer<typeof manifest>;

/** Whatever is no database of the estate, but saved with them: users and roles. */
export const ACCOUNTS = "_accounts";

/** Throws on a text that is no manifest; `where` is named. */
export function parseManifest(text: string, where: string): Manifest {
  return parseJson(text, manifest, where);
}

/** Tag of what a restore saves before it replaces it. */
export const SAFETY = "safety";

/** One dump in the bucket, with the run that made it. */
export interface Backup {
  database: string;
  host: string;
  engine: Manifest["engine"];
  run: string;
  tag: string;
  /** One life of the server; undefined: the agent did not tell. */
  epoch?: string | undefined;
  /** End of the run, ISO 8601. */
  finished: string;
  key: string;
  sha256: string;
  /** Of the object: compressed and encrypted. */
  bytes: number;
  parts?: number | undefined;
  rows: Record<string, number>;
  notes?: string[] | undefined;
  proof?: Proof | undefined;
  /** Of the program that made it, and of the server. */
  versions: Record<string, string>;
  /** When the bucket got its manifest; undefined: it comes from the agent itself. */
  stored?: Date | undefined;
  /** The month that it is kept for in the archive, `2026-10`; undefined: it is a daily one. */
  archive?: string | undefined;
}

/** A manifest, and when the bucket got it. */
export type StoredManifest = Manifest & { stored?: Date };

export function backupsOf({
  run,
  host,
  engine,
  tag,
  epoch,
  finished,
  versions,
  objects,
  stored,
}: StoredManifest): Backup[] {
  return objects.map(({ durationMs: _, ...object }) => ({
    ...object,
    host,
    engine,
    run,
    tag,
    epoch,
    finished,
    versions,
    ...(stored && { stored }),
  }));
}
