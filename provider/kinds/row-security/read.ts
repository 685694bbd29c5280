import type { PostgresConnection } from "../../../connect/postgres";
import type { AccessOnServer } from "../postgres/access";
import { grantsAsDeclared } from "../postgres/access-inputs";
import { readAccess } from "../postgres/read-access";
import { fingerprint } from "./context-sql";
import { indexesAsDeclared } from "./indexes";
import { CONTEXT_SCHEMA, type RowSecurityInputs } from "./inputs";
import { readKeys } from "./keys";
import { policiesAsDeclared, printed, readPolicies } from "./policies";
import { readRoles, rolesAsDeclared } from "./roles";
import { readStatistics } from "./statistics";
import { readRelations, relationsAsDeclared } from "./tables";
import { readWithheld } from "./withheld";

/**
 * What would have to be declared to have exactly what is there. Inside the caller's transaction, which is rolled back or goes
 * on: nothing of this stays.
 */
export async function readRowSecurity(
  connection: PostgresConnection,
  declared: RowSecurityInputs,
): Promise<RowSecurityInputs> {
  const relations = await readRelations(connection, declared);
  const there = Object.entries(declared.policies).filter(([, { table }]) => relations.tables.has(table));
  const texts = await printed(connection, declared.schema, Object.fromEntries(there));
  const context = await readContext(connection);
  return {
    database: declared.database,
    schema: declared.schema,
    owner: declared.owner,
    service: declared.service,
    ...rolesAsDeclared(declared, await readRoles(connection, declared)),
    ...relationsAsDeclared(declared, relations),
    exceptions: declared.exceptions,
    policies: policiesAsDeclared(
      declared.schema,
      declared.policies,
      await readPolicies(connection),
      texts.printed,
    ),
    indexes: await indexesAsDeclared(connection, declared),
    grants: grantsAsDeclared(declared.grants, await readGrants(connection)),
    ...(await readWithheld(connection)),
    statistics: await readStatistics(connection, declared),
    context,
    keys: "keys" in context ? await readKeys(connection, declared.keys) : {},
  };
}

/** Who may do what in every schema of the database; what is granted on the database itself is estate:postgres:Access'. */
export async function readGrants(connection: PostgresConnection): Promise<AccessOnServer> {
  const rows = await connection.query<{ name: string }>(SCHEMAS);
  const found = await readAccess(connection, { schemas: rows.map(({ name }) => name), owners: [] });
  return {
    ...found,
    objects: found.objects.filter(({ object }) => object.kind !== "database"),
    holdings: found.holdings.filter(({ object }) => object.kind !== "database"),
  };
}

const SCHEMAS = `
SELECT nspname AS name FROM pg_catalog.pg_namespace n
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
ORDER BY 1`;

/** What schema `context` holds, by part: `schema`, `keys`, `sequence held_digest_1`, and each function by its signature. */
export async function readContext(connection: PostgresConnection): Promise<Record<string, string>> {
  const rows = await connection.query<{ part: string; owner: string; definition: string }>(CONTEXT, [
    CONTEXT_SCHEMA,
  ]);
  return Object.fromEntries(
    rows.map(({ part, owner, definition }) => [part, fingerprint(owner, definition)]),
  );
}

const CONTEXT = `
SELECT 'schema' AS part, pg_get_userbyid(nspowner)::text AS owner, '' AS definition
FROM pg_catalog.pg_namespace WHERE nspname = $1
UNION ALL
SELECT 'keys', pg_get_userbyid(c.relowner)::text,
       (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END,
                          ', ' ORDER BY attnum)
        FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
       || coalesce((SELECT ', trigger ' || string_agg(tgname, ', ' ORDER BY tgname) FROM pg_catalog.pg_trigger
                    WHERE tgrelid = c.oid AND NOT tgisinternal), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = 'keys' AND c.relkind = 'r'
UNION ALL
SELECT 'sequence ' || c.relname, pg_get_userbyid(c.relowner)::text,
       format('%s %s MINVALUE %s MAXVALUE %s START %s INCREMENT %s CACHE %s%s',
         CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END, format_type(seqtypid, NULL), seqmin, seqmax, seqstart,
         seqincrement, seqcache, CASE WHEN seqcycle THEN ' CYCLE' ELSE '' END)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
WHERE n.nspname = $1
UNION ALL
SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')', pg_get_userbyid(p.proowner)::text,
       CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE '' END
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = $1
ORDER BY 1`;
