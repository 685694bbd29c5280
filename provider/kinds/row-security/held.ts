import type { PostgresConnection, PostgresRow } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import { CONTEXT_SCHEMA, type RowSecurityInputs } from "./inputs";

export interface HeldTable {
  schema: string;
  table: string;
}

const TRIGGERS = { context_hold: ["BEFORE", "hold()"], context_kept: ["AFTER", "kept()"] } as const;

/**
 * The triggers that hold the context while a table is written, as pg_get_triggerdef prints them but for the quotes of the table.
 * Not for superusers, whom nothing binds.
 * A table that nobody is granted a write of has none, for the audit log is written once for every row of others.
 */
export function heldTriggers({ schema, table }: HeldTable): string[] {
  return Object.entries(TRIGGERS).map(
    ([name, [when, call]]) =>
      `CREATE TRIGGER ${name} ${when} INSERT OR DELETE OR UPDATE OR TRUNCATE ON ${id(schema)}.${id(table)} FOR EACH STATEMENT ` +
      `WHEN ((current_setting('is_superuser'::text) = 'off'::text)) EXECUTE FUNCTION ${CONTEXT_SCHEMA}.${call}`,
  );
}

/** Whether anybody is granted a write of it: beside owners and superusers, nobody else can. */
export function isWritten(
  { schema, grants }: Pick<RowSecurityInputs, "schema" | "grants">,
  table: string,
): boolean {
  const object = ` on table ${schema}.${table}`;
  return Object.entries(grants).some(
    ([key, privileges]) =>
      key.endsWith(object) && privileges.some((each) => /^(INSERT|UPDATE|DELETE|TRUNCATE)/.test(each)),
  );
}

/** Makes them anew. `others`: names of triggers that are to go. */
export function heldStatements(on: HeldTable, others: readonly string[], written: boolean): string[] {
  const names = new Set([...Object.keys(TRIGGERS), ...others]);
  const dropped = [...names].map((name) => dropTrigger({ ...on, name }));
  return [...dropped, ...(written ? heldTriggers(on) : [])];
}

export interface HeldTrigger {
  schema: string;
  table: string;
  name: string;
}

export function dropTrigger({ schema, table, name }: HeldTrigger): string {
  return `DROP TRIGGER IF EXISTS ${id(name)} ON ${id(schema)}.${id(table)}`;
}

/** Every trigger of the database that calls a function of schema `context`. */
export async function readHeldTriggers(connection: PostgresConnection): Promise<HeldTrigger[]> {
  return connection.query<HeldTrigger & PostgresRow>(
    `SELECT n.nspname AS schema, c.relname AS table, g.tgname AS name
     FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
     WHERE p.pronamespace = to_regnamespace($1) ORDER BY 1, 2, 3`,
    [CONTEXT_SCHEMA],
  );
}
