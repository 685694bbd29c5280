import { readMigrations } from "../../estate/migrations/read";
import type { MigrationSet } from "../../estate/migrations/types";
import type { DatabaseEntry } from "../../estate/types";
import type { DeclaredMigration } from "../../migrate/types";
import { couldNotTell, messageOf } from "../exit";
import { requireKnown } from "../reach/only";

/** A database and its files; undefined: its application owns the schema. */
export interface Selected {
  entry: DatabaseEntry;
  set: MigrationSet | undefined;
}

/** The databases named (default: all live ones), each with its files. Throws on unknown names and on faulty files. */
export function selectMigrations(
  databases: readonly DatabaseEntry[],
  names: readonly string[],
  projectDirectory: string,
): Selected[] {
  const live = databases.filter(({ state }) => state === "live");
  requireKnown(names, live);
  const wanted = names.length > 0 ? live.filter(({ name }) => names.includes(name)) : live;
  return wanted.map((entry) => ({ entry, set: read(entry, projectDirectory) }));
}

/** `to`: 0, or the version of a file of each. Where it is none, "nothing to do" would be said of what was never meant. */
export function requireVersion(selected: readonly Selected[], to: number | undefined): void {
  if (to === undefined || to === 0) return;
  for (const { entry, set } of selected) {
    if (!set || set.migrations.some(({ version }) => version === to)) continue;
    const last = set.migrations.at(-1)?.version ?? 0;
    throw couldNotTell(`--to is ${to}: ${entry.name} has no such version; its files go to ${last}`);
  }
}

function read(entry: DatabaseEntry, projectDirectory: string): MigrationSet | undefined {
  try {
    return readMigrations(entry, projectDirectory);
  } catch (error) {
    throw couldNotTell(messageOf(error));
  }
}

export function declaredOf(set: MigrationSet): DeclaredMigration[] {
  return set.migrations.map((migration) => {
    const { id, version, name, up } = migration;
    return { id, version, name, checksum: up.checksum, migration };
  });
}
