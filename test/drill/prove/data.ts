import type { DatabaseEntry } from "../../../estate/types";
import { rowsOf } from "../hosts";
import { byServer, type Servers } from "../servers";
import { identifier, quoted } from "../snapshot/mariadb";

/**
 * Sequences that would give a number twice, rows without their parents, indexes and foreign keys that the server does not vouch for.
 * In words, each with its database; none: all is sound.
 */
export async function dataFaults(servers: Servers, entries: readonly DatabaseEntry[]): Promise<string[]> {
  const parts = await Promise.all(
    byServer(entries).map(async ([server, own]) => {
      const names = own.map(({ name }) => name);
      const sql = servers(server);
      if (own[0]?.engine === "postgres") {
        return sql(names.map((name) => `\\connect ${name}\n${POSTGRES}`).join("\n"));
      }
      // Two steps: which queries there are is in the catalogue of the server.
      const statements = await sql(mariadbChecks(names));
      return statements === "" ? "" : sql(statements);
    }),
  );
  return parts.flatMap((part) => rowsOf(part).map(([database, fault]) => `${database}: ${fault}`));
}

const POSTGRES = `
SELECT current_database(), format('sequence %s is behind the rows of %s.%s', s.oid::regclass, d.refobjid::regclass, a.attname)
  FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0 AND NOT q.seqcycle
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid JOIN pg_type t ON t.oid = a.atttypid
  WHERE s.relkind = 'S' AND CASE WHEN coalesce(nullif(t.typbasetype, 0), t.oid) IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    THEN (xpath('/row/behind/text()', query_to_xml(
    format('SELECT coalesce(max(%I), 0) > (SELECT last_value FROM %s) AS behind FROM %s',
      a.attname, s.oid::regclass, d.refobjid::regclass), false, true, '')))[1]::text = 'true' ELSE false END ORDER BY 2;
SELECT current_database(), format('foreign key %s of %s is not valid', conname, conrelid::regclass)
  FROM pg_constraint WHERE contype = 'f' AND NOT convalidated ORDER BY 2;
SELECT current_database(), format('index %s is not valid', indexrelid::regclass) FROM pg_index WHERE NOT indisvalid ORDER BY 2;
`;

const SAME = `CONCAT('c.', ${identifier("column_name")}, ' = p.', ${identifier("referenced_column_name")})`;

/** Statements that print a line for each fault. */
function mariadbChecks(names: readonly string[]): string {
  return `SET SESSION group_concat_max_len = 1000000;
SELECT CONCAT('SELECT ', QUOTE(table_schema), ', CONCAT(', QUOTE(CONCAT('foreign key ', constraint_name, ' of ', table_name, ': ')),
    ', COUNT(*), '' rows without a parent'') FROM ', ${identifier("table_schema")}, '.', ${identifier("table_name")}, ' c LEFT JOIN ',
    ${identifier("referenced_table_schema")}, '.', ${identifier("referenced_table_name")}, ' p ON ',
    GROUP_CONCAT(${SAME} SEPARATOR ' AND '), ' WHERE ',
    GROUP_CONCAT(CONCAT('c.', ${identifier("column_name")}, ' IS NOT NULL') SEPARATOR ' AND '),
    ' AND p.', ${identifier("MAX(referenced_column_name)")}, ' IS NULL HAVING COUNT(*) > 0;')
  FROM information_schema.key_column_usage WHERE table_schema IN (${quoted(names)}) AND referenced_table_name IS NOT NULL
  GROUP BY table_schema, constraint_name, table_name, referenced_table_schema, referenced_table_name;
SELECT CONCAT('SELECT ', QUOTE(t.table_schema), ', ', QUOTE(CONCAT('the next number of ', t.table_name, ' is behind its rows')),
    ' FROM ', ${identifier("t.table_schema")}, '.', ${identifier("t.table_name")},
    ' HAVING MAX(', ${identifier("c.column_name")}, ') >= ', t.auto_increment, ';')
  FROM information_schema.tables t JOIN information_schema.columns c
    ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.extra LIKE '%auto_increment%'
  WHERE t.table_schema IN (${quoted(names)}) AND t.auto_increment IS NOT NULL;
`;
}
