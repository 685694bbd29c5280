import { POSTGRES_BACKUP_SQL } from "../../estate/backup-logins";
import { ADMIN } from "../../estate/naming";
import { passwordHash } from "../../text/mariadb";
import { steadyVerifier } from "../../text/scram";

export { ADMIN };

/**
 * What the admin needs on MariaDB: everything it hands out to services, and the management of accounts.
 * Not FILE, SUPER, SHUTDOWN or replication: those belong to root on the host.
 */
const MARIADB_ADMIN_PRIVILEGES = [
  "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE TEMPORARY TABLES, LOCK TABLES",
  "TRIGGER, EVENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE",
  "CREATE USER, SHOW DATABASES, PROCESS, RELOAD, CONNECTION ADMIN",
].join(", ");

/** SQL for MariaDB: the admin from one address, over TLS, with a hash for a password. Idempotent. */
export function mariadbAdminSql(password: string, host: string): string {
  const account = `'${ADMIN}'@'${host}'`;
  const login = `IDENTIFIED VIA mysql_native_password USING '${passwordHash(password)}' REQUIRE SSL`;
  return [
    `CREATE USER IF NOT EXISTS ${account} ${login};`,
    `ALTER USER ${account} ${login} ACCOUNT UNLOCK;`,
    `GRANT ${MARIADB_ADMIN_PRIVILEGES} ON *.* TO ${account} WITH GRANT OPTION;`,
  ].join("\n");
}

/**
 * SQL for PostgreSQL: a superuser, because extensions such as pg_stat_statements, objects of every owner and BYPASSRLS
 * roles need one. pg_hba.conf lets it in from the web host over TLS only. Idempotent.
 */
export function postgresAdminSql(password: string): string {
  return [
    "SET log_min_duration_statement = -1;",
    `DO $$ BEGIN IF to_regrole('${ADMIN}') IS NULL THEN CREATE ROLE ${ADMIN}; END IF; END $$;`,
    `ALTER ROLE ${ADMIN} WITH LOGIN SUPERUSER PASSWORD '${steadyVerifier(password, `salt of ${ADMIN}`)}';`,
    ...POSTGRES_BACKUP_SQL,
  ].join("\n");
}
