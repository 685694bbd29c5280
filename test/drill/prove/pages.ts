import type { DatabaseEntry } from "../../../estate/types";
import { asPostgres, onHost } from "../hosts";
import { byServer, type Server } from "../servers";

/**
 * Every page, row and index entry read by the engines' own tools: amcheck on PostgreSQL, CHECK TABLE on MariaDB. In their words;
 * none: all is sound. The extension that PostgreSQL needs for it is gone again at the end.
 */
export async function pageFaults(entries: readonly DatabaseEntry[]): Promise<string[]> {
  const faults = await Promise.all(
    byServer(entries).map(([server, own]) => {
      const names = own.map(({ name }) => name);
      return own[0]?.engine === "postgres" ? amcheck(names) : checkTables(server, names);
    }),
  );
  return faults.flat();
}

async function amcheck(names: readonly string[]): Promise<string[]> {
  const databases = names.map((name) => `--database=${name}`).join(" ");
  const check = `/usr/lib/postgresql/*/bin/pg_amcheck --install-missing --heapallindexed ${databases}`;
  const drop = names.map((name) => `\\connect ${name}\nDROP EXTENSION IF EXISTS amcheck;\n`).join("");
  try {
    await onHost("postgres", [
      ...asPostgres,
      "bash",
      "-c",
      `cd /; ${check} 2>&1 | tail -n 20 >&2; exit "\${PIPESTATUS[0]}"`,
    ]);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    await onHost(
      "postgres",
      [...asPostgres, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"],
      drop,
    );
  }
}

async function checkTables(server: Server, names: readonly string[]): Promise<string[]> {
  const said = await onHost(server, ["mariadb-check", "--check", "--extended", "--databases", ...names]);
  return checkFaults(said);
}

/** Each table that mariadb-check does not call OK, with its words; sequences have nothing to check. */
export function checkFaults(said: string): string[] {
  const faults: string[] = [];
  let table = "";
  for (const line of said.split("\n").map((each) => each.trim())) {
    if (line === "" || /\sOK$/.test(line) || /doesn't support check$/.test(line)) continue;
    if (/^(error|warning|note|info|status)\s*:/i.test(line)) faults.push(`${table}: ${line}`);
    else table = line;
  }
  return faults;
}
