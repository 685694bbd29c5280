import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { POSTGRES_BACKUP_SQL } from "../../estate/backup-logins";
import { ADMIN } from "../../estate/naming";

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
  const login = `IDENTIFIED VIA mysql_native_password USING '${mariadbHash(password)}' REQUIRE SSL`;
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
    `ALTER ROLE ${ADMIN} WITH LOGIN SUPERUSER PASSWORD '${scramVerifier(password)}';`,
    ...POSTGRES_BACKUP_SQL,
  ].join("\n");
}

/** `*` and upper hex of sha1(sha1(password)): what mysql_native_password keeps. */
function mariadbHash(password: string): string {
  const sha1 = (data: string | Buffer) => createHash("sha1").update(data).digest();
  return `*${sha1(sha1(password)).toString("hex").toUpperCase()}`;
}

/**
 * The SCRAM-SHA-256 verifier PostgreSQL keeps (RFC 5802, 7677). The salt follows from the password, so that the same
 * password gives the same text and a run without changes changes nothing; it is stretched like the password itself and
 * so tells a thief no more than the verifier does.
 */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = pbkdf2Sync(password, `salt of ${ADMIN}`, iterations, 16, "sha256");
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const hmac = (text: string) => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(hmac("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${hmac("Server Key").toString("base64")}`;
}
