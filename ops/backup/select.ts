import { type SavedEntry, savedOf, unsavedReason } from "../../estate/saved";
import type { DatabaseEntry, RedisUserEntry } from "../../estate/types";
import { couldNotTell } from "../exit";
import { requireKnown } from "../reach/only";

/** The databases named (none: all), live or retired: what is backed up. Throws on names that are not in the catalogue. */
export function selectDatabases(
  databases: readonly DatabaseEntry[],
  names: readonly string[],
): DatabaseEntry[] {
  requireKnown(names, databases);
  return databases.filter(({ name }) => names.length === 0 || names.includes(name));
}

interface Declared {
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}

/** The same of databases and queues; of a cache it says why there is no backup. */
export function selectSaved(declared: Declared, names: readonly string[]): SavedEntry[] {
  const saved = savedOf(declared);
  const caches = names.flatMap((name) => unsavedReason(name, declared.redisUsers) ?? []);
  if (caches.length > 0) throw couldNotTell(caches.join("; "));
  requireKnown(names, saved, "no such database or queue");
  return saved.filter(({ name }) => names.length === 0 || names.includes(name));
}
