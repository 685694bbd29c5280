import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import type { RowSecurityInputs } from "./inputs";

type Declared = Pick<RowSecurityInputs, "schema" | "tables">;

interface Column extends Record<string, unknown> {
  schema: string;
  relation: string;
  /** Of an index: the number of its expression. */
  column: string;
  isIndex: boolean;
  relationId: string;
  number: number;
}

/**
 * Columns whose values EXPLAIN would tell. The planner estimates by what ANALYZE kept of the rows of all tenants: values that repeat,
 * and bounds between which as many others lie; whoever compares with one value after the other reads them off the estimates. So
 * nothing is kept of text, addresses and bytes, nor of a column that is a key by itself, where the planner needs nothing: an equal value
 * is one row. Others (numbers, times, references) it needs. Of partitions and of expressions in indexes, too.
 */
async function readColumns(connection: PostgresConnection, declared: Declared): Promise<Column[]> {
  const forced = Object.keys(declared.tables).filter((table) => declared.tables[table] === "forced");
  return connection.query<Column>(COLUMNS, [declared.schema, forced]);
}

const COLUMNS = `
WITH RECURSIVE t AS (
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p')
  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN t ON t.oid = i.inhparent
), relations AS (
  SELECT oid, false AS is_index FROM t
  UNION ALL SELECT i.indexrelid, true FROM pg_catalog.pg_index i JOIN t ON t.oid = i.indrelid WHERE i.indexprs IS NOT NULL
)
SELECT n.nspname AS schema, c.relname AS relation, r.is_index AS "isIndex", r.oid::text AS "relationId",
       CASE WHEN r.is_index THEN a.attnum::text ELSE a.attname::text END AS column, a.attnum AS number
FROM relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = r.oid
WHERE (x.indexrelid IS NULL OR x.indkey[a.attnum - 1] = 0)
  AND (y.typcategory IN ('S', 'I') OR a.atttypid = 'bytea'::regtype
    OR EXISTS (SELECT FROM pg_catalog.pg_index k WHERE k.indrelid = r.oid AND k.indisunique AND k.indisvalid
      AND k.indpred IS NULL AND k.indnkeyatts = 1 AND k.indkey[0] = a.attnum))
  AND (coalesce(a.attstattarget, -1) <> 0
    OR EXISTS (SELECT FROM pg_catalog.pg_statistic s WHERE s.starelid = r.oid AND s.staattnum = a.attnum))
ORDER BY 1, 2, a.attnum`;

/** `public.users.email`: of which something is kept, or would be by the next ANALYZE. */
export async function readStatistics(connection: PostgresConnection, declared: Declared): Promise<string[]> {
  const columns = await readColumns(connection, declared);
  return columns.map(({ schema, relation, column }) => `${schema}.${relation}.${column}`);
}

/** ANALYZE leaves what was kept before; only a superuser takes it away. */
export async function forgetStatistics(connection: PostgresConnection, declared: Declared): Promise<void> {
  for (const each of await readColumns(connection, declared)) {
    const { schema, relation, column, isIndex, relationId, number } = each;
    const [kind, name] = isIndex ? ["INDEX", column] : ["TABLE", id(column)];
    await connection.query(
      `ALTER ${kind} ${id(schema)}.${id(relation)} ALTER COLUMN ${name} SET STATISTICS 0`,
    );
    await connection.query(
      "DELETE FROM pg_catalog.pg_statistic WHERE starelid = $1::text::oid AND staattnum = $2",
      [relationId, number],
    );
  }
}
