import { parseSync } from "libpg-query";
import type { Node } from "./nodes";

export interface ParsedStatement {
  stmt: Node;
  /** Bytes before it; left out for the first. */
  stmt_location?: number;
  /** Bytes of it; left out for the last where no `;` ends it. */
  stmt_len?: number;
}

/** Throws where the text is no SQL. */
export function statementsOf(sql: string): ParsedStatement[] {
  return (parseSync(sql).stmts ?? []) as unknown as ParsedStatement[];
}
