/** Names that follow from a database's name. Pure functions; the catalogue states what does not follow from a rule. */

/** The program's own login on every server it provisions. */
export const ADMIN = "estate_admin";

/** `mo_crm` -> `svc_crm`, `mcp_portal` -> `svc_mcp_portal`: the role or account a service works as. */
export function serviceUser(database: string): string {
  return `svc_${database.replace(/^mo_/, "")}`;
}

/** PostgreSQL login slot of a password generation: odd generations log in as `_a`, even ones as `_b`. */
export function loginSlot(service: string, generation: number): string {
  return `${service}_${generation % 2 === 1 ? "a" : "b"}`;
}

/** GitHub secret with a database's password: `MO_CRM_DB_PASS` on MariaDB, `PG_IDP_DB_PASS` on PostgreSQL. */
export function passwordSecretName(engine: "mariadb" | "postgres", database: string): string {
  return engine === "mariadb"
    ? `${database.toUpperCase()}_DB_PASS`
    : `PG_${database.replace(/^mo_/, "").toUpperCase()}_DB_PASS`;
}
