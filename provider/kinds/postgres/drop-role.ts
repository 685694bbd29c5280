import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../../../connect/postgres-server";
import { quoteIdentifier } from "../../../text/postgres";
import { pause } from "./queue";
import { readRole } from "./read-role";

const SESSIONS_PATIENCE_MS = 10_000;

/**
 * Removes a login slot for good: ends its sessions, gives what it owns to the admin and drops its privileges in every
 * database, then drops it. Nothing to do where it is gone. Every step may be repeated.
 */
export async function dropRole(
  server: PostgresServer,
  maintenance: PostgresConnection,
  role: string,
): Promise<void> {
  const found = await readRole(maintenance, role);
  if (!found) return;
  const name = quoteIdentifier(role);
  // First, or a pool would log in again faster than its sessions are ended.
  if (found.login) await maintenance.query(`ALTER ROLE ${name} NOLOGIN`);
  await endSessions(maintenance, role);
  const databases = await databasesWithTraces(maintenance, role);
  for (const database of databases.filter((other) => other !== MAINTENANCE_DATABASE)) {
    await inDatabase(server, database, role, (connection) => disown(connection, name));
  }
  await maintenance.transaction(async () => {
    if (databases.includes(MAINTENANCE_DATABASE)) await disownStatements(maintenance, name);
    await maintenance.query(`DROP ROLE ${name}`).catch((error: unknown) => {
      if (!(error instanceof PostgresError) || error.code !== "2BP01") throw error;
      throw new Error(
        `role ${role} cannot be dropped, it is still needed: ${error.detail ?? error.message}. ` +
          "Give those objects to another role (REASSIGN OWNED) or drop them, then run this again",
      );
    });
  });
}

async function endSessions(maintenance: PostgresConnection, role: string): Promise<void> {
  const giveUp = Date.now() + SESSIONS_PATIENCE_MS;
  const sql = "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1";
  while ((await maintenance.query(sql, [role])).length > 0) {
    if (Date.now() > giveUp) {
      throw new Error(
        `role ${role} still has sessions ${SESSIONS_PATIENCE_MS / 1000} s after they were told to end: ` +
          `see pg_stat_activity, usename = '${role}'`,
      );
    }
    await pause(50);
  }
}

/** Shared objects (a database it owns, its CONNECT) are dropped from anywhere, so they count for the maintenance one. */
async function databasesWithTraces(maintenance: PostgresConnection, role: string): Promise<string[]> {
  const rows = await maintenance.query<{ database: string }>(
    `SELECT DISTINCT coalesce(d.datname, $2) AS database
     FROM pg_catalog.pg_shdepend s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
     WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
       AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1) ORDER BY 1`,
    [role, MAINTENANCE_DATABASE],
  );
  return rows.map(({ database }) => database);
}

async function inDatabase(
  server: PostgresServer,
  database: string,
  role: string,
  work: (connection: PostgresConnection) => Promise<void>,
): Promise<void> {
  try {
    await server.withConnection(database, work);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `role ${role} owns or is granted something in database ${database}, which cannot be cleared: ${reason}`,
    );
  }
}

function disown(connection: PostgresConnection, name: string): Promise<void> {
  return connection.transaction(() => disownStatements(connection, name));
}

async function disownStatements(connection: PostgresConnection, name: string): Promise<void> {
  await connection.query(`REASSIGN OWNED BY ${name} TO SESSION_USER`);
  await connection.query(`DROP OWNED BY ${name}`);
}
