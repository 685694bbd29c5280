import { mcpAdmin } from "./mcp-admin";
import { mcpPortal } from "./mcp-portal";
import { ncy8 } from "./ncy8";
import type { RowSecurityDeclaration } from "./types";

/** Every database with row-level security. */
export const rowSecurity: readonly RowSecurityDeclaration[] = [mcpPortal, mcpAdmin, ncy8];

/** undefined: the database has none, its application decides who sees what. */
export function rowSecurityOf(database: string): RowSecurityDeclaration | undefined {
  return rowSecurity.find((each) => each.database === database);
}
