import type { DatabaseEntry } from "../../../estate/types";
import { onEach, type Servers, takeSnapshot } from "../servers";
import { snapshotFaults } from "../snapshot/compare";
import type { Snapshot } from "../snapshot/types";
import { dropMariadbApplication, VERSIONED } from "./application-mariadb";
import { dropPostgresApplication } from "./application-postgres";
import { fixtureOf } from "./fill";

/** What a database held before the drill, as statements that bring it back into emptied tables. By database. */
export type Kept = ReadonlyMap<string, string>;

/**
 * Takes away what the drill brought: its objects, and rows of tables that had none before or that `kept` brings back. Gives what
 * is still not as it was.
 */
export async function clean(
  servers: Servers,
  entries: readonly DatabaseEntry[],
  before: Snapshot,
  kept: Kept,
): Promise<string[]> {
  await onEach(servers, entries, (entry) => dropOwn(entry, before));
  const changed = await changedTables(servers, entries, before);
  await onEach(servers, entries, (entry) => {
    const tables = changed.get(entry.name);
    return tables ? emptyTables(entry, tables) + reload(entry, tables, kept.get(entry.name) ?? "") : "";
  });
  return snapshotFaults(await takeSnapshot(servers, entries), before);
}

function dropOwn(entry: DatabaseEntry, before: Snapshot): string {
  const { name, engine, schema } = entry;
  if (schema.owner === "program") return dropPartitions(entry, before);
  if (engine === "postgres") return dropPostgresApplication(name);
  const tables = [...fixtureOf(entry).matchAll(/^CREATE TABLE IF NOT EXISTS `?(\w+)`?/gm)]
    .map(([, table = ""]) => table)
    .filter((table) => !before.has(`${name}.${table}`));
  const fixture = tables.map((table) => `DROP TABLE IF EXISTS \`${table}\`;\n`).join("");
  return `${dropMariadbApplication(name)}SET foreign_key_checks = 0;\n${fixture}SET foreign_key_checks = 1;\n`;
}

/** Fixtures make partitions of the past, which no migration does. */
function dropPartitions(entry: DatabaseEntry, before: Snapshot): string {
  if (entry.engine === "mariadb") return "";
  const made = [...fixtureOf(entry).matchAll(/^CREATE TABLE (\w+\.\w+) PARTITION OF/gm)]
    .map(([, table = ""]) => table)
    .filter((table) => !before.has(`${entry.name}.${table}`));
  return `\\connect ${entry.name}\n${made.map((table) => `DROP TABLE IF EXISTS ${table};\n`).join("")}`;
}

/** By database: tables, as `schema.table` on PostgreSQL, that are not as they were. */
async function changedTables(
  servers: Servers,
  entries: readonly DatabaseEntry[],
  before: Snapshot,
): Promise<Map<string, string[]>> {
  const changed = new Map<string, string[]>();
  const now = await takeSnapshot(servers, entries);
  for (const [table, { rows, sum }] of before) {
    const is = now.get(table);
    if (!is || (is.rows === rows && is.sum === sum)) continue;
    const [database = "", ...name] = table.split(".");
    changed.set(database, [...(changed.get(database) ?? []), name.join(".")]);
  }
  return changed;
}

/** Past triggers that forbid it: what goes is the drill's own. */
function emptyTables({ name, engine }: DatabaseEntry, tables: readonly string[]): string {
  if (engine === "mariadb") {
    const truncate = tables
      .map((table) =>
        table === VERSIONED
          ? `DELETE FROM ${table};\nDELETE HISTORY FROM ${table};\n`
          : `TRUNCATE TABLE \`${table}\`;\n`,
      )
      .join("");
    return `USE \`${name}\`;\nSET foreign_key_checks = 0;\n${truncate}SET foreign_key_checks = 1;\n`;
  }
  const empty = tables.map((table) => `DELETE FROM ONLY ${table};\n`).join("");
  return `\\connect ${name}\nSET session_replication_role = replica;\n${empty}`;
}

/** Only the rows of these tables: what did not change stays. */
function reload({ engine }: DatabaseEntry, tables: readonly string[], kept: string): string {
  if (engine === "mariadb") {
    const lines = kept
      .split("\n")
      .filter((line) => tables.some((table) => line.startsWith(`INSERT INTO \`${table}\` `)));
    return `SET foreign_key_checks = 0;\n${lines.join("\n")}\nSET foreign_key_checks = 1;\n`;
  }
  const blocks = kept.match(/^COPY [\s\S]*?^\\\.$/gm) ?? [];
  const wanted = blocks.filter((block) => tables.some((table) => block.startsWith(`COPY ${table} `)));
  return `${wanted.join("\n")}\nRESET session_replication_role;\n`;
}

/** Commands on a host that print what `Kept` holds of these databases, each after a line `-- kept DATABASE`. */
export function keepCommand(entries: readonly DatabaseEntry[]): string {
  const names = entries.map(({ name }) => name).join(" ");
  const dump =
    entries[0]?.engine === "postgres"
      ? 'runuser -u postgres -- pg_dump --data-only -d "$d"'
      : 'mariadb-dump --no-create-info --skip-triggers --skip-extended-insert --complete-insert --hex-blob "$d"';
  return `for d in ${names}; do echo "-- kept $d"; ${dump}; done`;
}

export function keptOf(text: string): [string, string][] {
  const [, ...parts] = text.split(/^-- kept (\w+)$/m);
  return parts.flatMap((database, at) =>
    at % 2 === 0 ? [[database, parts[at + 1] ?? ""] as [string, string]] : [],
  );
}

/** Empties what the web host's databases hold: it is the way in, and is not destroyed. */
export function wipe(entry: DatabaseEntry, snapshot: Snapshot): string {
  const tables = [...snapshot.keys()]
    .filter((table) => table.startsWith(`${entry.name}.`))
    .map((table) => table.slice(entry.name.length + 1))
    .filter((table) => table !== "migration_history");
  return emptyTables(entry, tables);
}
