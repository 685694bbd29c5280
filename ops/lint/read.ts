import type { PostgresConnection } from "../../connect/postgres";
import { functionCalls, parseExpression } from "./expressions";
import type {
  DatabaseFacts,
  ForeignKeyFact,
  FunctionFact,
  IndexFact,
  PolicyFact,
  RelationFact,
  RoleFact,
  Volatility,
} from "./facts";

/**
 * Reads a database's catalogue as the admin; search_path must be pg_catalog, so that other names are printed in full. Reads
 * only. Throws PostgresError.
 */
export async function readFacts(connection: PostgresConnection): Promise<DatabaseFacts> {
  const policies = await readPolicies(connection);
  return {
    database: connection.database,
    relations: await connection.query<RelationFact & Record<string, unknown>>(RELATIONS),
    policies,
    functions: await connection.query<FunctionFact & Record<string, unknown>>(FUNCTIONS),
    indexes: await connection.query<IndexFact & Record<string, unknown>>(INDEXES),
    foreignKeys: await connection.query<ForeignKeyFact & Record<string, unknown>>(FOREIGN_KEYS),
    roles: await connection.query<RoleFact & Record<string, unknown>>(ROLES),
    volatility: await readVolatility(connection, policies),
  };
}

type PolicyRow = Omit<PolicyFact, "using" | "check"> & { using: string | null; check: string | null };

async function readPolicies(connection: PostgresConnection): Promise<PolicyFact[]> {
  const rows = await connection.query<PolicyRow & Record<string, unknown>>(POLICIES);
  const policies: PolicyFact[] = [];
  for (const { using, check, ...policy } of rows) {
    policies.push({
      ...policy,
      ...(using === null ? {} : { using: await parseExpression(using) }),
      ...(check === null ? {} : { check: await parseExpression(check) }),
    });
  }
  return policies;
}

const LOOSER: readonly Volatility[] = ["immutable", "stable", "volatile"];

async function readVolatility(
  connection: PostgresConnection,
  policies: readonly PolicyFact[],
): Promise<Map<string, Volatility>> {
  const names = policies.flatMap(({ using, check }) =>
    [using, check].flatMap((clause) => (clause ? functionCalls(clause).map(({ name }) => name) : [])),
  );
  const rows = await connection.query<{ name: string; volatility: Volatility }>(VOLATILITY, [
    [...new Set(names)],
  ]);
  const found = new Map<string, Volatility>();
  for (const { name, volatility } of rows) {
    const before = found.get(name) ?? "immutable";
    found.set(name, LOOSER.indexOf(volatility) > LOOSER.indexOf(before) ? volatility : before);
  }
  return found;
}

/** Objects of an extension are its makers' business. */
const notOfExtension = (catalogue: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_catalog.${catalogue}'::regclass
               AND e.objid = ${oid} AND e.deptype = 'e')`;
const OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
const grantee = (acl: string) =>
  `CASE ${acl}.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(${acl}.grantee)::text END`;

const RELATIONS = `
SELECT n.nspname AS schema, c.relname AS name,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
       pg_get_userbyid(c.relowner)::text AS owner,
       c.relispartition OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) AS partition,
       c.relrowsecurity AS "rowSecurity", c.relforcerowsecurity AS forced,
       coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'security_invoker'), false) AS invoker,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') AS "primaryKey",
       ARRAY(SELECT DISTINCT rn.nspname || '.' || r.relname
             FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
             JOIN pg_class r ON d.refclassid = 'pg_class'::regclass AND r.oid = d.refobjid AND r.oid <> c.oid
             JOIN pg_namespace rn ON rn.oid = r.relnamespace
             WHERE w.ev_class = c.oid ORDER BY 1) AS reads,
       coalesce((SELECT json_agg(DISTINCT jsonb_build_object('grantee', ${grantee("a")}, 'privilege', a.privilege_type))
                 FROM (SELECT (aclexplode(c.relacl)).*
                       UNION ALL
                       SELECT (aclexplode(t.attacl)).* FROM pg_attribute t WHERE t.attrelid = c.oid) a
                 WHERE a.grantee <> c.relowner), '[]') AS grants
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS} AND ${notOfExtension("pg_class", "c.oid")}
ORDER BY 1, 2`;

const POLICIES = `
SELECT n.nspname AS schema, c.relname AS table, p.polname AS name, p.polpermissive AS permissive,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END
         AS command,
       ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) r ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${OURS} ORDER BY 1, 2, 3`;

const FUNCTIONS = `
SELECT n.nspname AS schema, p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature,
       pg_get_userbyid(p.proowner)::text AS owner, p.prosecdef AS definer, p.proleakproof AS leakproof,
       (SELECT array_agg(btrim(btrim(each), '"') ORDER BY place)
        FROM unnest(p.proconfig) setting,
             unnest(string_to_array(substr(setting, length('search_path=') + 1), ',')) WITH ORDINALITY AS s (each, place)
        WHERE setting LIKE 'search\\_path=%') AS "searchPath",
       ARRAY(SELECT ${grantee("a")} FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             WHERE a.grantee <> p.proowner ORDER BY 1) AS callers
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p') AND ${OURS} AND ${notOfExtension("pg_proc", "p.oid")}
ORDER BY 1, 2`;

/** A predicate that only leaves NULLs of the index's own columns out serves every comparison with them. */
const INDEXES = `
SELECT n.nspname AS schema, t.relname AS table,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number > 0
             WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns,
       i.indisvalid AND m.amname IN ('btree', 'hash')
         AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) IN
              (SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a
               WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]))) AS whole
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE ${OURS} ORDER BY 1, 2`;

/** Those of partitions are their parent's. A column that is generated as a constant tells no two rows apart: it needs no index. */
const FOREIGN_KEYS = `
SELECT n.nspname AS schema, c.relname AS table, k.conname AS name,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
             WHERE coalesce(pg_get_expr(d.adbin, d.adrelid) NOT IN ('true', 'false'), true)
             ORDER BY u.place) AS columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND ${OURS} AND ${notOfExtension("pg_class", "c.oid")}
ORDER BY 1, 2, 3`;

/** 10 is the role that initdb has made. */
const ROLES = `
SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolbypassrls AS "bypassRls", r.rolcanlogin AS login,
       r.oid = 10 OR r.rolname = session_user AS admin,
       ARRAY(SELECT DISTINCT o.rolname::text FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid
             WHERE m.member = r.oid AND (m.set_option OR m.inherit_option OR m.admin_option) ORDER BY 1) AS becomes
FROM pg_roles r ORDER BY 1`;

const VOLATILITY = `
SELECT n.nspname || '.' || p.proname AS name,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname || '.' || p.proname = ANY ($1)`;
