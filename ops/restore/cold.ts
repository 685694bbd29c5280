import { setTimeout as sleep } from "node:timers/promises";
import type { BackupReader } from "../backup/bucket";
import { partKeys } from "../backup/keys";
import type { Backup } from "../backup/manifest";
import { couldNotTell } from "../exit";
import { size } from "../render/backup";

/** The cold tier: what it costs, how long it takes, and the waiting. */

/** Of S3 Glacier Deep Archive, standard retrieval: list price in us-east-1. */
const USD_PER_GB = 0.02;
const HOURS = 12;
/** For so long it then can be read, which is paid for as warm storage. */
const WARM_DAYS = 7;
const POLL_MS = 60_000;

interface Options {
  /** The user knows what it costs. */
  yes: boolean;
  signal: AbortSignal;
  report(line: string): void;
  /** Between two looks. */
  pollMs?: number;
}

/**
 * Has archived dumps fetched from the cold tier where they lie there, and waits until they can be read. A fetch goes on without us: an
 * interrupted one is found again. Throws "could not tell" where it costs something and nobody has agreed to that.
 */
export async function fetchAll(
  reader: BackupReader,
  backups: readonly Backup[],
  { yes, signal, report, pollMs = POLL_MS }: Options,
): Promise<void> {
  const keys = backups.flatMap(partKeys);
  const look = async (which: readonly string[]) =>
    Promise.all(which.map(async (key) => ({ key, warmth: await reader.warmth(key) })));
  const found = await look(keys);
  const cold = found.filter(({ warmth }) => warmth === "cold").map(({ key }) => key);
  if (cold.length > 0) {
    const sizes = await Promise.all(cold.map(async (key) => (await reader.first(key))?.bytes ?? 0));
    const bytes = sizes.reduce((sum, each) => sum + each, 0);
    const price = ((bytes / 1e9) * USD_PER_GB).toFixed(2);
    const terms =
      `${cold.length} objects (${size(bytes)}) lie in the cold tier: up to ${HOURS} hours, about USD ${price} ` +
      `(at ${USD_PER_GB} per GB, AWS's list price in us-east-1), then they stay readable for ${WARM_DAYS} days`;
    if (!yes) throw couldNotTell(`${terms}. To have them fetched: --yes`);
    report(terms);
    for (const key of cold) await reader.fetchFromCold(key, WARM_DAYS);
  }
  const begun = Date.now();
  let waiting = found.filter(({ warmth }) => warmth !== "warm").map(({ key }) => key);
  while (waiting.length > 0) {
    signal.throwIfAborted();
    waiting = (await look(waiting)).filter(({ warmth }) => warmth !== "warm").map(({ key }) => key);
    if (waiting.length === 0) break;
    const minutes = Math.floor((Date.now() - begun) / 60_000);
    report(
      `${keys.length - waiting.length}/${keys.length} objects are back from the cold tier after ${minutes} minutes; waiting`,
    );
    await sleep(pollMs, undefined, { signal });
  }
}
