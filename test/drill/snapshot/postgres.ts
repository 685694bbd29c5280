import { rowsOf, type Sql } from "../hosts";
import type { Snapshot } from "./types";

/**
 * Every table of the databases: its rows, and the sum of their hashes. Not the keys that contexts are signed with: those are the
 * running services', and never come out of a backup.
 */
export async function postgresSnapshot(sql: Sql, databases: readonly string[]): Promise<Snapshot> {
  const text = databases.map((database) => `\\connect ${database}\n${SUMS}`).join("\n");
  return new Map(
    rowsOf(await sql(text)).map(([table = "", rows, sum = ""]) => [table, { rows: Number(rows), sum }]),
  );
}

const SUMS = `SET TimeZone = 'UTC';
SELECT format('SELECT %L, count(*), coalesce(sum((''x'' || left(encode(sha256(convert_to(the_row::text, ''UTF8'')), ''hex''), 15))'
    '::bit(60)::bigint::numeric), 0) FROM ONLY %I.%I AS the_row',
    format('%s.%s.%s', current_database(), n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$)'
    AND (n.nspname, c.relname) <> ('context', 'keys') \\gexec
`;
