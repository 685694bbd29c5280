/** What was restored against what should have been. Pure; each fault is a line for the user. */

/** Rows by table; null: a table of the program's own, which is no part of a backup. */
export type CountedRows = Record<string, number | null>;

/** Rows of a table, as counted in the restored copy and as the manifest says. */
export function countFaults(counted: Readonly<CountedRows>, expected: Readonly<CountedRows>): string[] {
  const tables = [...new Set([...Object.keys(expected), ...Object.keys(counted)])].sort();
  return tables.flatMap((table) => {
    const [is, should] = [counted[table], expected[table]];
    if (is === should || is === null) return [];
    if (is === undefined) return [`table ${table} is missing`];
    if (should === undefined) return [`table ${table} is in no manifest`];
    return [`table ${table} has ${is} rows; the manifest says ${should}`];
  });
}

/**
 * What would be less guarded than before, or guarded otherwise: objects that both have, and policies and functions of tables
 * that both have. A table that only one side has is a matter of the schema's version.
 */
export function securityFaults(
  restored: Readonly<Record<string, string>>,
  live: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(live).flatMap(([object, was]) => {
    const is = restored[object];
    if (is === was) return [];
    if (is !== undefined) return [`${object}: ${is}; the live one: ${was}`];
    const table = /^policy .* of (.+)$/.exec(object)?.[1];
    return table !== undefined && restored[`table ${table}`] !== undefined ? [`${object} is missing`] : [];
  });
}
