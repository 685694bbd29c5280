import type { MariadbRow, MariadbValue } from "../../../connect/mariadb";
import { type AccountName, quoteAccount } from "../../../text/mariadb";
import type { AccountOnServer, Grant, GrantObject, LoginAlternative, Requirement } from "./account";
import { objectKey } from "./account";

type Query = <Row extends MariadbRow>(sql: string, values: readonly MariadbValue[]) => Promise<Row[]>;

/** mysql.global_priv as MariaDB 10.4 and later write it; absent fields have their default. */
interface GlobalPriv {
  plugin?: string;
  authentication_string?: string;
  /** Alternatives in order; `{}` stands for the one on the top level. */
  auth_or?: { plugin?: string; authentication_string?: string }[];
  /** 0 NONE, 1 SSL, 2 X509, 3 SPECIFIED */
  ssl_type?: number;
  ssl_cipher?: string;
  x509_subject?: string;
  x509_issuer?: string;
  max_user_connections?: number;
  account_locked?: boolean;
  is_role?: boolean;
}

const REQUIRE = ["NONE", "SSL", "X509", "SPECIFIED"] as const;

/** The account with everything that it was granted by whomever; undefined: there is none. */
export async function readAccount(query: Query, account: AccountName): Promise<AccountOnServer | undefined> {
  const rows = await query<{ host: string; priv: string | object }>(
    "SELECT Host AS host, Priv AS priv FROM mysql.global_priv WHERE User = ?",
    [account.user],
  );
  const accounts = rows
    .map(({ host, priv }) => ({ host, priv: parse(priv) }))
    .filter(({ priv }) => !priv.is_role);
  const own = accounts.find(({ host }) => host === account.host)?.priv;
  if (!own) return undefined;
  return {
    alternatives: alternatives(own),
    require: requirement(own),
    maxUserConnections: own.max_user_connections ?? 0,
    locked: own.account_locked ?? false,
    grants: await readGrants(query, account),
    otherHosts: accounts
      .map(({ host }) => host)
      .filter((host) => host !== account.host)
      .sort(),
  };
}

function requirement({ ssl_type, ssl_cipher, x509_subject, x509_issuer }: GlobalPriv): Requirement {
  const found = REQUIRE[ssl_type ?? 0] ?? "SPECIFIED";
  return found === "SPECIFIED" && !ssl_cipher && x509_subject && x509_issuer
    ? { subject: x509_subject, issuer: x509_issuer }
    : found;
}

/** The ways to log in alone; undefined: there is no such account. */
export async function readAlternatives(
  query: Query,
  { user, host }: AccountName,
): Promise<LoginAlternative[] | undefined> {
  const [row] = await query<{ priv: string | object }>(
    "SELECT Priv AS priv FROM mysql.global_priv WHERE User = ? AND Host = ?",
    [user, host],
  );
  return row && alternatives(parse(row.priv));
}

function parse(priv: string | object): GlobalPriv {
  return (typeof priv === "string" ? JSON.parse(priv) : priv) as GlobalPriv;
}

function alternatives(priv: GlobalPriv): LoginAlternative[] {
  const listed = priv.auth_or?.length ? priv.auth_or : [{}];
  return listed.map((entry) => ({
    plugin: entry.plugin ?? priv.plugin ?? "mysql_native_password",
    hash: (entry.plugin === undefined ? priv.authentication_string : entry.authentication_string) ?? "",
  }));
}

interface GrantRow extends MariadbRow {
  kind: string;
  db: string;
  name: string;
  detail: string;
  privilege: string;
  grantable: string;
}

/**
 * information_schema gives names of privileges as this version calls them, and what is in effect rather than what a
 * table of `mysql` says; routines, roles and proxies are in `mysql` only.
 */
const ALL_GRANTS = `
  SELECT 'global' AS kind, '' AS db, '' AS name, '' AS detail, PRIVILEGE_TYPE AS privilege, IS_GRANTABLE AS grantable
    FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ?
  UNION ALL SELECT 'database', TABLE_SCHEMA, '', '', PRIVILEGE_TYPE, IS_GRANTABLE
    FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ?
  UNION ALL SELECT 'table', TABLE_SCHEMA, TABLE_NAME, '', PRIVILEGE_TYPE, IS_GRANTABLE
    FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ?
  UNION ALL SELECT 'column', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, PRIVILEGE_TYPE, 'NO'
    FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE = ?
  UNION ALL SELECT 'routine', Db, Routine_name, Routine_type, Proc_priv, 'NO'
    FROM mysql.procs_priv WHERE User = ? AND Host = ?
  UNION ALL SELECT 'role', '', Role, '', '', IF(Admin_option = 'Y', 'YES', 'NO')
    FROM mysql.roles_mapping WHERE User = ? AND Host = ?
  UNION ALL SELECT 'proxy', '', Proxied_user, Proxied_host, '', IF(With_grant, 'YES', 'NO')
    FROM mysql.proxies_priv WHERE User = ? AND Host = ?`;

async function readGrants(query: Query, { user, host }: AccountName): Promise<Grant[]> {
  // information_schema writes a grantee with quotes around, and nothing inside escaped.
  const grantee = `'${user}'@'${host}'`;
  const values = [grantee, grantee, grantee, grantee, user, host, user, host, user, host];
  const byObject = new Map<string, { object: GrantObject; privileges: Set<string> }>();
  for (const row of await query<GrantRow>(ALL_GRANTS, values)) {
    const object = rowObject(row);
    const key = objectKey(object);
    const grant = byObject.get(key) ?? { object, privileges: new Set() };
    for (const privilege of rowPrivileges(row)) grant.privileges.add(privilege);
    if (grant.privileges.size > 0) byObject.set(key, grant);
  }
  return [...byObject.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { object, privileges }]) => ({ object, privileges: [...privileges].sort() }));
}

function rowObject({ kind, db, name, detail }: GrantRow): GrantObject {
  switch (kind) {
    case "database":
      return { on: "databases", pattern: db };
    case "table":
    case "column":
      return { on: "table", database: db, table: name };
    case "routine":
      return { on: "routine", database: db, routine: name, type: detail };
    default:
      return { on: "everything" };
  }
}

function rowPrivileges(row: GrantRow): string[] {
  const passesOn = row.grantable === "YES";
  switch (row.kind) {
    case "role":
      return [`ROLE ${row.name}${passesOn ? " WITH ADMIN OPTION" : ""}`];
    case "proxy":
      return [`PROXY ${quoteAccount({ user: row.name, host: row.detail })}`];
    case "column":
      return [`${row.privilege} (${row.detail})`];
    case "routine":
      // A set of mysql.procs_priv: "Execute,Alter Routine,Grant"
      return row.privilege
        .split(",")
        .filter(Boolean)
        .map((name) => (name === "Grant" ? "GRANT OPTION" : name.toUpperCase()));
    default:
      return [...(row.privilege === "USAGE" ? [] : [row.privilege]), ...(passesOn ? ["GRANT OPTION"] : [])];
  }
}
