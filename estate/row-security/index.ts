import { databases } from "../catalogue";
import type { RowSecurityDeclaration } from "./types";

/** Of every database that the catalogue gives row-level security. */
export const rowSecurity: readonly RowSecurityDeclaration[] = databases.flatMap((entry) =>
  entry.engine === "postgres" && entry.rowSecurity ? [entry.rowSecurity] : [],
);

/** undefined: the database has none, its application decides who sees what. */
export function rowSecurityOf(database: string): RowSecurityDeclaration | undefined {
  return rowSecurity.find((each) => each.database === database);
}
