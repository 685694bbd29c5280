import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Fault, FaultyEstate } from "../faults";
import type { DatabaseEntry } from "../types";
import { faultsOf } from "./rules";
import { directivesOf, parseId, readScript } from "./script";
import { readText } from "./text";
import type { Migration, MigrationSet, Script } from "./types";

/** What each file under sql/<database> holds, by its name; `unreadable`: why it holds nothing. */
export type SqlFiles = Readonly<Record<string, string | Uint8Array | { unreadable: string }>>;

/** More is no migration; and of some gigabytes no text can be made. */
const MOST_BYTES = 64 << 20;

const NAMES = "name it NNNN_name.up.sql or NNNN_name.down.sql: four digits from 0001 on, then a-z, 0-9 and _";

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
  const files = existsSync(folder) ? readFolder(folder, `sql/${entry.name}`) : undefined;
  if (entry.schema.owner === "application") {
    if (!files) return undefined;
    const fix = `the application owns the schema (${entry.schema.reason}): remove the folder, or say schema.owner: "program"`;
    throw new FaultyEstate([{ path: `sql/${entry.name}`, value: Object.keys(files), fix }]);
  }
  return checkMigrations(entry, files ?? {});
}

/** Folders and links, which are no files, are there without a content: they are at fault. Throws FaultyEstate. */
function readFolder(folder: string, path: string): SqlFiles {
  if (!statSync(folder).isDirectory())
    throw new FaultyEstate([
      { path, value: path, fix: "is no folder: the files stand in a folder of this name" },
    ]);
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new FaultyEstate([{ path, value: path, fix: cannotBeRead(error) }]);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(
    entries.map((entry) =>
      entry.isFile()
        ? [entry.name, readFile(join(folder, entry.name))]
        : [entry.name, { unreadable: `is ${sortOf(entry)}: put the file itself here` }],
    ),
  );
}

function readFile(path: string): SqlFiles[string] {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES)
      return {
        unreadable: `has ${size} bytes, and a migration at most ${MOST_BYTES}: load such rows by other means`,
      };
    return readFileSync(path);
  } catch (error) {
    return { unreadable: cannotBeRead(error) };
  }
}

function cannotBeRead(error: unknown): string {
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? "no reason"}): mend its name or its rights`;
}

function sortOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return "a symbolic link";
  return entry.isDirectory() ? "a folder" : "no regular file";
}

/** Of all databases at once, by name, so that one run shows every fault. Throws FaultyEstate. */
export function readAllMigrations(
  entries: readonly Pick<DatabaseEntry, "name" | "engine" | "schema">[],
  projectDirectory: string,
): Record<string, MigrationSet> {
  const faults = orphanFaults(entries, projectDirectory);
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

/** Folders of no database: of one that is spelt otherwise, most likely. */
function orphanFaults(entries: readonly { name: string }[], projectDirectory: string): Fault[] {
  const folder = join(projectDirectory, "sql");
  if (!existsSync(folder)) return [];
  const names = new Set(entries.map(({ name }) => name));
  return readdirSync(folder, { withFileTypes: true })
    .filter((found) => found.isDirectory() && !names.has(found.name))
    .map(({ name }) => ({
      path: `sql/${name}`,
      value: name,
      fix: "no entry of the catalogue has this name: rename the folder to its database, or remove it",
    }));
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

  for (const [file, content] of Object.entries(files)) {
    const [, id = "", direction] = /^(.+)\.(up|down)\.sql$/.exec(file) ?? [];
    if (file !== SCHEMA_FILE && !parseId(id)) {
      add(file, file, NAMES);
      continue;
    }
    if (isUnreadable(content)) {
      add(file, file, content.unreadable);
      if (id) halves.set(id, halves.get(id) ?? {});
      continue;
    }
    if (direction !== "up" && direction !== "down") continue;
    const before = faults.length;
    const script = parse(content, engine, `sql/${database}/${file}`, (line, fix) =>
      add(`${file}:${line}`, id, fix),
    );
    halves.set(id, { ...halves.get(id), [direction]: script });
    if (script.statements.length === 0 && faults.length === before)
      add(file, id, "holds no statement: write what the step does");
  }

  const ids = [...halves.keys()].sort();
  for (const id of ids) {
    for (const direction of ["up", "down"] as const) {
      const file = `${id}.${direction}.sql`;
      if (!(file in files)) add(file, undefined, "every up has a down: write it");
    }
  }
  checkVersions(ids, (id, fix) => add("", id, fix));
  if (ids.length === 0)
    add("", undefined, "the program owns the schema: write 0001_<name>.up.sql and .down.sql");
  const dumped = files[SCHEMA_FILE] ?? "";
  const schema = readText(isUnreadable(dumped) ? "" : dumped);
  for (const { line, message } of schema.faults) add(`${SCHEMA_FILE}:${line}`, SCHEMA_FILE, message);
  if (faults.length > 0) throw new FaultyEstate(faults);

  const migrations = ids.map((id) => migration(id, halves.get(id) ?? {}));
  return { database, engine, migrations, schema: schema.text };
}

function isUnreadable(content: SqlFiles[string]): content is { unreadable: string } {
  return typeof content === "object" && "unreadable" in content;
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
  content: string | Uint8Array,
  engine: DatabaseEntry["engine"],
  source: string,
  add: (line: number, fix: string) => void,
): Script {
  const { script, faults } = readScript(content, engine, source);
  for (const { word, line, known } of directivesOf(script.text)) {
    if (!known) add(line, `"-- estate: ${word}" is unknown; there is: no-transaction`);
    else if (engine === "mariadb")
      add(line, "statements of MariaDB commit by themselves: leave the directive out");
    else if (line !== 1) add(line, "a directive is the first line of its file");
  }
  for (const { line, message } of faults) add(line, message);
  for (const { line, fix } of faultsOf(script, engine)) add(line, fix);
  return script;
}
