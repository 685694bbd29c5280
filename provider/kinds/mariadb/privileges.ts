/** Privileges that MariaDB 10.6 to 11.8 knows on one table. */
const TABLE = [
  "ALTER",
  "CREATE",
  "CREATE VIEW",
  "DELETE",
  "DELETE HISTORY",
  "DROP",
  "INDEX",
  "INSERT",
  "REFERENCES",
  "SELECT",
  "SHOW VIEW",
  "TRIGGER",
  "UPDATE",
] as const;

/** ... and on a whole database. */
const DATABASE = [
  ...TABLE,
  "ALTER ROUTINE",
  "CREATE ROUTINE",
  "CREATE TEMPORARY TABLES",
  "EVENT",
  "EXECUTE",
  "LOCK TABLES",
  "SHOW CREATE ROUTINE",
] as const;

export const TABLE_PRIVILEGES: ReadonlySet<string> = new Set(TABLE);
export const DATABASE_PRIVILEGES: ReadonlySet<string> = new Set(DATABASE);

/** First version of a privilege that not every supported server has. */
export const PRIVILEGE_SINCE: Readonly<Record<string, readonly [number, number]>> = {
  "SHOW CREATE ROUTINE": [11, 3],
};

/** Why a privilege is refused whatever it is asked for on; undefined: it is not on the list. */
export function forbiddenPrivilege(privilege: string): string | undefined {
  if (/^ALL( PRIVILEGES)?$/.test(privilege)) return "list the privileges that are needed, one by one";
  if (privilege === "GRANT OPTION") return "a service must not pass its rights on: remove it";
  if (
    /^(SUPER|FILE|PROCESS|RELOAD|SHUTDOWN|CREATE USER|CREATE TABLESPACE|SHOW DATABASES|SET USER)$/.test(
      privilege,
    )
  ) {
    return "it is a global privilege, which a service never gets: remove it";
  }
  if (/ ADMIN$|^REPLICATION |^(REPLICA|SLAVE|BINLOG) MONITOR$|^FEDERATED |^READ_ONLY /.test(privilege)) {
    return "it is a global privilege, which a service never gets: remove it";
  }
  return undefined;
}
