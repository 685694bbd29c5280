import type { DatabaseEntry } from "../../../estate/types";
import { onHost } from "../hosts";
import { byServer, type Server } from "../servers";

/** What the server's own dump tells of a database without its rows: tables, views, triggers, policies, grants, owners. By database. */
export type Structure = ReadonlyMap<string, string>;

export async function takeStructure(entries: readonly DatabaseEntry[]): Promise<Structure> {
  const parts = await Promise.all(
    byServer(entries).map(async ([server, own]) => {
      const dump = own[0]?.engine === "postgres" ? POSTGRES : MARIADB;
      const names = own.map(({ name }) => name).join(" ");
      const script = `for d in ${names}; do echo "-- structure of $d"; ${dump}; done`;
      return structuresOf(await onHost(server as Server, ["bash", "-euo", "pipefail", "-c", script]));
    }),
  );
  return new Map(parts.flat());
}

const POSTGRES = 'runuser -u postgres -- pg_dump --schema-only -d "$d"';
const MARIADB =
  'mariadb-dump --no-data --routines --triggers --events --skip-comments --default-character-set=utf8mb4 "$d"';

/** A trigger's head is kept as it was typed; a restore types its own. */
const TRIGGER = /(TRIGGER) `?(\w+)`? (BEFORE|AFTER) (INSERT|UPDATE|DELETE) ON `?(\w+)`? FOR EACH ROW\s+/g;
const sameTrigger = (_: string, ...words: string[]) => `${words.slice(0, 5).join(" ")} FOR EACH ROW `;

/** Without what a dump says of itself, and the numbers that a table counts on with. */
export function structuresOf(text: string): [string, string][] {
  const [, ...parts] = text.split(/^-- structure of (\w+)$/m);
  return parts.flatMap((database, at) => {
    if (at % 2 === 1) return [];
    const lines = (parts[at + 1] ?? "")
      .replace(/ AUTO_INCREMENT=\d+/g, "")
      .replace(TRIGGER, sameTrigger)
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => !/^(--|\\(un)?restrict |SELECT pg_catalog\.set_config|$)/.test(line));
    return [[database, lines.join("\n")] as [string, string]];
  });
}

/** The first line of each database that differs; none: all are as they were. */
export function structureFaults(now: Structure, remembered: Structure): string[] {
  return [...remembered].flatMap(([database, was]) => {
    const is = now.get(database);
    if (is === was) return [];
    if (is === undefined) return [`${database} is missing`];
    const [lines, former] = [is.split("\n"), was.split("\n")];
    const at = former.findIndex((line, index) => line !== lines[index]);
    const index = at === -1 ? former.length : at;
    return [`${database}: line ${index + 1} is "${lines[index] ?? ""}"; it was "${former[index] ?? ""}"`];
  });
}

/** Roles of PostgreSQL, their attributes and memberships; without passwords, whose salts are new each time. */
export async function takeRoles(): Promise<string> {
  const text = await onHost("postgres", [
    ...["runuser", "-u", "postgres", "--", "pg_dumpall", "--globals-only", "--no-role-passwords"],
  ]);
  return text
    .split("\n")
    .filter((line) => !/^(--|\\(un)?restrict |$)/.test(line))
    .join("\n");
}
