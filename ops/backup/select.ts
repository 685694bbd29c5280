import type { DatabaseEntry } from "../../estate/types";
import { requireKnown } from "../reach/only";

/** The databases named (none: all), live or retired: what is backed up. Throws on names that are not in the catalogue. */
export function selectDatabases(
  databases: readonly DatabaseEntry[],
  names: readonly string[],
): DatabaseEntry[] {
  requireKnown(names, databases);
  return databases.filter(({ name }) => names.length === 0 || names.includes(name));
}
