import type { PostgresConnection, PostgresRow } from "../../../connect/postgres";
import { type Attempt, type ContextClaims, expected, type Row } from "../../../estate/row-security/evaluate";
import { isInternal } from "../../../estate/row-security/roles";
import { commandRules } from "../../../estate/row-security/rules";
import type { RowSecurityDeclaration } from "../../../estate/row-security/types";
import { DENIED, type Probe } from "./probes";

/** A table as the migrations make it, with its fixtures. */
export interface RealTable {
  name: string;
  columns: readonly string[];
  generated: readonly string[];
  key: readonly string[];
  rows: readonly Row[];
}

export async function readTables(
  admin: PostgresConnection,
  { schema, tables, exceptions }: RowSecurityDeclaration,
): Promise<RealTable[]> {
  const names = [...Object.keys(tables), ...Object.keys(exceptions)];
  const found = await admin.query<Omit<RealTable, "rows"> & PostgresRow>(
    `SELECT c.relname AS name,
            ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns,
            ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attgenerated <> '') AS generated,
            ARRAY(SELECT attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                  WHERE i.indrelid = c.oid AND indisprimary ORDER BY attnum) AS key
     FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY ($2) ORDER BY 1`,
    [schema, names],
  );
  const read: RealTable[] = [];
  for (const { name, columns, generated, key } of found) {
    const rows = await admin.query<{ row: Row }>(`SELECT to_jsonb(t) AS row FROM ${schema}.${name} t`);
    read.push({ name, columns, generated, key, rows: rows.map(({ row }) => row) });
  }
  return read;
}

/** Identities that a session of the service can take. */
export function taken(declaration: RowSecurityDeclaration): string[] {
  return Object.keys(declaration.identities).filter((identity) => !isInternal(declaration, identity));
}

/** Every command on every column, with statements that touch no row: privileges are asked all the same. */
export function privilegeProbes(
  declaration: RowSecurityDeclaration,
  { name, columns, generated }: RealTable,
  [context, claims]: readonly [string, ContextClaims | undefined],
): Probe[] {
  const table = `${declaration.schema}.${name}`;
  return taken(declaration).flatMap((identity) => {
    const granted = (command: Attempt["command"], ...of: string[]) =>
      expected(declaration, { table: name, identity, command, context: claims, row: {}, columns: of }) !==
      DENIED;
    const probe = (sql: string, may: boolean): Probe => ({
      identity,
      context,
      sql,
      answer: "count",
      expected: may ? "0" : DENIED,
    });
    const given = columns.filter((column) => !generated.includes(column));
    return [
      ...columns.map((column) =>
        probe(`SELECT "${column}" FROM ${table} WHERE false`, granted("select", column)),
      ),
      probe(`SELECT * FROM ${table} WHERE false`, granted("select", ...columns)),
      probe(`SELECT FROM ${table} WHERE false FOR UPDATE`, granted("select") && granted("update")),
      ...given.map((column) =>
        probe(`INSERT INTO ${table} ("${column}") SELECT NULL WHERE false`, granted("insert", column)),
      ),
      ...columns.map((column) =>
        probe(`UPDATE ${table} SET "${column}" = DEFAULT WHERE false`, granted("update", column)),
      ),
      probe(`DELETE FROM ${table} WHERE false`, granted("delete")),
      probe(`TRUNCATE ${table}`, false),
      probe(`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`, false),
    ];
  });
}

/** The rows that are there, by their keys, for each identity and context. */
export function rowProbes(
  declaration: RowSecurityDeclaration,
  table: RealTable,
  contexts: Readonly<Record<string, ContextClaims | undefined>>,
): Probe[] {
  const { name, key, rows } = table;
  const text = key.map((column) => `"${column}"::text`).join(" || '/' || ");
  const sql = `SELECT string_agg(${text}, ' ' ORDER BY ${text} COLLATE "C") FROM ${declaration.schema}.${name}`;
  return taken(declaration).flatMap((identity) =>
    Object.entries(contexts).map(([context, claims]) => {
      const outcomes = rows.map((row) => {
        const outcome = expected(declaration, {
          table: name,
          identity,
          command: "select",
          context: claims,
          row,
          columns: key,
        });
        return { outcome, row };
      });
      const rules = commandRules(declaration.tables[name]?.access[identity] ?? {});
      const reads = declaration.exceptions[name]
        ? declaration.exceptions[name].readers.includes(identity)
        : rules.some(({ command }) => command === "select");
      const seen = outcomes.filter(({ outcome }) => outcome === "allowed");
      return {
        identity,
        context,
        sql,
        answer: "rows",
        expected: reads
          ? keysOf(
              table,
              seen.map(({ row }) => row),
            )
          : DENIED,
      };
    }),
  );
}

export function keysOf({ key }: Pick<RealTable, "key">, rows: readonly Row[]): string {
  return rows
    .map((row) => key.map((column) => keyText(row[column])).join("/"))
    .sort()
    .join(" ");
}

/** As PostgreSQL casts it to text with UTC as its zone: JSON writes a time with a T. */
function keyText(value: Row[string] | undefined): string {
  const text = String(value);
  return /^\d{4}-\d\d-\d\dT/.test(text) ? text.replace("T", " ").replace("+00:00", "+00") : text;
}
