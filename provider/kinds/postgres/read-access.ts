import type { PostgresConnection } from "../../../connect/postgres";
import type { AccessOnServer, Holding, ObjectOnServer } from "./access";
import { type GrantObject, type ObjectKind, objectText } from "./grant-key";

/**
 * Reads everything an Access owns in four queries, however many tables there are.
 *
 * Objects of extensions are left out: they belong to the extension, whose functions are PUBLIC's to execute (pgcrypto's
 * gen_random_uuid in a column default would fail otherwise), and a dump restores their ACLs only where they were changed.
 * USAGE of PUBLIC on types, which allows no more than naming them, is left out too.
 */
export async function readAccess(
  connection: PostgresConnection,
  { schemas, owners }: { schemas: readonly string[]; owners: readonly string[] },
): Promise<AccessOnServer> {
  const [about] = await connection.query<{ version: number; roles: string[] }>(ABOUT);
  if (!about) throw new Error("the server does not say its version");
  const rows = await connection.query<ObjectRow>(OBJECTS, [[...schemas]]);
  const columns = await connection.query<ObjectRow>(COLUMNS, [[...schemas]]);
  const defaults = await connection.query<DefaultRow>(DEFAULTS, [[...owners]]);
  const objects = new Map<string, ObjectOnServer>();
  for (const row of rows) {
    const object = objectOf(row);
    objects.set(objectText(object), { object, owner: row.owner });
  }
  const roles = new Set([...about.roles, "public"]);
  const there = new Set(rows.filter(({ kind }) => kind === "schema").map(({ schema }) => schema));
  return {
    version: about.version,
    schemas: schemas.filter((schema) => there.has(schema)),
    owners: owners.filter((owner) => roles.has(owner)),
    roles,
    objects: [...objects.values()],
    holdings: [...rows, ...columns].flatMap((row) => holdingsOf(row, objectOf(row))),
    defaultHoldings: defaults.flatMap((row) => holdingsOf(row, defaultObjectOf(row))),
  };
}

interface ItemRow extends Record<string, unknown> {
  owner: string;
  /** null: an object nobody but its owner has anything on. */
  grantee: string | null;
  grantor: string;
  privilege: string;
  grantable: boolean;
}

interface ObjectRow extends ItemRow {
  kind: "database" | "schema" | ObjectKind;
  schema: string;
  name: string;
  column: string | null;
}

interface DefaultRow extends ItemRow {
  of: ObjectKind | "schema";
  schema: string | null;
}

function objectOf({ kind, schema, name }: ObjectRow): GrantObject {
  if (kind === "database") return { kind };
  return kind === "schema" ? { kind, schema } : { kind, schema, name };
}

function defaultObjectOf({ of, owner, schema }: DefaultRow): GrantObject {
  return { kind: "default", of, owner, ...(schema === null ? {} : { schema }) };
}

/** The grant option is a holding of its own beside the privilege: either may be drift without the other. */
function holdingsOf(row: ItemRow & { column?: string | null }, object: GrantObject): Holding[] {
  if (row.grantee === null) return [];
  const privilege = {
    name: row.privilege,
    ...(row.column ? { column: row.column } : {}),
    ...(row.grantor === row.owner ? {} : { grantor: row.grantor }),
  };
  const holding = { grantee: row.grantee, object, privilege };
  if (!row.grantable) return [holding];
  return [holding, { ...holding, privilege: { ...privilege, grantOption: true } }];
}

const ABOUT = `
SELECT current_setting('server_version_num')::int AS version,
       (SELECT array_agg(rolname::text) FROM pg_catalog.pg_roles) AS roles`;

const ITEM = `
pg_get_userbyid(o.owner) AS owner,
CASE WHEN i.grantee = 0 THEN 'public' ELSE pg_get_userbyid(i.grantee) END AS grantee,
pg_get_userbyid(i.grantor) AS grantor, i.privilege_type AS privilege, i.is_grantable AS grantable`;

const notOfExtension = (catalogue: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.${catalogue}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

/** A type as it is written in a key: with its schema, unless that is pg_catalog (the session's search_path). */
const OBJECTS = `
WITH o AS (
  SELECT 'database' AS kind, '' AS schema, '' AS name, datdba AS owner, coalesce(datacl, acldefault('d', datdba)) AS acl
  FROM pg_catalog.pg_database WHERE datname = current_database()
  UNION ALL
  SELECT 'schema', nspname, '', nspowner, coalesce(nspacl, acldefault('n', nspowner))
  FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1)
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, n.nspname, c.relname, c.relowner,
         coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${notOfExtension("pg_class", "c.oid")}
  UNION ALL
  SELECT 'function', n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proowner,
         coalesce(p.proacl, acldefault('f', p.proowner))
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = ANY ($1) AND ${notOfExtension("pg_proc", "p.oid")}
  UNION ALL
  SELECT 'type', n.nspname, t.typname, t.typowner,
         (SELECT array_agg(a) FROM unnest(coalesce(t.typacl, acldefault('T', t.typowner))) a WHERE a::text NOT LIKE '=%')
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE n.nspname = ANY ($1) AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
    AND ${notOfExtension("pg_type", "t.oid")}
)
SELECT o.kind, o.schema, o.name, NULL AS column, ${ITEM}
FROM o LEFT JOIN LATERAL aclexplode(o.acl) i ON i.grantee <> o.owner
ORDER BY 1, 2, 3`;

const COLUMNS = `
SELECT 'table' AS kind, n.nspname AS schema, o.relname AS name, a.attname AS column, ${ITEM}
FROM (SELECT oid, relname, relnamespace, relowner AS owner FROM pg_catalog.pg_class) o
JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = o.oid AND NOT a.attisdropped
CROSS JOIN LATERAL aclexplode(a.attacl) i
WHERE n.nspname = ANY ($1) AND i.grantee <> o.owner AND ${notOfExtension("pg_class", "o.oid")}
ORDER BY 2, 3, 4`;

/** Without a row of its own an owner's functions are PUBLIC's to execute: acldefault says so. */
const DEFAULTS = `
WITH kinds (letter, kind) AS (VALUES ('r', 'table'), ('S', 'sequence'), ('f', 'function'), ('T', 'type'), ('n', 'schema')),
o AS (
  SELECT d.defaclrole AS owner, k.kind AS of, n.nspname AS schema, d.defaclacl AS acl
  FROM pg_catalog.pg_default_acl d JOIN kinds k ON k.letter::"char" = d.defaclobjtype
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  UNION ALL
  SELECT r.oid, 'function', NULL, acldefault('f', r.oid)
  FROM pg_catalog.pg_roles r
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d
                    WHERE d.defaclrole = r.oid AND d.defaclobjtype = 'f' AND d.defaclnamespace = 0)
)
SELECT o.of, o.schema, ${ITEM}
FROM o CROSS JOIN LATERAL aclexplode(o.acl) i
WHERE pg_get_userbyid(o.owner) = ANY ($1) AND i.grantee <> o.owner
  AND NOT (o.of = 'type' AND o.schema IS NULL AND i.grantee = 0)
ORDER BY 1, 2`;
