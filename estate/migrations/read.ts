import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Fault, FaultyEstate } from "../faults";
import type { DatabaseEntry } from "../types";
import { faultsOf } from "./rules";
import { directivesOf, parseId, parseScript } from "./script";
import { SqlFault } from "./split";
import type { Migration, MigrationSet, Script } from "./types";

/** The text of each file under sql/<database>, by its name. */
export type SqlFiles = Readonly<Record<string, string>>;

/** What stands in the folder beside the migrations. */
const SCHEMA_FILE = "schema.sql";

/**
 * The migrations of a database from the project's `sql/<database>`, checked; undefined: its application owns the schema.
 * Throws FaultyEstate: all faults of all files at once, each with file, line and fix.
 */
export function readMigrations(
  entry: Pick<DatabaseEntry, "name" | "engine" | "schema">,
  projectDirectory: string,
): MigrationSet | undefined {
  const folder = join(projectDirectory, "sql", entry.name);
  const files = existsSync(folder) ? readFolder(folder) : undefined;
  if (entry.schema.owner === "application") {
    if (!files) return undefined;
    const fix = `the application owns the schema (${entry.schema.reason}): remove the folder, or say schema.owner: "program"`;
    throw new FaultyEstate([{ path: `sql/${entry.name}`, value: Object.keys(files), fix }]);
  }
  return checkMigrations(entry, files ?? {});
}

function readFolder(folder: string): SqlFiles {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** Of all databases at once, by name, so that one run shows every fault. Throws FaultyEstate. */
export function readAllMigrations(
  entries: readonly Pick<DatabaseEntry, "name" | "engine" | "schema">[],
  projectDirectory: string,
): Record<string, MigrationSet> {
  const faults: Fault[] = [];
  const sets: Record<string, MigrationSet> = {};
  for (const entry of entries) {
    try {
      const set = readMigrations(entry, projectDirectory);
      if (set) sets[entry.name] = set;
    } catch (error) {
      if (!(error instanceof FaultyEstate)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0) throw new FaultyEstate(faults);
  return sets;
}

/** Pure. Throws FaultyEstate. */
export function checkMigrations(
  { name: database, engine }: Pick<DatabaseEntry, "name" | "engine">,
  files: SqlFiles,
): MigrationSet {
  const faults: Fault[] = [];
  const add = (file: string, value: unknown, fix: string) =>
    faults.push({ path: `sql/${database}${file && `/${file}`}`, value, fix });
  const halves = new Map<string, Partial<Record<"up" | "down", Script>>>();

  for (const [file, text] of Object.entries(files)) {
    if (file === SCHEMA_FILE) continue;
    const [, id, direction] = /^(.+)\.(up|down)\.sql$/.exec(file) ?? [];
    if (!id || !parseId(id) || (direction !== "up" && direction !== "down")) {
      add(
        file,
        file,
        "name it NNNN_name.up.sql or NNNN_name.down.sql: four digits from 0001 on, then a-z, 0-9 and _",
      );
      continue;
    }
    halves.set(id, { ...halves.get(id) });
    const script = parse(text, engine, `sql/${database}/${file}`, (line, fix) =>
      add(`${file}:${line}`, id, fix),
    );
    const half = halves.get(id);
    if (script && half) half[direction] = script;
    if (script?.statements.length === 0) add(file, id, "holds no statement: write what the step does");
  }

  const ids = [...halves.keys()].sort();
  for (const id of ids) {
    for (const direction of ["up", "down"] as const) {
      if (!(`${id}.${direction}.sql` in files))
        add(`${id}.${direction}.sql`, undefined, "every up has a down: write it");
    }
  }
  checkVersions(ids, (id, fix) => add("", id, fix));
  if (ids.length === 0)
    add("", undefined, "the program owns the schema: write 0001_<name>.up.sql and .down.sql");
  if (faults.length > 0) throw new FaultyEstate(faults);

  const migrations = ids.map((id) => migration(id, halves.get(id) ?? {}));
  return { database, engine, migrations, schema: files[SCHEMA_FILE] ?? "" };
}

function migration(id: string, { up, down }: Partial<Record<"up" | "down", Script>>): Migration {
  const parsed = parseId(id);
  if (!parsed || !up || !down) throw new Error(`${id} was not checked`);
  return { id, ...parsed, up, down };
}

function checkVersions(ids: readonly string[], add: (id: string, fix: string) => void): void {
  const byVersion = new Map<number, string[]>();
  for (const id of ids) {
    const version = parseId(id)?.version ?? 0;
    byVersion.set(version, [...(byVersion.get(version) ?? []), id]);
  }
  let next = 1;
  for (const [version, same] of byVersion) {
    const id = same.join(", ");
    if (same.length > 1) add(id, "the same version twice: give the newer one the next number");
    if (version !== next) add(id, `version ${next} is missing before it: versions go on without gaps`);
    next = version + 1;
  }
}

function parse(
  text: string,
  engine: DatabaseEntry["engine"],
  source: string,
  add: (line: number, fix: string) => void,
): Script | undefined {
  for (const { word, line, known } of directivesOf(text)) {
    if (!known) add(line, `"-- estate: ${word}" is unknown; there is: no-transaction`);
    else if (engine === "mariadb")
      add(line, "statements of MariaDB commit by themselves: leave the directive out");
    else if (line !== 1) add(line, "a directive is the first line of its file");
  }
  try {
    const script = parseScript(text, engine, source);
    for (const { line, fix } of faultsOf(script, engine)) add(line, fix);
    return script;
  } catch (error) {
    if (!(error instanceof SqlFault)) throw error;
    add(error.line, error.message);
    return undefined;
  }
}
