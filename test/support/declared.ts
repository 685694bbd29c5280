import { rowSecurityOf } from "../../estate/row-security";
import type { RowSecurityDeclaration } from "../../estate/row-security/types";

function declared(database: string): RowSecurityDeclaration {
  const declaration = rowSecurityOf(database);
  if (!declaration) throw new Error(`the catalogue gives ${database} no row security`);
  return declaration;
}

/** The row security of the platform databases, as the catalogue has it. */
export const mcpPortal = declared("mcp_portal");
export const mcpAdmin = declared("mcp_admin");
export const ncy8 = declared("ncy8");
