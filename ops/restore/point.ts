import * as z from "zod";
import type { ServerName } from "../../estate/types";
import type { BackupReader } from "../backup/bucket";
import { listOf, parseJson } from "../backup/json";
import { beginOf, parseKeyAs } from "../backup/keys";
import { proof } from "../backup/manifest";
import { timeFault } from "../backup/trust";
import { type StoredObject, show } from "../backup/versions";
import { couldNotTell, failed, messageOf } from "../exit";

/** What a recovery to a point in time is made of. */
export interface PointPlan {
  at: Date;
  base: PhysicalCopy;
  /** The log's files since, in order. */
  logs: LogFile[];
  /** The log goes on until `at`, or beyond. */
  covered: boolean;
}

/** One stream in parts, each with what it has to be. */
export interface PhysicalCopy {
  epoch: string;
  run: string;
  /** When it was whole. */
  whole: Date;
  parts: { key: string; sha256: string; bytes: number }[];
  /** Whether the host could start from it; undefined: it did not try. */
  verified?: z.infer<typeof proof> | undefined;
}

/** A closed file of a server's log: its own name there, and what the bucket has of it. */
export interface LogFile {
  epoch: string;
  name: string;
  key: string;
  /** Of the object. */
  sha256: string;
  modified: Date;
}

/** A log's file may be sent a while after what it holds was written. */
const SLACK_MS = 10 * 60_000;

/**
 * The newest physical copy that was whole before `at`, and the log since then.
 * Throws "failed" where the point cannot be reached, with the range that can.
 */
export function planPoint(
  at: Date,
  bases: readonly PhysicalCopy[],
  logs: readonly LogFile[],
  what: string,
): PointPlan {
  const inOrder = [...bases].sort((a, b) => a.whole.getTime() - b.whole.getTime());
  const base = inOrder.filter(({ whole }) => whole <= at).at(-1);
  const first = inOrder[0];
  if (!first) throw failed(`${what} has no physical copy in the bucket: restore a dump (without --at)`);
  const last = logs.reduce((newest, { modified }) => (modified > newest ? modified : newest), first.whole);
  const range = `${show(first.whole)} to ${show(last)}`;
  if (!base) throw failed(`${show(at)} is before the first physical copy; reachable is ${range}`);
  if (at > last) throw failed(`${show(at)} is after the last log that was sent; reachable is ${range}`);
  const begun = beginOf(base.run);
  const since = logs
    .filter(({ epoch, modified }) => epoch === base.epoch && modified.getTime() >= begun.getTime() - SLACK_MS)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const covered = since.some(({ modified }) => modified >= at);
  if (!covered) {
    throw failed(
      `${show(at)} lies after the end of that server's log; reachable is ${range}, without this gap`,
    );
  }
  const gaps = logGaps(since.map(({ name }) => name));
  if (gaps.length > 0) {
    throw failed(`the log of ${what} has a gap, which no recovery can pass: ${gaps.join("; ")}`);
  }
  return { at, base, logs: since, covered };
}

/**
 * Files that are missing between others, by the numbers in their names: `binlog.000012`, `0000000100000002000000FE`. PostgreSQL would
 * stop at a gap; MariaDB would go on, and nobody would see what is missing.
 */
export function logGaps(names: readonly string[]): string[] {
  const files = names.filter(isLogFile).sort();
  return files.slice(1).flatMap((name, at) => {
    const former = files[at] ?? "";
    return numberOf(name) === numberOf(former) + 1 ? [] : [`after ${former} comes ${name}`];
  });
}

/** PostgreSQL sends histories and marks of copies with the same keys. */
export function isLogFile(name: string): boolean {
  return /^([\w-]+\.\d{6,}|[0-9A-F]{24})$/.test(name);
}

/** A segment of PostgreSQL counts 256 in its last part, and then one in the part before. */
function numberOf(name: string): number {
  const [, log] = /\.(\d+)$/.exec(name) ?? [];
  if (log !== undefined) return Number(log);
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);
}

/** What the bucket holds of a host. Throws "failed", "could not tell". */
export async function findPoint(reader: BackupReader, host: ServerName, at: Date): Promise<PointPlan> {
  if (at.getTime() > Date.now()) throw couldNotTell("--at lies in the future");
  const [copies, logs] = await Promise.all([physicalCopies(reader, host), logFiles(reader, host)]);
  return planPoint(at, copies, logs, host);
}

/** Files of a host's log. Of one name it is the first that was written. Throws "could not tell". */
export async function logFiles(reader: BackupReader, host: ServerName): Promise<LogFile[]> {
  const objects = await reader.list(`recovery/${host}/log/`);
  const first = new Map<string, LogFile>();
  for (const { key, parsed, modified } of objects.sort(byTime)) {
    if (parsed.kind !== "log") continue;
    const { epoch, name, sha256 } = parsed;
    const before = first.get(`${epoch}/${name}`);
    if (before) {
      const reason = `a second ${name} of that log; the first one (${before.key}) is what is read`;
      reader.notice({ key, kind: "overwritten", reason });
    } else first.set(`${epoch}/${name}`, { epoch, name, key, sha256, modified });
  }
  return [...first.values()];
}

const byTime = (a: StoredObject, b: StoredObject) => a.modified.getTime() - b.modified.getTime();

const manifest = z.object({
  finished: z.iso.datetime(),
  parts: listOf(z.object({ key: z.string(), sha256: z.string(), bytes: z.number() }), 100_000).refine(
    (parts) => parts.length > 0,
  ),
  verified: proof.optional(),
});

/** Of a host, by their manifests, which come last: what broke off has none. Throws "could not tell". */
export async function physicalCopies(reader: BackupReader, host: ServerName): Promise<PhysicalCopy[]> {
  const objects = await reader.list(`recovery/${host}/base/`);
  const marks = objects.filter(({ parsed }) => parsed.kind === "base");
  const copies = await Promise.all(
    marks.map(async (mark) => {
      const copy = copyOf(mark, await reader.text(mark.key));
      if (typeof copy !== "string") return copy;
      reader.notice({ key: mark.key, kind: "forged", reason: `${copy}; it is not believed` });
      return undefined;
    }),
  );
  return copies.filter((copy) => copy !== undefined);
}

/** A copy, or why its manifest is not believed. */
function copyOf({ parsed, modified }: StoredObject, text: string): PhysicalCopy | string {
  if (parsed.kind !== "base") return "it is no manifest of a physical copy";
  const { host, epoch, run } = parsed;
  let found: z.infer<typeof manifest>;
  try {
    found = parseJson(text, manifest, "it");
  } catch (error) {
    return messageOf(error).slice(0, 300);
  }
  const foreign = found.parts.find(({ key }, at) => {
    const part = parseKeyAs("base-part", key);
    return part?.host !== host || part.epoch !== epoch || part.run !== run || part.part !== at;
  });
  if (foreign)
    return `it names an object that is none of its own copy: ${JSON.stringify(foreign.key.slice(0, 200))}`;
  const { finished, parts, verified } = found;
  return timeFault(run, finished, modified) ?? { epoch, run, whole: new Date(finished), parts, verified };
}

/** File of the log that a key holds. */
export function logName(key: string): string {
  return (key.split("/").at(-1) ?? "").replace(/(\.[0-9a-f]{64})?\.zst\.age$/, "");
}
