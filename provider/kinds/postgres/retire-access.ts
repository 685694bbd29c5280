import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";

/**
 * Clears a database of roles: what they own goes to the admin, what they are granted and their default privileges go,
 * so that they can be dropped. Runs inside the caller's transaction, in the database it is about.
 *
 * REASSIGN OWNED and DROP OWNED also reach shared objects: a role that works in two databases would lose its CONNECT on
 * the other one, or its ownership of it. Those are put back in the same transaction, so nobody ever sees them gone.
 */
export async function disownHere(connection: PostgresConnection, names: readonly string[]): Promise<void> {
  const roles = await existing(connection, names);
  if (roles.length === 0) return;
  const elsewhere = await otherDatabases(connection, roles);
  const list = roles.map(id).join(", ");
  await connection.query(`REASSIGN OWNED BY ${list} TO SESSION_USER`);
  await connection.query(`DROP OWNED BY ${list}`);
  for (const { database, owner } of elsewhere.owned) {
    await connection.query(`ALTER DATABASE ${id(database)} OWNER TO ${id(owner)}`);
  }
  for (const { database, grantee, privilege, grantable } of elsewhere.granted) {
    const option = grantable ? " WITH GRANT OPTION" : "";
    await connection.query(`GRANT ${privilege} ON DATABASE ${id(database)} TO ${id(grantee)}${option}`);
  }
}

/** Without the admin itself and PostgreSQL's own roles, whose objects nobody may take. */
async function existing(connection: PostgresConnection, names: readonly string[]): Promise<string[]> {
  const rows = await connection.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_catalog.pg_roles
     WHERE rolname = ANY ($1) AND oid >= 16384 AND rolname <> session_user ORDER BY 1`,
    [[...new Set(names)]],
  );
  return rows.map(({ name }) => name);
}

interface Elsewhere {
  owned: { database: string; owner: string }[];
  granted: { database: string; grantee: string; privilege: string; grantable: boolean }[];
}

async function otherDatabases(connection: PostgresConnection, roles: readonly string[]): Promise<Elsewhere> {
  const owned = await connection.query<Elsewhere["owned"][number]>(
    `SELECT datname AS database, pg_get_userbyid(datdba) AS owner FROM pg_catalog.pg_database
     WHERE datname <> current_database() AND pg_get_userbyid(datdba) = ANY ($1) ORDER BY 1`,
    [[...roles]],
  );
  const granted = await connection.query<Elsewhere["granted"][number]>(
    `SELECT d.datname AS database, pg_get_userbyid(i.grantee) AS grantee, i.privilege_type AS privilege,
            i.is_grantable AS grantable
     FROM pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) i
     WHERE d.datname <> current_database() AND i.grantee <> d.datdba AND pg_get_userbyid(i.grantee) = ANY ($1)
     ORDER BY 1, 2, 3`,
    [[...roles]],
  );
  return { owned, granted };
}
