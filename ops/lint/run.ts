import { MariadbError } from "../../connect/mariadb";
import type { MariadbServer } from "../../connect/mariadb-server";
import { PostgresError } from "../../connect/postgres";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../../connect/postgres-server";
import { databases } from "../../estate/catalogue";
import { ADMIN, BACKUP_LOGINS, loginSlots } from "../../estate/naming";
import { roleOf } from "../../estate/row-security/roles";
import { serversOf, traitsOf } from "../../estate/servers";
import type { DatabaseEntry, MariadbEntry, PostgresEntry, ServerName } from "../../estate/types";
import { couldNotTell, messageOf } from "../exit";
import { requireKnown } from "../reach/only";
import { type Finding, lintDatabase, lintServer } from "./lint";
import { lintMariadb } from "./mariadb";
import type { ServerSubject } from "./rule";

/** What was found in one database, or on a server as such. */
export interface Linted {
  /** The database; of a server: its name in the stack. */
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

/**
 * The servers that are looked at. No name: every one of the stack, also where nothing lives any more; a database that moved away has
 * left its roles there. Servers of MariaDB have no row security, and are looked at with everything.
 */
export function selectServers(
  entries: readonly PostgresEntry[],
  names: readonly string[],
): Record<"postgres" | "mariadb", ServerName[]> {
  if (names.length === 0) return { postgres: serversOf("postgres"), mariadb: serversOf("mariadb") };
  const holding = serversOf("postgres").filter((name) => entries.some(({ server }) => server === name));
  return { postgres: holding, mariadb: [] };
}

/** What the catalogue and the declarations of row security make on a server, retired databases included. */
function declaredOn(server: ServerName): NonNullable<ServerSubject["declared"]> {
  const there = databases.filter(
    (entry): entry is PostgresEntry => entry.engine === "postgres" && entry.server === server,
  );
  const identities = there.flatMap(({ rowSecurity: declaration }) =>
    declaration ? Object.keys(declaration.identities).map((each) => roleOf(declaration, each)) : [],
  );
  const ours = there.flatMap(({ owner, service }) => [owner, service, ...loginSlots(service)]);
  return {
    databases: there.map(({ name }) => name),
    roles: [...ours, ...identities, ADMIN, ...Object.values(BACKUP_LOGINS)],
  };
}

/**
 * The server first, then each of its databases, of which there may be none. What cannot be asked is told and does not stop the others.
 * @param name of the server in the stack
 */
export async function lintAll(
  server: Pick<PostgresServer, "withConnection">,
  name: ServerName,
  entries: readonly PostgresEntry[],
  onResult: () => void = () => {},
): Promise<Linted[]> {
  const results: Linted[] = [];
  const look = async (what: Omit<Linted, "findings" | "error">, findings: () => Promise<Finding[]>) => {
    try {
      results.push({ ...what, findings: await findings() });
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      results.push({ ...what, findings: [], error: messageOf(error) });
    }
    onResult();
  };
  await look({ name, kind: "server", scope: "server" }, () =>
    server.withConnection(MAINTENANCE_DATABASE, (connection) =>
      lintServer(connection, { declared: declaredOn(name) }),
    ),
  );
  for (const entry of entries) {
    const { rowSecurity: declaration } = entry;
    const scope = entry.schema.owner === "program" ? "row-security" : "application";
    await look({ name: entry.name, kind: "database", scope }, () =>
      server.withConnection(entry.name, (connection) => lintDatabase(connection, { entry, declaration })),
    );
  }
  return results;
}

/** Each MariaDB server as such: its accounts, and what works for them in the databases of the catalogue. */
export async function lintMariadbServers(
  servers: Readonly<Record<ServerName, MariadbServer>>,
  onResult: () => void = () => {},
): Promise<Linted[]> {
  const results: Linted[] = [];
  for (const [name, server] of Object.entries(servers)) {
    const entries = databases.filter(
      (entry): entry is MariadbEntry => entry.engine === "mariadb" && entry.server === name,
    );
    try {
      const findings = await lintMariadb(server, {
        entries,
        own: traitsOf(name).management === "provisioned",
      });
      results.push({ name, kind: "server", scope: "server", findings });
    } catch (error) {
      if (!(error instanceof MariadbError)) throw error;
      results.push({ name, kind: "server", scope: "server", findings: [], error: messageOf(error) });
    }
    onResult();
  }
  return results;
}
