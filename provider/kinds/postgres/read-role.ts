import type { PostgresConnection } from "../../../connect/postgres";
import { FOREVER, type Membership, type RoleOnServer, type RoleSetting } from "./login";

interface RoleRow extends Record<string, unknown> {
  oid: string;
  login: boolean;
  connections: number;
  until: string | null;
  superuser: boolean;
  createdb: boolean;
  createrole: boolean;
  inherit: boolean;
  replication: boolean;
  bypassrls: boolean;
  built_in: boolean;
  ourselves: boolean;
  readable: boolean;
}

/** The role with everything about it, or undefined. Refuses the admin itself and PostgreSQL's own roles. */
export async function readRole(
  connection: PostgresConnection,
  name: string,
): Promise<RoleOnServer | undefined> {
  const [row] = await connection.query<RoleRow>(ROLE, [name]);
  if (!row) return undefined;
  if (row.built_in || row.ourselves) {
    const what = row.ourselves ? "the admin this provider logs in as" : "a role of PostgreSQL itself";
    throw new Error(`role: "${name}" is ${what}; give another, such as svc_idp_a`);
  }
  const members = await connection.query<MemberRow>(MEMBERS, [row.oid]);
  const settings = await connection.query<{ database: string | null; entry: string }>(SETTINGS, [row.oid]);
  return {
    login: row.login,
    connectionLimit: row.connections,
    verifier: row.readable ? await readVerifier(connection, row.oid) : undefined,
    attributes: attributesOf(row),
    validUntil: row.until ?? FOREVER,
    settings: settings.map(settingOf),
    memberships: members.filter(({ side }) => side === "of").map(membershipOf),
    members: members.filter(({ side }) => side === "in").map(membershipOf),
  };
}

export interface WorkRole {
  /** Powers no service works with: `SUPERUSER`, `CREATEROLE`, `BYPASSRLS`, `REPLICATION`. */
  powers: string[];
}

/** What a slot is to work as, or undefined where there is no such role. */
export async function readWorkRole(
  connection: PostgresConnection,
  name: string,
): Promise<WorkRole | undefined> {
  const [row] = await connection.query<RoleRow>(ROLE, [name]);
  return row && { powers: attributesOf(row).filter((attribute) => POWERS.has(attribute)) };
}

const POWERS = new Set(["SUPERUSER", "CREATEROLE", "BYPASSRLS", "REPLICATION"]);

/** Time zone and style do not change how it reads: two admins see the same. */
const ROLE = `
SELECT oid::text, rolcanlogin AS login, rolconnlimit AS connections,
       CASE WHEN rolvaliduntil < 'infinity'
            THEN to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END AS until,
       rolsuper AS superuser, rolcreatedb AS createdb, rolcreaterole AS createrole, rolinherit AS inherit,
       rolreplication AS replication, rolbypassrls AS bypassrls,
       oid < 16384 AS built_in, rolname = session_user AS ourselves,
       has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS readable
FROM pg_catalog.pg_roles WHERE rolname = $1`;

interface MemberRow extends Membership, Record<string, unknown> {
  side: "of" | "in";
}

/** An admin that is no superuser is a member (ADMIN) of every role it makes: that one is no drift. */
const MEMBERS = `
SELECT 'of' AS side, pg_get_userbyid(roleid) AS role, pg_get_userbyid(grantor) AS grantor,
       admin_option AS admin, inherit_option AS inherit, set_option AS set
FROM pg_catalog.pg_auth_members WHERE member = $1::oid
UNION ALL
SELECT 'in', pg_get_userbyid(member), pg_get_userbyid(grantor), admin_option, inherit_option, set_option
FROM pg_catalog.pg_auth_members WHERE roleid = $1::oid AND pg_get_userbyid(member) <> session_user
ORDER BY 1, 2, 3`;

const SETTINGS = `
SELECT d.datname AS database, unnest(s.setconfig) AS entry
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE s.setrole = $1::oid ORDER BY 1 NULLS FIRST, 2`;

async function readVerifier(connection: PostgresConnection, oid: string): Promise<string | null> {
  const sql = "SELECT rolpassword AS verifier FROM pg_catalog.pg_authid WHERE oid = $1::oid";
  const [row] = await connection.query<{ verifier: string | null }>(sql, [oid]);
  return row?.verifier ?? null;
}

function attributesOf(row: RoleRow): string[] {
  return [
    ...(row.bypassrls ? ["BYPASSRLS"] : []),
    ...(row.createdb ? ["CREATEDB"] : []),
    ...(row.createrole ? ["CREATEROLE"] : []),
    ...(row.inherit ? [] : ["NOINHERIT"]),
    ...(row.replication ? ["REPLICATION"] : []),
    ...(row.superuser ? ["SUPERUSER"] : []),
  ];
}

function membershipOf({ role, grantor, admin, inherit, set }: MemberRow): Membership {
  return { role, grantor, admin, inherit, set };
}

function settingOf({ database, entry }: { database: string | null; entry: string }): RoleSetting {
  const split = entry.indexOf("=");
  return { database, name: entry.slice(0, split), value: entry.slice(split + 1) };
}
