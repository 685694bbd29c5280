import * as z from "zod";
import type { BackupReader } from "../backup/bucket";
import { couldNotTell, failed } from "../exit";

/** What a recovery to a point in time is made of. */
export interface PointPlan {
  at: Date;
  base: PhysicalCopy;
  /** Keys of the log's files since, in order. */
  logs: string[];
  /** The log goes on until `at`, or beyond. */
  covered: boolean;
}

/** One stream in parts, each with what it has to be. */
export interface PhysicalCopy {
  /** `recovery/HOST/base/EPOCH/RUN` */
  name: string;
  /** When it was whole. */
  whole: Date;
  parts: { key: string; sha256: string; bytes: number }[];
}

interface Listed {
  key: string;
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
  logs: readonly Listed[],
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
  const epoch = epochOf(base.name);
  const begun = beginOf(base.name);
  const since = logs
    .filter(({ key, modified }) => epochOf(key) === epoch && modified.getTime() >= begun.getTime() - SLACK_MS)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const covered = since.some(({ modified }) => modified >= at);
  if (!covered) {
    throw failed(
      `${show(at)} lies after the end of that server's log; reachable is ${range}, without this gap`,
    );
  }
  const gaps = logGaps(since.map(({ key }) => logName(key)));
  if (gaps.length > 0) {
    throw failed(`the log of ${what} has a gap, which no recovery can pass: ${gaps.join("; ")}`);
  }
  return { at, base, logs: since.map(({ key }) => key), covered };
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
export async function findPoint(reader: BackupReader, host: string, at: Date): Promise<PointPlan> {
  if (at.getTime() > Date.now()) throw couldNotTell("--at lies in the future");
  const [listed, logs] = await Promise.all([
    reader.list(`recovery/${host}/base/`),
    reader.list(`recovery/${host}/log/`),
  ]);
  const marks = listed.filter(({ key }) => key.endsWith(".json"));
  const copies = await Promise.all(marks.map(async ({ key }) => copyOf(key, await reader.text(key))));
  return planPoint(at, copies, logs, host);
}

const manifest = z.object({
  finished: z.iso.datetime(),
  parts: z.array(z.object({ key: z.string(), sha256: z.string(), bytes: z.number() })).min(1),
});

/** A copy by its manifest, which comes last: what broke off has none. */
function copyOf(key: string, text: string): PhysicalCopy {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw couldNotTell(`the bucket's ${key} is no JSON`);
  }
  const parsed = manifest.safeParse(raw);
  if (!parsed.success) throw couldNotTell(`the bucket's ${key} has another shape`);
  const { finished, parts } = parsed.data;
  return { name: key.replace(/\.json$/, ""), whole: new Date(finished), parts };
}

/** `recovery/HOST/base/EPOCH/...` */
function epochOf(key: string): string {
  return key.split("/")[3] ?? "";
}

/** From the name of a copy, `.../20260131T033000Z`. */
function beginOf(key: string): Date {
  const [, y, mo, d, h, mi, s] = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(key) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** File of the log that a key holds. */
export function logName(key: string): string {
  return (key.split("/").at(-1) ?? "").replace(/\.zst\.age$/, "");
}

function show(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
