import * as z from "zod";

const object = z.object({
  database: z.string(),
  key: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number(),
  rows: z.record(z.string(), z.number()),
  durationMs: z.number(),
});

const manifest = z.object({
  run: z.string(),
  host: z.string(),
  engine: z.enum(["mariadb", "postgres"]),
  tag: z.string(),
  /** One life of the server: another one begins empty. Agents of before did not tell. */
  epoch: z.string().optional(),
  ok: z.boolean(),
  finished: z.iso.datetime(),
  durationMs: z.number(),
  versions: z.record(z.string(), z.string()),
  failed: z.array(z.string()),
  objects: z.array(object),
});

/** What one run of a host's agent says of itself. `objects` are encrypted dumps; `rows` are by table. */
export type Manifest = z.infer<typeof manifest>;

/** Whatever is no database of the estate, but saved with them: users and roles. */
export const ACCOUNTS = "_accounts";

/** Throws on a text that is no manifest; `where` is named. */
export function parseManifest(text: string, where: string): Manifest {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Error(`${where} is no JSON`);
  }
  const parsed = manifest.safeParse(raw);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new Error(`${where} has another shape (${fields})`);
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
  rows: Record<string, number>;
  /** Of the program that made it, and of the server. */
  versions: Record<string, string>;
}

export function backupsOf({
  run,
  host,
  engine,
  tag,
  epoch,
  finished,
  versions,
  objects,
}: Manifest): Backup[] {
  return objects.map(({ database, key, sha256, bytes, rows }) => ({
    database,
    host,
    engine,
    run,
    tag,
    epoch,
    finished,
    key,
    sha256,
    bytes,
    rows,
    versions,
  }));
}
