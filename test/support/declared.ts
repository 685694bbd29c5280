import { databases, redisUsers } from "../../estate/catalogue";
import { rowSecurityOf } from "../../estate/row-security";
import type { RowSecurityDeclaration } from "../../estate/row-security/types";
import { savedOf } from "../../estate/saved";
import { databaseServers } from "../../estate/servers";

const alive = <E extends { state: string }>(entries: readonly E[]) =>
  entries.filter(({ state }) => state === "live");

/** How much of the catalogue lives: nobody counts its lines by hand. */
export const live = {
  databases: databases.filter(({ state }) => state === "live").length,
  mariadb: databases.filter(({ state, engine }) => state === "live" && engine === "mariadb").length,
  postgres: databases.filter(({ state, engine }) => state === "live" && engine === "postgres").length,
  redis: redisUsers.filter(({ state }) => state === "live").length,
  /** What backups save: databases, queues, and the accounts of each server of databases. */
  saved: alive(savedOf({ databases, redisUsers })).length + databaseServers().length,
  /** Of databases and of Redis. */
  services: [...databases, ...redisUsers].filter(({ state }) => state === "live").length,
};

function declared(database: string): RowSecurityDeclaration {
  const declaration = rowSecurityOf(database);
  if (!declaration) throw new Error(`the catalogue gives ${database} no row security`);
  return declaration;
}

/** The row security of the platform databases, as the catalogue has it. */
export const mcpPortal = declared("mcp_portal");
export const mcpAdmin = declared("mcp_admin");
export const ncy8 = declared("ncy8");
