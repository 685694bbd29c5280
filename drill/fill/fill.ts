import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { DatabaseEntry } from "../../estate/types";
import { projectDirectory } from "../process";
import { onEach, type Servers } from "../servers";
import { mariadbApplication } from "./application-mariadb";
import { postgresApplication } from "./application-postgres";
import { programRows } from "./program";

/**
 * Fills every database: with the drill's own objects where an application owns the schema, with rows where the program does, and
 * with the fixtures of both. Several tenants in each platform database. Throws where a server refuses a row.
 */
export async function fill(servers: Servers, entries: readonly DatabaseEntry[]): Promise<void> {
  await onEach(servers, entries, (entry) => fixtureOf(entry) + ownRows(entry));
}

function ownRows(entry: DatabaseEntry): string {
  if (entry.schema.owner === "application") {
    return entry.engine === "mariadb"
      ? mariadbApplication(entry.name)
      : postgresApplication(entry.name, entry.owner);
  }
  const rows = programRows[entry.name];
  if (!rows) throw new Error(`the drill has no rows for ${entry.name}: add them to drill/fill/program.ts`);
  return opened(entry, rows);
}

/** test/fixtures has what some applications' own tables hold, and rows of those that the program makes. */
export function fixtureOf(entry: DatabaseEntry): string {
  const file = path.join(projectDirectory, "test/fixtures", `${entry.name}.sql`);
  return existsSync(file) ? opened(entry, readFileSync(file, "utf8")) : "";
}

/** In the database, all or nothing where the server can. */
function opened({ name, engine }: DatabaseEntry, text: string): string {
  return engine === "mariadb"
    ? `USE \`${name}\`;\n${text}`
    : `\\connect ${name}\nSET client_min_messages = warning;\nBEGIN;\n${text}\nCOMMIT;\n`;
}
