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
    functions: (await connection.query<FunctionRow & Record<string, unknown>>(FUNCTIONS)).map(
      ({ path, ...each }) => ({ ...each, searchPath: path === null ? undefined : schemasOf(path) }),
    ),
    indexes: await connection.query<IndexFact & Record<string, unknown>>(INDEXES),
    foreignKeys: await connection.query<ForeignKeyFact & Record<string, unknown>>(FOREIGN_KEYS),
    sequences: await connection.query<Rows<DatabaseFacts["sequences"]>>(SEQUENCES),
    schemas: await connection.query<Rows<DatabaseFacts["schemas"]>>(SCHEMAS),
    others: await connection.query<Rows<DatabaseFacts["others"]>>(OTHERS),
    creators: await connection.query<Rows<DatabaseFacts["creators"]>>(CREATORS),
    beyond: await connection.query<Rows<DatabaseFacts["beyond"]>>(BEYOND),
    extensions: await connection.query<Rows<DatabaseFacts["extensions"]>>(EXTENSIONS),
    collations: await connection.query<Rows<DatabaseFacts["collations"]>>(COLLATIONS),
    roles: await connection.query<RoleFact & Record<string, unknown>>(ROLES),
    slots: (await connection.query<{ name: string }>(SLOTS)).map(({ name }) => name),
    databases: await connection.query<Rows<DatabaseFacts["databases"]>>(DATABASES),
    volatility: await readVolatility(connection, policies),
  };
}

type Rows<T extends readonly object[]> = T[number] & Record<string, unknown>;
type FunctionRow = Omit<FunctionFact, "searchPath"> & { path: string | null };
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

/** The schemas of a search_path as the server keeps it: a name in quotes may hold a comma. */
function schemasOf(path: string): string[] {
  return [...path.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)].map(
    ([plain, quoted]) => quoted?.replaceAll('""', '"') ?? plain,
  );
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
       (SELECT substr(setting, length('search_path=') + 1) FROM unnest(p.proconfig) setting
        WHERE setting LIKE 'search\\_path=%') AS path,
       NOT l.lanpltrusted AND l.lanname <> 'sql' AS untrusted,
       ARRAY(SELECT ${grantee("a")} FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             WHERE a.grantee <> p.proowner ORDER BY 1) AS callers,
       p.prorettype = 'trigger'::regtype AS trigger, coalesce(p.prosrc, '') AS body
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind <> 'a' AND ${OURS} AND ${notOfExtension("pg_proc", "p.oid")}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
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

const SEQUENCES = `
SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner)::text AS owner
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND ${OURS} AND ${notOfExtension("pg_class", "c.oid")}
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))
ORDER BY 1, 2`;

/** Schema public belongs to whoever owns the database. */
const SCHEMAS = `
SELECT n.nspname AS name, pg_get_userbyid(n.nspowner)::text AS owner FROM pg_namespace n
WHERE ${OURS} AND n.nspowner <> 'pg_database_owner'::regrole AND ${notOfExtension("pg_namespace", "n.oid")} ORDER BY 1`;

/** In one of our schemas, as `kind schema.name`. */
const named = (kind: string, catalogue: string, column: string, owner: string, more = "true") => `
SELECT '${kind} ' || n.nspname || '.' || o.${column} AS at, pg_get_userbyid(o.${owner})::text AS owner
FROM ${catalogue} o JOIN pg_namespace n ON n.oid = o.${column.replace(/name$/, "namespace")}
WHERE ${OURS} AND ${more} AND ${notOfExtension(catalogue, "o.oid")}`;

/** A row type belongs to its table, an array to its element. */
const TYPES = `(o.typtype IN ('d', 'e', 'r') OR o.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid)
  OR o.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = o.typrelid AND c.relkind = 'c'))`;

const OTHERS = `
SELECT 'database' AS at, pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE datname = current_database()
UNION ALL ${[
  named("type", "pg_type", "typname", "typowner", TYPES),
  named("aggregate", "pg_proc", "proname", "proowner", "o.prokind = 'a'"),
  named("operator", "pg_operator", "oprname", "oprowner"),
  named("operator class", "pg_opclass", "opcname", "opcowner"),
  named("operator family", "pg_opfamily", "opfname", "opfowner"),
  named("collation", "pg_collation", "collname", "collowner"),
  named("conversion", "pg_conversion", "conname", "conowner"),
  named("text search dictionary", "pg_ts_dict", "dictname", "dictowner"),
  named("text search configuration", "pg_ts_config", "cfgname", "cfgowner"),
  named("statistics", "pg_statistic_ext", "stxname", "stxowner"),
].join(" UNION ALL ")}
UNION ALL
SELECT 'large object ' || oid, pg_get_userbyid(lomowner)::text FROM pg_largeobject_metadata
ORDER BY 1`;

const CREATORS = `
SELECT n.nspname AS schema, pg_get_userbyid(n.nspowner)::text AS owner, ${grantee("a")} AS role
FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
WHERE ${OURS} AND a.privilege_type = 'CREATE' ORDER BY 1, 3`;

/** 16384 is the first number that no object of PostgreSQL itself has. */
const BEYOND = `
SELECT 'event trigger ' || t.evtname AS at, 'runs ' || p.oid::regprocedure || ' with the rights of whoever changes anything, the admin among them' AS fault
FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid WHERE ${notOfExtension("pg_event_trigger", "t.oid")}
UNION ALL
SELECT 'publication ' || pubname, 'offers changes of rows to other servers, as ' || pg_get_userbyid(pubowner) FROM pg_publication
UNION ALL
SELECT 'subscription ' || subname, 'writes rows of another server here' FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
SELECT 'foreign server ' || srvname, 'leads to another server, as ' || pg_get_userbyid(srvowner) FROM pg_foreign_server s
WHERE ${notOfExtension("pg_foreign_server", "s.oid")}
UNION ALL
SELECT 'foreign-data wrapper ' || fdwname, 'leads to other servers, as ' || pg_get_userbyid(fdwowner) FROM pg_foreign_data_wrapper w
WHERE ${notOfExtension("pg_foreign_data_wrapper", "w.oid")}
UNION ALL
SELECT 'cast ' || format_type(castsource, NULL) || ' as ' || format_type(casttarget, NULL), 'changes what types of PostgreSQL itself mean'
FROM pg_cast c WHERE c.oid >= 16384 AND castsource < 16384 AND casttarget < 16384 AND ${notOfExtension("pg_cast", "c.oid")}
ORDER BY 1`;

/** A base backup holds one while it is made. */
const SLOTS = "SELECT slot_name::text AS name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1";

/** template0, whose collation nobody uses, has no version. */
const DATABASES = `
SELECT datname::text AS name, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual
FROM pg_database WHERE datname <> 'template0' ORDER BY 1`;

const EXTENSIONS = `
SELECT e.extname AS name, pg_get_userbyid(e.extowner)::text AS owner, e.extversion AS installed, a.default_version AS offered
FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname ORDER BY 1`;

/** What has no version, such as the collation C, sorts the same for ever. */
const COLLATIONS = `
SELECT 'database' AS at, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'collation ' || c.collname, c.collversion, pg_collation_actual_version(c.oid)
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.collversion IS NOT NULL AND (${OURS} OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_collation'::regclass AND d.refobjid = c.oid))
ORDER BY 1`;

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
