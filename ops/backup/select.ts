import type { DatabaseEntry } from "../../estate/types";
import { couldNotTell } from "../exit";
import { nearest } from "../reach/only";

/** The databases named (none: all), live or retired: what is backed up. Throws on names that are not in the catalogue. */
export function selectDatabases(
  databases: readonly DatabaseEntry[],
  names: readonly string[],
): DatabaseEntry[] {
  const known = databases.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const faults = unknown.map((name) => `${name} (did you mean ${nearest(name, known)}?)`);
    throw couldNotTell(`no such database: ${faults.join(", ")}. See: estate list`);
  }
  return databases.filter(({ name }) => names.length === 0 || names.includes(name));
}
