import { LOADER } from "../components/plans/pg-hba";
import { ADMIN, BACKUP_LOGINS, serviceUser } from "../estate/naming";

const RESERVED = new Set<string>([
  ...["postgres", "public", "user", "current_user", "current_role", "session_user"],
  ...[ADMIN, ...Object.values(BACKUP_LOGINS)],
]);
const OF_A_RESTORE = new RegExp(`^${LOADER}$`);

/** Roles of PostgreSQL itself and of this program, in any case: none is a service's, an owner or an identity. */
export function isReserved(role: string): boolean {
  const name = role.toLowerCase();
  return name.startsWith("pg_") || RESERVED.has(name) || OF_A_RESTORE.test(name);
}

/** Databases of the servers themselves, on either engine. */
const OF_SERVERS = new Set([
  ...["postgres", "template0", "template1", "replication", "all", "sameuser", "samerole", "samegroup"],
  ...["mysql", "sys", "information_schema", "performance_schema"],
]);

/** Owners that do not follow from their database's name. */
const OWNERS: Readonly<Record<string, string>> = { mcp_portal: "mcp_admin" };

/** Roles that may own a database and its tables, and that its migrations and jobs work as: its service, or a role of its own. */
export function ownersOf(database: string): string[] {
  const other = Object.hasOwn(OWNERS, database) ? OWNERS[database] : undefined;
  return [serviceUser(database), other ?? `${database}_owner`];
}

/** A name as the catalogue gives them, of a database that is no server's. */
export function isOwnDatabase(name: string): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name) && !OF_SERVERS.has(name);
}

/** Schemas whose functions are the server's or the program's: nothing of a service's runs or is granted there. */
export function isReservedSchema(schema: string): boolean {
  return /^(?:pg_.*|information_schema|cron|estate|context)$/.test(schema);
}
