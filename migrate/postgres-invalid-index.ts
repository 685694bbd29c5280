import type { PostgresConnection } from "../connect/postgres";
import type { Token } from "../estate/migrations/token";
import { quoteIdentifier } from "../text/postgres";

/**
 * CREATE INDEX CONCURRENTLY that was interrupted leaves an index which every write maintains and no query uses, and
 * IF NOT EXISTS would take it for the one that is wanted: it is dropped before the statement runs again.
 */
export async function dropInvalidIndex(
  connection: PostgresConnection,
  tokens: readonly Token[],
): Promise<void> {
  const name = indexBuiltConcurrently(tokens);
  if (name === undefined) return;
  const [index] = await connection.query<{ schema: string; name: string }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name
       FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = $1 AND n.nspname = 'public' AND NOT i.indisvalid AND c.relkind = 'i'`,
    [name],
  );
  if (!index) return;
  const quoted = [index.schema, index.name].map(quoteIdentifier).join(".");
  await connection.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoted}`);
}

/** As the server would fold it. */
export function indexBuiltConcurrently(tokens: readonly Token[]): string | undefined {
  const words = tokens.map(({ kind, text }) => (kind === "word" ? text.toUpperCase() : text));
  const head = /^CREATE (UNIQUE )?INDEX CONCURRENTLY (IF NOT EXISTS )?/.exec(words.slice(0, 8).join(" "));
  if (!head) return undefined;
  const token = tokens[head[0].trim().split(" ").length];
  if (token?.kind === "name") return token.text.slice(1, -1).replaceAll('""', '"');
  return token?.kind === "word" && token.text.toUpperCase() !== "ON" ? token.text.toLowerCase() : undefined;
}
