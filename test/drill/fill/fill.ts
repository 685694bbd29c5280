import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { splitStatements } from "../../../estate/migrations/split";
import type { DatabaseEntry } from "../../../estate/types";
import { projectDirectory } from "../process";
import { onEach, type Servers } from "../servers";
import { mariadbApplication } from "./application-mariadb";
import { postgresApplication } from "./application-postgres";
import { programRows } from "./program";
import type { AsService } from "./services";

/**
 * Fills every database. Where an application owns the schema, its service user makes the drill's own objects and those of the
 * fixture; where the program does, the server's own client puts in rows, several tenants in each platform database. Throws where a
 * server refuses a row.
 */
export async function fill(
  servers: Servers,
  asService: AsService,
  entries: readonly DatabaseEntry[],
): Promise<void> {
  const owned = (owner: DatabaseEntry["schema"]["owner"]) =>
    entries.filter(({ schema }) => schema.owner === owner);
  await onEach(servers, owned("program"), (entry) => opened(entry, fixtureOf(entry)) + programRowsOf(entry));
  await Promise.all(owned("application").map((entry) => asService(entry, applicationOf(entry))));
}

/** Statements, in their order. */
function applicationOf(entry: DatabaseEntry): string[] {
  const { name, engine } = entry;
  const own = engine === "mariadb" ? mariadbApplication(name) : postgresApplication();
  return splitStatements(`${fixtureOf(entry)}\n${own}`, engine).map(({ text }) => text);
}

function programRowsOf(entry: DatabaseEntry): string {
  const rows = programRows[entry.name];
  if (!rows)
    throw new Error(`the drill has no rows for ${entry.name}: add them to test/drill/fill/program.ts`);
  return opened(entry, rows);
}

/** test/fixtures has what some applications' own tables hold, and rows of those that the program makes. */
export function fixtureOf(entry: DatabaseEntry): string {
  const file = path.join(projectDirectory, "test/fixtures", `${entry.name}.sql`);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** In the database, all or nothing where the server can. */
function opened({ name, engine }: DatabaseEntry, text: string): string {
  if (text === "") return "";
  return engine === "mariadb"
    ? `USE \`${name}\`;\n${text}`
    : `\\connect ${name}\nSET client_min_messages = warning;\nBEGIN;\n${text}\nCOMMIT;\n`;
}
