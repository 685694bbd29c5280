import { readFileSync } from "node:fs";
import * as path from "node:path";

const FOLDER = path.join(__dirname, "../fixtures");

/** Anything that runs the statements of one text: one connection, in their order. */
export interface Loader {
  query(sql: string): Promise<unknown>;
}

/** The statements of test/fixtures/<name>.sql, in their order: one text on PostgreSQL takes them as they are. */
export function fixture(name: string): string {
  return readFileSync(path.join(FOLDER, `${name}.sql`), "utf8");
}

/**
 * Loads test/fixtures/<database>.sql over a connection that may write every table of it and has the database open. On
 * PostgreSQL that is the superuser, and the schema `context` is there: the audit triggers ask it who writes.
 */
export async function loadFixtures(connection: Loader, database: string): Promise<void> {
  for (const statement of statements(fixture(database))) await connection.query(statement);
}

/** Fixtures hold plain statements without a `;` at the end of a line inside of one. */
function statements(text: string): string[] {
  return text
    .split(/;\s*$/m)
    .map((statement) => statement.replace(/^(\s*--.*\n)+/, "").trim())
    .filter((statement) => statement !== "");
}

/** A row of the fixtures of mcp_admin, mcp_portal and ncy8 by the end of its UUID: `rowId("a1")`, `rowId("9a1")`. */
export const rowId = (end: string): string => `00000000-0000-4000-8000-${end.padStart(12, "0")}`;
