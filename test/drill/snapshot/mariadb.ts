import { rowsOf, type Sql } from "../hosts";
import type { Snapshot } from "./types";

/** Every table of the databases: its rows, former ones of system versioning too, and the sum of their hashes. Columns are hashed as bytes, so nothing is rounded. */
export async function mariadbSnapshot(sql: Sql, databases: readonly string[]): Promise<Snapshot> {
  const statements = await sql(`SET SESSION group_concat_max_len = 1000000;
SELECT CONCAT('SELECT ', QUOTE(CONCAT(t.table_schema, '.', t.table_name)),
    ', COUNT(*), IFNULL(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS('','', ',
    GROUP_CONCAT(CONCAT('IFNULL(HEX(CAST(', ${identifier("c.column_name")}, ' AS BINARY)), ''-'')') ORDER BY c.ordinal_position),
    '), 256), 15), 16, 10) AS DECIMAL(30))), 0) FROM ', ${identifier("t.table_schema")}, '.', ${identifier("t.table_name")},
    IF(t.table_type = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL', ''), ';')
  FROM information_schema.tables t
  JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
  WHERE t.table_schema IN (${quoted(databases)}) AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  GROUP BY t.table_schema, t.table_name;`);
  const lines = rowsOf(await sql(statements));
  return new Map(lines.map(([table = "", rows, sum = ""]) => [table, { rows: Number(rows), sum }]));
}

/** The value of a column of names, as a statement names it. */
export const identifier = (column: string): string => `CONCAT('\`', REPLACE(${column}, '\`', '\`\`'), '\`')`;

/** Names of the catalogue: letters, digits and underscores. */
export const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");
