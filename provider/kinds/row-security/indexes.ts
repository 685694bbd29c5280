import { createHash } from "node:crypto";
import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import type { RowSecurityInputs } from "./inputs";

type Declared = Pick<RowSecurityInputs, "schema" | "indexes">;

interface IndexRow extends Record<string, unknown> {
  table: string;
  /** First column; null: an expression. */
  leads: string | null;
  name: string;
  valid: boolean;
  serves: boolean;
}

/** A B-tree or hash index over all rows serves a policy that compares its first column. */
async function readIndexes(
  connection: PostgresConnection,
  { schema, indexes }: Declared,
): Promise<IndexRow[]> {
  return connection.query<IndexRow>(
    `SELECT t.relname AS table, a.attname AS leads, c.relname AS name, i.indisvalid AS valid,
            i.indisvalid AND i.indpred IS NULL AND m.amname IN ('btree', 'hash') AS serves
     FROM pg_catalog.pg_index i
     JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     JOIN pg_catalog.pg_am m ON m.oid = c.relam
     JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
     WHERE n.nspname = $1 AND t.relname = ANY ($2) ORDER BY 1, 3`,
    [schema, Object.keys(indexes)],
  );
}

const columnsOf = (entry: string) => entry.split(" | ");

/** The declared entries that an index serves. */
export async function indexesAsDeclared(
  connection: PostgresConnection,
  declared: Declared,
): Promise<Record<string, string[]>> {
  const rows = await readIndexes(connection, declared);
  return Object.fromEntries(
    Object.entries(declared.indexes).map(([table, entries]) => [
      table,
      entries.filter((entry) => served(rows, table, entry)),
    ]),
  );
}

function served(rows: readonly IndexRow[], table: string, entry: string): boolean {
  return rows.some((row) => row.table === table && row.serves && columnsOf(entry).includes(row.leads ?? ""));
}

/**
 * Creates what is missing while the tables are read and written: outside of a transaction, and after row security stands, for
 * a slow query is better than an open one. What an interrupted run left invalid is dropped first.
 */
export async function createIndexes(connection: PostgresConnection, declared: Declared): Promise<void> {
  const rows = await readIndexes(connection, declared);
  for (const [table, entries] of Object.entries(declared.indexes)) {
    for (const entry of entries.filter((each) => !served(rows, table, each))) {
      const columns = columnsOf(entry);
      await createIndex(connection, declared.schema, table, columns);
    }
  }
}

async function createIndex(
  connection: PostgresConnection,
  schema: string,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const name = indexName(table, columns);
  const list = columns.map(id).join(", ");
  const partitions = await partitionsOf(connection, schema, table);
  if (partitions === undefined) {
    await dropInvalid(connection, schema, name);
    await connection.query(
      `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${id(name)} ON ${id(schema)}.${id(table)} (${list})`,
    );
    return;
  }
  // On a partitioned table: an index of its own alone, invalid until each partition has attached one.
  await connection.query(
    `CREATE INDEX IF NOT EXISTS ${id(name)} ON ONLY ${id(schema)}.${id(table)} (${list})`,
  );
  for (const partition of partitions) {
    const part = indexName(partition.name, columns);
    if (partition.nested) await createIndex(connection, partition.schema, partition.name, columns);
    else {
      await dropInvalid(connection, partition.schema, part);
      await connection.query(
        `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${id(part)} ON ${id(partition.schema)}.${id(partition.name)} (${list})`,
      );
    }
    await connection.query(
      `ALTER INDEX ${id(schema)}.${id(name)} ATTACH PARTITION ${id(partition.schema)}.${id(part)}`,
    );
  }
}

interface Partition extends Record<string, unknown> {
  schema: string;
  name: string;
  nested: boolean;
}

/** undefined: not a partitioned table. */
async function partitionsOf(
  connection: PostgresConnection,
  schema: string,
  table: string,
): Promise<Partition[] | undefined> {
  const [row] = await connection.query<{ oid: string; partitioned: boolean }>(
    `SELECT c.oid::text, c.relkind = 'p' AS partitioned FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, table],
  );
  if (!row?.partitioned) return undefined;
  return connection.query<Partition>(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS nested
     FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.inhparent = $1::oid ORDER BY 1, 2`,
    [row.oid],
  );
}

async function dropInvalid(connection: PostgresConnection, schema: string, name: string): Promise<void> {
  const rows = await connection.query(
    `SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND NOT i.indisvalid`,
    [schema, name],
  );
  if (rows.length > 0) await connection.query(`DROP INDEX CONCURRENTLY ${id(schema)}.${id(name)}`);
}

const LONGEST_NAME = 63;

/** `users_team_id_policy`; a name that would be cut off ends with a digest of the whole. */
function indexName(table: string, columns: readonly string[]): string {
  const name = `${table}_${columns.join("_")}_policy`;
  if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${name.slice(0, LONGEST_NAME - 9)}_${digest}`;
}
