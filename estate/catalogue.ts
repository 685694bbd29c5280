import { mcpPortalJobs } from "./jobs";
import { passwordSecretName, serviceUser } from "./naming";
import { mcpAdmin } from "./row-security/mcp-admin";
import { mcpPortal } from "./row-security/mcp-portal";
import { ncy8 } from "./row-security/ncy8";
import type { RowSecurityRules } from "./row-security/types";
import type { MariadbEntry, PostgresEntry, RedisUserEntry, ServerDeclaration } from "./types";

/** The estate's servers. Where each is stands in Pulumi.<stack>.yaml, under the same name. */
export const servers: Readonly<Record<string, ServerDeclaration>> = {
  plesk: { engine: "mariadb", management: "panel", changeLog: false, mostDatabases: 5 },
  mariadb: { engine: "mariadb", management: "provisioned", changeLog: true, secretPrefix: "MYSQL" },
  postgres: { engine: "postgres", management: "provisioned", changeLog: true, secretPrefix: "PG" },
  redis: { engine: "redis", management: "provisioned", changeLog: false, secretPrefix: "REDIS" },
};

/**
 * Its databases, one entry each. What an entry leaves out follows from the defaults at the foot of this file.
 * To retire a database see docs/retire-a-database.md; never just delete its entry.
 */

const archived = { personalData: true, backup: "archive" } as const;
const personal = { personalData: true, backup: "daily" } as const;
const technical = { personalData: false, backup: "daily" } as const;

/** The application creates and upgrades its own tables, so its user needs DDL inside its own database. */
const application = (reason: string) => ({ schema: { owner: "application", reason } }) as const;
/** The tables are migrated by this program; the service reads and writes rows and cannot change a table. */
const program = (reason: string) => ({ schema: { owner: "program", reason } }) as const;

// biome-ignore format: a table reads better with one row a line
export const databases = [
  // Tier 1: MariaDB on the web host, where at most five databases fit
  plesk("mo_main",       { application: "WordPress",     purpose: "website",               ...personal,  ...application("WordPress core and plugins upgrade their tables") }),
  plesk("mo_votes",      { application: "Voting",        purpose: "votes",                 ...personal,  ...program("ballots must not be reachable by DDL of the web application") }),
  plesk("mo_support",    { application: "Support",       purpose: "support tickets",       ...personal,  ...application("the ticket system upgrades its tables") }),
  plesk("mo_newsletter", { application: "Newsletter",    purpose: "newsletter management", ...personal,  ...program("subscriber data; the sender only reads and writes rows") }),
  plesk("mo_forum",      { application: "Forum",         purpose: "community forum",       ...personal,  ...application("the forum software upgrades its tables") }),

  // Tier 2: external MariaDB
  mariadb("mo_crm",       { application: "Drupal 10 + CiviCRM", purpose: "members and donations",        ...archived,  ...application("Drupal and CiviCRM run updatedb and upgrade:db") }),
  mariadb("mo_n8n",       { application: "n8n",                 purpose: "automation workflows",         ...technical, ...application("n8n migrates at start") }),
  mariadb("mo_hooks",     { application: "Webhooks",            purpose: "webhook logs and queue",       ...personal,  ...program("a queue with a fixed schema") }),
  mariadb("mo_consent",   { application: "Consent",             purpose: "consent records (DSGVO)",      ...archived,  ...program("consent is evidence: no DDL for the application that writes it") }),
  mariadb("mo_games",     { application: "Games",               purpose: "educational gaming platform",  ...personal,  ...application("the games' own migrations deploy with the application") }),
  mariadb("mo_analytics", { application: "Analytics",           purpose: "analytics and reporting",      ...technical, ...program("reports read; loads write rows") }),
  mariadb("mo_api_stg",   { application: "API",                 purpose: "API staging environment",      ...technical, ...application("staging runs the API's migrations first") }),
  mariadb("mo_admin_stg", { application: "Admin",               purpose: "admin staging environment",    ...technical, ...application("staging runs the admin's migrations first") }),
  mariadb("mo_nextcloud", { application: "Nextcloud",           purpose: "file storage",                 ...personal,  ...application("occ upgrade changes tables"), collation: "utf8mb4_bin" }),

  // Tier 3: external PostgreSQL
  postgres("mo_idp",       { application: "Keycloak",  purpose: "identity provider",       ...personal,  ...application("Keycloak runs Liquibase at start") }),
  postgres("mo_grafana",   { application: "Grafana",   purpose: "metrics and dashboards",  ...technical, ...application("Grafana migrates at start") }),
  postgres("mo_discourse", { application: "Discourse", purpose: "forum (optional)",        ...personal,  ...application("Discourse runs its own migrations"), extensions: ["hstore", "pg_trgm"] }),

  // Platform databases
  postgres("mcp_portal", { application: "MCP portal", purpose: "users, MCP servers and their settings", ...personal, ...program("row-level security: the service must not own its tables"),
    owner: "mcp_admin", extensions: ["uuid-ossp", "pgcrypto", "pg_stat_statements"], databaseConnectionLimit: 100,
    rowSecurity: mcpPortal, jobs: mcpPortalJobs, wrappingSecrets: { oldest: 1, newest: 1 } }),
  postgres("mcp_admin",  { application: "MCP admin",  purpose: "organisations and their services",      ...personal, ...program("row-level security: the service must not own its tables"), extensions: ["pgcrypto"],
    rowSecurity: mcpAdmin }),
  postgres("ncy8",       { application: "NCY_8",      purpose: "projects, tasks and their audit",       ...personal, ...program("row-level security: the service must not own its tables"), extensions: ["pgcrypto"],
    rowSecurity: ncy8 }),
];

// One instance each: what one service does to its own (a long script, all the memory, all the connections) no other one feels.
// biome-ignore format: a table reads better with one row a line
export const redisUsers: RedisUserEntry[] = [
  redis("svc_main",       { application: "WordPress",  purpose: "page cache and sessions",   use: "cache", port: 6380, memoryShare: 20, keyPrefix: "main:",       secret: "REDIS_PASSWORD" }),
  redis("svc_crm",        { application: "CiviCRM",    purpose: "sessions and caches",       use: "cache", port: 6381, memoryShare: 15, keyPrefix: "crm:",        secret: "REDIS_CRM_PASSWORD" }),
  redis("svc_n8n",        { application: "n8n",        purpose: "execution queue",           use: "queue", port: 6382, memoryShare: 10, keyPrefix: "n8n:",        secret: "REDIS_N8N_PASSWORD" }),
  redis("svc_nextcloud",  { application: "Nextcloud",  purpose: "file locks and caches",     use: "cache", port: 6383, memoryShare: 15, keyPrefix: "nextcloud:",  secret: "REDIS_NEXTCLOUD_PASSWORD" }),
  redis("svc_discourse",  { application: "Discourse",  purpose: "background jobs and cache", use: "queue", port: 6384, memoryShare: 20, keyPrefix: "discourse:",  secret: "REDIS_DISCOURSE_PASSWORD" }),
  redis("svc_mcp_portal", { application: "MCP portal", purpose: "sessions and rate limits",  use: "cache", port: 6385, memoryShare: 10, keyPrefix: "mcp_portal:", secret: "REDIS_MCP_PORTAL_PASSWORD" }),
];

type Declared<Entry, Required extends keyof Entry> = Pick<Entry, Required> & Partial<Entry>;
type Stated = "application" | "purpose" | "personalData" | "backup" | "schema";

function redis(
  name: string,
  entry: Omit<RedisUserEntry, "name" | "state"> & Partial<RedisUserEntry>,
): RedisUserEntry {
  return { name, state: "live", ...entry };
}

function plesk(name: string, entry: Declared<MariadbEntry, Stated>): MariadbEntry {
  return { ...mariadb(name, entry), server: "plesk" };
}

function mariadb(name: string, entry: Declared<MariadbEntry, Stated>): MariadbEntry {
  return {
    name,
    engine: "mariadb",
    server: "mariadb",
    service: serviceUser(name),
    connectionLimit: 20,
    secret: passwordSecretName("mariadb", name),
    charset: "utf8mb4",
    collation: "utf8mb4_unicode_ci",
    state: "live",
    ...entry,
  };
}

function postgres(
  name: string,
  {
    rowSecurity,
    ...entry
  }: Declared<Omit<PostgresEntry, "rowSecurity">, Stated> & { rowSecurity?: RowSecurityRules },
): PostgresEntry {
  const service = serviceUser(name);
  return {
    name,
    engine: "postgres",
    server: "postgres",
    service,
    owner: entry.schema.owner === "application" ? service : `${name}_owner`,
    connectionLimit: 20,
    secret: passwordSecretName("postgres", name),
    encoding: "UTF8",
    locale: "en_US.utf8",
    extensions: [],
    databaseConnectionLimit: -1,
    rowSecurity: rowSecurity && { database: name, ...rowSecurity },
    jobs: [],
    state: "live",
    ...entry,
  };
}
