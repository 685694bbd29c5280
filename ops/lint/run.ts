import { PostgresError } from "../../connect/postgres";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../../connect/postgres-server";
import { rowSecurityOf } from "../../estate/row-security";
import type { DatabaseEntry, PostgresEntry } from "../../estate/types";
import { couldNotTell, messageOf } from "../exit";
import { requireKnown } from "../reach/only";
import { type Finding, lintDatabase, lintServer } from "./lint";

/** What was found in one database, or on the server as such. */
export interface Linted {
  /** The database; of the server: its name in the stack. */
  name: string;
  kind: "database" | "server";
  /** `row-security`: the program declares who sees what. `application`: only what holds for every database was looked at. */
  scope: "row-security" | "application" | "server";
  findings: Finding[];
  /** Why nothing could be found out; undefined: it could. */
  error?: string;
}

/** The live PostgreSQL databases asked for; none: all. Throws on those that are not. */
export function selectLinted(databases: readonly DatabaseEntry[], names: readonly string[]): PostgresEntry[] {
  const live = databases.filter(({ state }) => state === "live");
  requireKnown(names, live);
  const postgres = live.filter((entry): entry is PostgresEntry => entry.engine === "postgres");
  const other = names.filter((name) => !postgres.some((entry) => entry.name === name));
  if (other.length > 0) {
    throw couldNotTell(
      `${other.join(", ")}: a MariaDB database, which has no row-level security. Name PostgreSQL databases: ` +
        postgres.map(({ name }) => name).join(", "),
    );
  }
  return names.length > 0 ? postgres.filter(({ name }) => names.includes(name)) : postgres;
}

/** The server first, then each database. What cannot be asked is told and does not stop the others. */
export async function lintAll(
  server: PostgresServer,
  entries: readonly PostgresEntry[],
  onResult: () => void = () => {},
): Promise<Linted[]> {
  const results: Linted[] = [];
  const [first] = entries;
  const look = async (what: Omit<Linted, "findings" | "error">, findings: () => Promise<Finding[]>) => {
    try {
      results.push({ ...what, findings: await findings() });
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      results.push({ ...what, findings: [], error: messageOf(error) });
    }
    onResult();
  };
  if (first) {
    await look({ name: first.server, kind: "server", scope: "server" }, () =>
      server.withConnection(MAINTENANCE_DATABASE, (connection) =>
        lintServer(connection, { entry: first, declaration: undefined }),
      ),
    );
  }
  for (const entry of entries) {
    const declaration = rowSecurityOf(entry.name);
    const scope = entry.schema.owner === "program" ? "row-security" : "application";
    await look({ name: entry.name, kind: "database", scope }, () =>
      server.withConnection(entry.name, (connection) => lintDatabase(connection, { entry, declaration })),
    );
  }
  return results;
}
