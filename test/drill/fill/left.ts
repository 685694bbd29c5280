import type { DatabaseEntry } from "../../../estate/types";
import { rowsOf } from "../hosts";
import { onEach, type Servers } from "../servers";
import type { Snapshot } from "../snapshot/types";
import { beatQuery } from "./beats";

/** Databases that still hold what a drill brought which was cut short: its tables, or its beats. */
export async function leftovers(
  servers: Servers,
  entries: readonly DatabaseEntry[],
  before: Snapshot,
): Promise<string[]> {
  const tables = [...before.keys()].filter((table) => /\.drill_\w+$/.test(table));
  const programs = entries.filter(({ schema }) => schema.owner === "program");
  const beats = rowsOf(await onEach(servers, programs, (entry) => beatQuery(entry)));
  const names = [...tables.map((table) => table.split(".")), ...beats].map(([database = ""]) => database);
  return [...new Set(names)].sort();
}
