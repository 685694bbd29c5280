import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import type { RowPolicy } from "./inputs";

/** A policy as PostgreSQL keeps it, its expressions as pg_get_expr prints them. */
export interface PolicyOnServer extends RowPolicy {
  schema: string;
}

export type Printed = Pick<RowPolicy, "using" | "withCheck">;

const LETTERS = { r: "select", a: "insert", w: "update", d: "delete", "*": "all" } as const;

/** Every policy of the database. */
export async function readPolicies(connection: PostgresConnection): Promise<PolicyOnServer[]> {
  const rows = await connection.query<{
    schema: string;
    table: string;
    name: string;
    letter: keyof typeof LETTERS;
    permissive: boolean;
    roles: string[];
    using: string | null;
    check: string | null;
  }>(POLICIES);
  return rows.map(({ letter, permissive, roles, using, check, ...policy }) => ({
    ...policy,
    for: LETTERS[letter],
    to: roles,
    ...(permissive ? {} : { as: "restrictive" as const }),
    ...(using === null ? {} : { using }),
    ...(check === null ? {} : { withCheck: check }),
  }));
}

const POLICIES = `
SELECT n.nspname AS schema, c.relname AS table, p.polname AS name, p.polcmd AS letter, p.polpermissive AS permissive,
       ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) r ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
ORDER BY 1, 2, 3`;

/**
 * The declared expressions as this server prints them: each policy is made on an empty temporary copy of its table, which is
 * rolled back. That takes no lock that anybody waits for, knows the types of the columns, and is right after an upgrade of
 * the server too. Inside the caller's transaction. Faults: what the server says of an expression, after the policy's name.
 */
export async function printed(
  connection: PostgresConnection,
  schema: string,
  policies: Readonly<Record<string, RowPolicy>>,
): Promise<{ printed: Map<string, Printed>; faults: string[] }> {
  const entries = Object.entries(policies);
  const all = await attempt(connection, schema, entries);
  if (!(all instanceof PostgresError)) return { printed: all, faults: [] };
  const found = new Map<string, Printed>();
  const faults: string[] = [];
  for (const entry of entries) {
    const one = await attempt(connection, schema, [entry]);
    if (one instanceof PostgresError) faults.push(`policies["${entry[0]}"]: ${one.message}`);
    else for (const [key, text] of one) found.set(key, text);
  }
  return { printed: found, faults };
}

async function attempt(
  connection: PostgresConnection,
  schema: string,
  entries: readonly [string, RowPolicy][],
): Promise<Map<string, Printed> | PostgresError> {
  const tables = [...new Set(entries.map(([, { table }]) => table))];
  const scratch = (table: string) => `pg_temp.estate_scratch_${tables.indexOf(table)}`;
  const statements = [
    ...tables.map((table) => `CREATE TEMPORARY TABLE ${scratch(table)} (LIKE ${id(schema)}.${id(table)})`),
    ...entries.map(([, policy], index) =>
      createPolicy({ ...policy, name: String(index) }, scratch(policy.table), ""),
    ),
  ];
  await connection.query("SAVEPOINT scratch");
  try {
    if (statements.length > 0) await connection.query(statements.join(";\n"));
    const rows = await connection.query<{ name: string; using: string | null; check: string | null }>(
      `SELECT polname AS name, pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
       FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
       WHERE c.relnamespace = pg_my_temp_schema() AND c.relname LIKE 'estate\\_scratch\\_%'`,
    );
    return new Map(
      rows.map(({ name, using, check }): [string, Printed] => [
        entries[Number(name)]?.[0] ?? name,
        { ...(using === null ? {} : { using }), ...(check === null ? {} : { withCheck: check }) },
      ]),
    );
  } catch (error) {
    if (error instanceof PostgresError && connection.alive) return error;
    throw error;
  } finally {
    if (connection.alive) await connection.query("ROLLBACK TO SAVEPOINT scratch; RELEASE SAVEPOINT scratch");
  }
}

/** @param to roles in SQL; empty: leave the clause out */
function createPolicy(policy: RowPolicy, on: string, to: string): string {
  return [
    `CREATE POLICY ${id(policy.name)} ON ${on}`,
    `AS ${(policy.as ?? "permissive").toUpperCase()} FOR ${policy.for.toUpperCase()}`,
    ...(to === "" ? [] : [`TO ${to}`]),
    ...(policy.using === undefined ? [] : [`USING (${policy.using})`]),
    ...(policy.withCheck === undefined ? [] : [`WITH CHECK (${policy.withCheck})`]),
  ].join(" ");
}

/** The declared policies with what there is in their place, by name on the table. */
export function policiesAsDeclared(
  schema: string,
  declared: Readonly<Record<string, RowPolicy>>,
  found: readonly PolicyOnServer[],
  texts: ReadonlyMap<string, Printed>,
): Record<string, RowPolicy> {
  const keys = new Map(Object.entries(declared).map(([key, { table, name }]) => [`${table}.${name}`, key]));
  return Object.fromEntries(
    found.map(({ schema: where, ...policy }) => {
      const place = `${policy.table}.${policy.name}`;
      const key = where === schema ? keys.get(place) : undefined;
      const wanted = key === undefined ? undefined : declared[key];
      if (key === undefined || !wanted) return [where === schema ? place : `${where}.${place}`, policy];
      return [key, inOurWords(policy, wanted, texts.get(key))];
    }),
  );
}

/** What is printed as a declared expression would be reads as declared. */
function inOurWords(policy: RowPolicy, wanted: RowPolicy, text: Printed | undefined): RowPolicy {
  const words: RowPolicy = { ...policy };
  for (const clause of ["using", "withCheck"] as const) {
    const same = policy[clause] !== undefined && policy[clause] === text?.[clause];
    if (same && wanted[clause] !== undefined) words[clause] = wanted[clause];
  }
  return words;
}

/** Drops what is not declared and makes anew what differs. */
export function policyStatements(
  schema: string,
  declared: Readonly<Record<string, RowPolicy>>,
  found: readonly PolicyOnServer[],
  texts: ReadonlyMap<string, Printed>,
): string[] {
  const there = policiesAsDeclared(schema, declared, found, texts);
  const wrong = new Set(Object.keys(declared).filter((key) => !same(declared[key] as RowPolicy, there[key])));
  const right = new Map(
    Object.entries(declared).flatMap(([key, { table, name }]) =>
      wrong.has(key) ? [] : [[`${schema}.${table}.${name}`, key] as const],
    ),
  );
  return [
    ...found
      .filter((policy) => !right.has(`${policy.schema}.${policy.table}.${policy.name}`))
      .map(({ schema: where, table, name }) => `DROP POLICY ${id(name)} ON ${id(where)}.${id(table)}`),
    ...[...wrong].map((key) => {
      const policy = declared[key] as RowPolicy;
      return createPolicy(policy, `${id(schema)}.${id(policy.table)}`, policy.to.map(id).join(", "));
    }),
  ];
}

function same(one: RowPolicy, other: RowPolicy | undefined): boolean {
  if (!other) return false;
  const text = ({ for: command, to, as, using, withCheck }: RowPolicy) =>
    JSON.stringify([command, [...to].sort(), as, using, withCheck]);
  return text(one) === text(other);
}
