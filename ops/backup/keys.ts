import { databaseServers, serversOf } from "../../estate/servers";
import type { ServerName } from "../../estate/types";

/**
 * Keys of the bucket. Whoever holds a host can give objects below its prefixes any name: here a name is taken apart, and what does not
 * have exactly one of these forms is nothing of the estate's.
 */
export type BackupKey =
  | { kind: "dump"; host: ServerName; database: string; run: string; part?: number }
  | { kind: "manifest"; host: ServerName; run: string }
  | { kind: "archive"; host: ServerName; database: string; run: string; sha256: string; part?: number }
  | { kind: "archive-index"; host: ServerName; database: string; month: string; sha256: string }
  | { kind: "base"; host: ServerName; epoch: string; run: string }
  | { kind: "base-part"; host: ServerName; epoch: string; run: string; part: number }
  | { kind: "log"; host: ServerName; epoch: string; name: string; sha256: string }
  | { kind: "log-status"; host: ServerName; run: string };

/** Runs of before the random part are read until their retention ends. */
const RUN = String.raw`\d{8}T\d{6}Z(?:-[0-9a-f]{8})?`;
/** Of the catalogue, whose rule for names leaves no letter that means something here. */
const HOST = databaseServers().join("|");
const QUEUES = serversOf("redis").join("|");
/** Copies of queues are kept for other times than dumps. */
const KEPT = `(?:daily/(?!(?:${QUEUES})/)|queue/(?=(?:${QUEUES})/))(?<host>${HOST}|${QUEUES})`;
const DATABASE = "_accounts|[a-z][a-z0-9_]{1,47}";
/** Of MariaDB when its first log was seen, of PostgreSQL the cluster's identifier. */
const EPOCH = String.raw`\d{8}T\d{6}Z|\d{10,20}`;
const SUM = "[0-9a-f]{64}";
/** A binary log; a segment of PostgreSQL, also the last of a timeline; a copy's mark; a timeline's history. */
const LOG = String.raw`[A-Za-z][\w-]{0,63}\.\d{6,10}|[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history`;

const form = (text: string) => new RegExp(`^${text}$`);
const PARTS = String.raw`\.zst\.age(?:\.(?<part>\d{5}))?`;
const FORMS: Record<BackupKey["kind"], RegExp> = {
  dump: form(String.raw`${KEPT}/(?<database>${DATABASE})/(?<run>${RUN})\.(?:sql|pgdump|rdb)${PARTS}`),
  manifest: form(String.raw`${KEPT}/manifests/(?<run>${RUN})\.json`),
  archive: form(
    String.raw`archive/(?<host>${HOST})/(?<database>${DATABASE})/(?<run>${RUN})\.(?<sha256>${SUM})\.(?:sql|pgdump)${PARTS}`,
  ),
  "archive-index": form(
    String.raw`archive-index/(?<host>${HOST})/(?<database>${DATABASE})/(?<month>\d{6})\.(?<sha256>${SUM})\.json`,
  ),
  base: form(String.raw`recovery/(?<host>${HOST})/base/(?<epoch>${EPOCH})/(?<run>${RUN})\.json`),
  "base-part": form(
    String.raw`recovery/(?<host>${HOST})/base/(?<epoch>${EPOCH})/(?<run>${RUN})\.(?:mbstream|tar)\.zst\.age\.(?<part>\d{5})`,
  ),
  log: form(
    String.raw`recovery/(?<host>${HOST})/log/(?<epoch>${EPOCH})/(?<name>${LOG})\.(?<sha256>${SUM})\.zst\.age`,
  ),
  "log-status": form(String.raw`status/(?<host>${HOST})/log/(?<run>${RUN})\.json`),
};

/** undefined: it is no key that an agent writes. */
export function parseKey(key: string): BackupKey | undefined {
  for (const [kind, pattern] of Object.entries(FORMS)) {
    const groups = pattern.exec(key)?.groups;
    if (!groups) continue;
    const { part, ...rest } = groups;
    return { kind, ...rest, ...(part !== undefined && { part: Number(part) }) } as BackupKey;
  }
  return undefined;
}

/** The same, of the kind that is expected there. */
export function parseKeyAs<K extends BackupKey["kind"]>(kind: K, key: string) {
  const parsed = parseKey(key);
  return parsed?.kind === kind ? (parsed as Extract<BackupKey, { kind: K }>) : undefined;
}

export function isRunId(text: string): boolean {
  return form(RUN).test(text);
}

/** When a run began, by its name. */
export function beginOf(run: string): Date {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** Keys of what an object is made of: itself, or its parts in order. */
export function partKeys({ key, parts = 1 }: { key: string; parts?: number | undefined }): string[] {
  if (parts === 1) return [key];
  return Array.from({ length: parts }, (_, n) => `${key}.${String(n).padStart(5, "0")}`);
}
