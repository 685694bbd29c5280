import type { MigrationSet } from "../../estate/migrations/types";
import { BACKUP_LOGINS, loginSlots } from "../../estate/naming";
import type { MariadbEntry, PostgresEntry, RedisUse, SchemaOwner } from "../../estate/types";
import type { MariadbGrant, PostgresGrants } from "../../provider/resources";
import { mariadbTables } from "./migrations";

/**
 * What a service may do, by who changes its tables (`schema.owner` in the catalogue, with the reason beside it):
 * - application: rows and, inside its own database, the objects its own migrations need;
 * - program: rows only. No DDL, not even temporary tables: its tables are migrated as the owner.
 */
const ROWS = ["SELECT", "INSERT", "UPDATE", "DELETE"];

const MARIADB_APPLICATION = [
  ...ROWS,
  "CREATE",
  "ALTER",
  "DROP",
  "INDEX",
  "REFERENCES",
  "CREATE TEMPORARY TABLES",
  "LOCK TABLES",
  "TRIGGER",
  "CREATE VIEW",
  "SHOW VIEW",
  "CREATE ROUTINE",
  "ALTER ROUTINE",
  "EXECUTE",
];

/**
 * Rows that the program migrates are granted table by table: MariaDB cannot take one table out of a grant on a database, and
 * the history of the migrations, whose rollback statements the admin runs, is none of the service's.
 */
export function mariadbGrants(
  { name: database, schema }: Pick<MariadbEntry, "name" | "schema">,
  migrations: MigrationSet | undefined,
): MariadbGrant[] {
  if (schema.owner === "application") return [{ database, privileges: [...MARIADB_APPLICATION] }];
  const { tables, views } = migrations ? mariadbTables(migrations) : { tables: [], views: [] };
  return [
    { database, privileges: ["EXECUTE"] },
    ...tables.map((table) => ({ database, table, privileges: [...ROWS] })),
    ...views.map((table) => ({ database, table, privileges: ["SELECT", "SHOW VIEW"] })),
  ];
}

export interface PostgresPrivileges {
  /** Schemas whose grants are owned here; left out: public. */
  schemas?: string[];
  owners: string[];
  grants: PostgresGrants;
  defaultGrants: PostgresGrants;
}

/** The backup's reader gets in; rows it may read everywhere. */
export const BACKUP_CONNECT: PostgresGrants = { [`${BACKUP_LOGINS.reader} on database`]: ["CONNECT"] };

/**
 * Grants of one database. CONNECT goes to both login slots, so that no rotation touches a grant: it is checked before a slot
 * becomes its role. Everything else goes to the role and never to a slot. An application is its own owner and needs nothing
 * granted.
 * @param rowSecured estate:postgres:RowSecurity owns what is granted on schemas and in them; nothing by default either
 */
export function postgresPrivileges(
  entry: Pick<PostgresEntry, "service" | "owner" | "schema">,
  rowSecured = false,
): PostgresPrivileges {
  const { service, owner } = entry;
  const slots = loginSlots(service).map((slot) => [`${slot} on database`, ["CONNECT"]]);
  const connect: PostgresGrants = { ...BACKUP_CONNECT, ...Object.fromEntries(slots) };
  if (entry.schema.owner === "application") {
    return { owners: [owner], grants: connect, defaultGrants: {} };
  }
  if (rowSecured) return { schemas: [], owners: [owner], grants: connect, defaultGrants: {} };
  return {
    owners: [owner],
    grants: {
      ...connect,
      [`${service} on schema public`]: ["USAGE"],
      [`${service} on tables in public`]: [...ROWS],
      [`${service} on sequences in public`]: ["SELECT", "USAGE"],
      [`${service} on functions in public`]: ["EXECUTE"],
    },
    defaultGrants: {
      [`${service} on tables by ${owner} in public`]: [...ROWS],
      [`${service} on sequences by ${owner} in public`]: ["SELECT", "USAGE"],
      [`${service} on functions by ${owner} in public`]: ["EXECUTE"],
    },
  };
}

/** Role settings of a login slot. A migration may take minutes, a request may not. */
export function loginSettings(owner: SchemaOwner): Record<string, string> {
  return {
    idle_in_transaction_session_timeout: "60s",
    statement_timeout: owner === "application" ? "300s" : "60s",
  };
}

/**
 * Every data command on the service's own keys; no administration. What lists keys or channels (SCAN, KEYS, PUBSUB CHANNELS), what
 * tells of the server (INFO) and what ends a script of its own are safe for one reason alone: nobody else is in the instance.
 * Functions stay out: they are code that outlives the connection, and no application of ours loads any. So does the debugger of scripts: it
 * holds the whole instance, or forks a process with a copy of its data that no password ends.
 */
export function redisCommands(use: RedisUse): string {
  return [
    "-@all +@read +@write +@connection +@transaction +@pubsub +@scripting -@dangerous -@admin -function -script|debug +info +keys",
    // A cache is emptied as a whole by the applications that fill it. A queue is not.
    ...(use === "cache" ? ["+flushdb"] : []),
  ].join(" ");
}
