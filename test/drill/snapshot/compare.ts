import type { Snapshot } from "./types";

/** What differs, a line a table; none: the same tables with the same rows. */
export function snapshotFaults(now: Snapshot, remembered: Snapshot): string[] {
  const tables = [...new Set([...remembered.keys(), ...now.keys()])].sort();
  return tables.flatMap((table) => {
    const [is, was] = [now.get(table), remembered.get(table)];
    if (!is) return [`${table} is missing`];
    if (!was) return [`${table} was not there before`];
    if (is.rows !== was.rows) return [`${table} has ${is.rows} rows; it had ${was.rows}`];
    return is.sum === was.sum ? [] : [`${table} has ${is.rows} rows, but not the same`];
  });
}

/** Only the tables of these databases. */
export function ofDatabases(snapshot: Snapshot, databases: readonly string[]): Snapshot {
  const wanted = new Set(databases);
  return new Map([...snapshot].filter(([table]) => wanted.has(table.split(".")[0] ?? "")));
}

export function rowsIn(snapshot: Snapshot): number {
  return [...snapshot.values()].reduce((sum, { rows }) => sum + rows, 0);
}
