/** Names that follow from a database's name. Pure functions; the catalogue states what does not follow from a rule. */

/** The program's own login on every server it provisions. */
export const ADMIN = "estate_admin";

/** PostgreSQL's logins of the backup: one reads rows and nothing else, one makes physical copies and enters no database. */
export const BACKUP_LOGINS = { reader: "estate_backup", copier: "estate_base" } as const;

/** `mo_crm` -> `svc_crm`, `mcp_portal` -> `svc_mcp_portal`: the role or account a service works as. */
export function serviceUser(database: string): string {
  return `svc_${database.replace(/^mo_/, "")}`;
}

/** PostgreSQL login slots of a service: one for its password, one for the password before while that is still valid. */
export function loginSlots(service: string): [string, string] {
  return [`${service}_a`, `${service}_b`];
}

/** GitHub secret with a database's password: `MO_CRM_DB_PASS` on MariaDB, `PG_IDP_DB_PASS` on PostgreSQL. */
export function passwordSecretName(engine: "mariadb" | "postgres", database: string): string {
  return engine === "mariadb"
    ? `${database.toUpperCase()}_DB_PASS`
    : `PG_${database.replace(/^mo_/, "").toUpperCase()}_DB_PASS`;
}

/** GitHub secret with all it takes to log in: `MO_CRM_DATABASE_URL`. */
export function databaseUrlSecretName(database: string): string {
  return `${database.toUpperCase()}_DATABASE_URL`;
}

/** GitHub secret with the key that a service signs its requests' contexts with: `NCY8_CONTEXT_KEY`. */
export function contextKeySecretName(database: string): string {
  return `${database.toUpperCase()}_CONTEXT_KEY`;
}

/** GitHub secret with the private key and the certificate that a service shows when it logs in: `MO_CRM_CLIENT_CERTIFICATE`. */
export function clientCertificateSecretName(database: string): string {
  return `${database.toUpperCase()}_CLIENT_CERTIFICATE`;
}

/** The same for Redis, after its password's secret: `REDIS_CRM_PASSWORD` -> `REDIS_CRM_CLIENT_CERTIFICATE`. */
export function redisClientCertificateSecretName(passwordSecret: string): string {
  return `${passwordSecret.replace(/_PASSWORD$/, "")}_CLIENT_CERTIFICATE`;
}

/** The URL's for Redis, after its password's secret: `REDIS_PASSWORD` -> `REDIS_URL`, `REDIS_CRM_PASSWORD` -> `REDIS_CRM_URL`. */
export function redisUrlSecretName(passwordSecret: string): string {
  return `${passwordSecret.replace(/_PASSWORD$/, "")}_URL`;
}

/** GitHub secrets that the operator keeps: looked for, never written. */
export const OPERATOR_SECRETS = ["SSH_HOST", "SSH_PORT", "SSH_USER", "SSH_PRIVATE_KEY", "PLESK_API_KEY"];
