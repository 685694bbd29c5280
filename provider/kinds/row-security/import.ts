import type { PostgresConnection } from "../../../connect/postgres";
import { contextFingerprints } from "./context-sql";
import { CONTEXT_SCHEMA, type RowSecurityInputs } from "./inputs";

/**
 * What an import looks for: the tables, views and policies of the schema that most policies are in; the roles that they name,
 * and the role that may take them. Indexes and keys cannot be told from a server.
 */
export async function importedRowSecurity(
  connection: PostgresConnection,
  database: string,
): Promise<RowSecurityInputs> {
  const [row] = await connection.query<{
    owner: string;
    schema: string | null;
    roles: string[] | null;
    tables: string[] | null;
    views: string[] | null;
    service: string | null;
  }>(ABOUT, [CONTEXT_SCHEMA]);
  const { owner = "", schema, roles, tables, views, service } = row ?? {};
  const identities = (roles ?? []).filter((role) => role !== owner && role !== service);
  const each = <T>(names: readonly string[] | null | undefined, value: T) =>
    Object.fromEntries((names ?? []).map((name) => [name, value]));
  return {
    database,
    schema: schema ?? "public",
    owner,
    service: service ?? "",
    identities: each(identities, { members: [], memberOf: [], attributes: [] }),
    tables: each(tables, "forced" as const),
    exceptions: {},
    policies: {},
    indexes: {},
    views: each(views, "security_invoker" as const),
    grants: {},
    keys: {},
    ownerMembers: [],
    serviceMemberOf: [],
    largeObjects: [],
    advisoryLocks: [],
    statistics: [],
    context: contextFingerprints(owner),
  };
}

const ABOUT = `
WITH p AS (
  SELECT n.nspname AS schema, unnest(polroles) AS role
  FROM pg_catalog.pg_policy JOIN pg_catalog.pg_class c ON c.oid = polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), s AS (SELECT schema FROM p GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)
SELECT (SELECT pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace WHERE nspname = $1) AS owner,
       (SELECT schema FROM s) AS schema,
       (SELECT array_agg(DISTINCT pg_get_userbyid(role)::text) FROM p WHERE role <> 0) AS roles,
       (SELECT array_agg(relname::text ORDER BY relname) FROM pg_catalog.pg_class c
        WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = (SELECT schema FROM s))
          AND relkind IN ('r', 'p') AND NOT relispartition) AS tables,
       (SELECT array_agg(relname::text ORDER BY relname) FROM pg_catalog.pg_class c
        WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = (SELECT schema FROM s))
          AND relkind = 'v') AS views,
       (SELECT pg_get_userbyid(member)::text FROM pg_catalog.pg_auth_members
        WHERE roleid IN (SELECT role FROM p) AND pg_get_userbyid(member) <> session_user
        GROUP BY member ORDER BY count(*) DESC, 1 LIMIT 1) AS service`;
