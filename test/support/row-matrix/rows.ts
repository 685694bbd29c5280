import type { PostgresConnection, PostgresRow } from "../../../connect/postgres";
import type { CellValue, ContextClaims, Row } from "../../../estate/row-security/evaluate";
import { alternatives, commandRules } from "../../../estate/row-security/rules";
import type { ColumnCondition, RowSecurityDeclaration } from "../../../estate/row-security/types";
import { rowId } from "../fixtures";

/** Two tenants and two users, each of which may be the context's or not. */
export const TENANTS = [rowId("aaa1"), rowId("aaa2")] as const;
export const SUBJECTS = [rowId("bbb1"), rowId("bbb2")] as const;

/** What a valid context may say: of each tenant, of one claim alone, of none. */
export const CLAIMS: Readonly<Record<string, ContextClaims>> = {
  first: { tenant: TENANTS[0], subject: SUBJECTS[0] },
  second: { tenant: TENANTS[1], subject: SUBJECTS[1] },
  "tenant alone": { tenant: TENANTS[0] },
  "subject alone": { subject: SUBJECTS[0] },
  "no claim": {},
};

export interface ColumnType {
  type: string;
  nullable: boolean;
  /** Of an enum. */
  labels: readonly string[];
}

/** By table and column. */
export type Columns = ReadonlyMap<string, ReadonlyMap<string, ColumnType>>;

export async function readColumns(connection: PostgresConnection, schema: string): Promise<Columns> {
  const rows = await connection.query<ColumnType & { table: string; column: string } & PostgresRow>(
    `SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type,
            NOT a.attnotnull AS nullable,
            ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = a.atttypid ORDER BY enumsortorder) AS labels
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY 1, a.attnum`,
    [schema],
  );
  const found = new Map<string, Map<string, ColumnType>>();
  for (const { table, column, type, nullable, labels } of rows) {
    const of = found.get(table) ?? new Map<string, ColumnType>();
    found.set(table, of.set(column, { type, nullable, labels }));
  }
  return found;
}

/** Values of every column that decides, by table: each that a rule names, and one beside it. */
export type Domain = ReadonlyMap<string, readonly CellValue[]>;

export function domainOf(declaration: RowSecurityDeclaration, table: string, columns: Columns): Domain {
  const { access, tenantColumn } = declaration.tables[table] ?? { access: {} };
  const conditions: [string, ColumnCondition][] = [
    ...(tenantColumn === undefined ? [] : [[tenantColumn, "tenant"] as [string, ColumnCondition]]),
    ...Object.values(access)
      .flatMap(commandRules)
      .flatMap(({ rows, becomes }) => [rows, becomes])
      .flatMap((rule) => alternatives(rule) ?? [])
      .flatMap((option) => Object.entries(option)),
  ];
  const domain = new Map<string, Set<CellValue>>();
  for (const [column, condition] of conditions) {
    const type = columns.get(table)?.get(column);
    if (!type) throw new Error(`${declaration.database}.${table} has no column ${column}`);
    const values = domain.get(column) ?? new Set();
    for (const value of valuesFor(condition, type)) values.add(value);
    if (type.nullable) values.add(null);
    domain.set(column, values);
  }
  return new Map([...domain].map(([column, values]) => [column, [...values]]));
}

function valuesFor(condition: ColumnCondition, { type, labels }: ColumnType): CellValue[] {
  if (condition === "tenant") return [...TENANTS];
  if (condition === "subject") return [...SUBJECTS];
  if ("isNull" in condition) return type === "uuid" ? [null] : [null, sample(type)];
  const { is } = condition;
  if (typeof is === "boolean") return [true, false];
  if (typeof is === "number") return [is, is + 1];
  return [is, labels.find((label) => label !== is) ?? `not ${is}`];
}

function sample(type: string): CellValue {
  if (type.startsWith("timestamp")) return "2026-01-01T00:00:00Z";
  throw new Error(`no sample of a ${type}: a rule asks whether one is NULL`);
}

export interface MarkedRow {
  /** Its number in column `probe`. */
  probe: number;
  values: Row;
}

/** A row for each combination of the domain: every relation that a row can have to a context. */
export function rowsOf(domain: Domain): MarkedRow[] {
  let found: Row[] = [{}];
  for (const [column, values] of domain) {
    found = found.flatMap((row) => values.map((value) => ({ ...row, [column]: value })));
  }
  return found.map((values, index) => ({ probe: index + 1, values }));
}

export function literal(value: CellValue): string {
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}
