import { BACKUP_LOGINS } from "./naming";

/**
 * What backup and restore log in as, as it has to stand on a server: more would be a way to rise that no program declares. A host
 * tells it in these words (provider/kinds/host/settings-scripts.ts).
 */
const { reader, copier } = BACKUP_LOGINS;

/** Attributes, settings and memberships, members of its own included, of which neither has any. */
export const POSTGRES_BACKUP_LOGINS: Readonly<Record<string, string>> = {
  [reader]:
    "LOGIN BYPASSRLS INHERIT CONNECTION LIMIT 10, default_transaction_read_only=on, lo_compat_privileges=on, " +
    "in pg_read_all_data, in pg_use_reserved_connections",
  [copier]: "LOGIN REPLICATION INHERIT CONNECTION LIMIT 2",
};

/** MariaDB's are there only while they are used, and then this is all that may be said of them. */
export const MARIADB_BACKUP_LOGINS: Readonly<Record<string, string>> = {
  "estate-backup": "by its socket alone",
  "estate-restore": "by its socket alone",
};

/**
 * SQL that makes PostgreSQL's what they are, over the socket alone: neither has a password. The reader sees every row (row security
 * and large objects included) and can change none; it gets in when the services have used up all connections. Whatever else somebody
 * gave them goes, and so does who was made a member of them. Idempotent.
 */
export const POSTGRES_BACKUP_SQL: readonly string[] = [
  ...[reader, copier].flatMap((role) => [
    `DO $$ BEGIN IF to_regrole('${role}') IS NULL THEN CREATE ROLE ${role}; END IF; END $$;`,
    `ALTER ROLE ${role} RESET ALL;`,
    `DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT roleid, member, grantor FROM pg_catalog.pg_auth_members WHERE '${role}'::regrole IN (member, roleid) LOOP
    EXECUTE format('REVOKE %I FROM %I GRANTED BY %I CASCADE', pg_get_userbyid(found.roleid), pg_get_userbyid(found.member),
      pg_get_userbyid(found.grantor));
  END LOOP;
  FOR found IN SELECT d.datname FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE s.setrole = '${role}'::regrole LOOP
    EXECUTE format('ALTER ROLE ${role} IN DATABASE %I RESET ALL', found.datname);
  END LOOP;
END $$;`,
  ]),
  `ALTER ROLE ${reader} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS INHERIT PASSWORD NULL CONNECTION LIMIT 10 VALID UNTIL 'infinity';`,
  `ALTER ROLE ${reader} SET default_transaction_read_only = on;`,
  `ALTER ROLE ${reader} SET lo_compat_privileges = on;`,
  `GRANT pg_read_all_data, pg_use_reserved_connections TO ${reader};`,
  `ALTER ROLE ${copier} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE REPLICATION NOBYPASSRLS INHERIT PASSWORD NULL CONNECTION LIMIT 2 VALID UNTIL 'infinity';`,
];
