import { randomBytes } from "node:crypto";
import { mariadbGrants } from "../../components/plans/privileges";
import { connectMariadb, type MariadbConnection, MariadbError } from "../../connect/mariadb";
import type { MigrationSet } from "../../estate/migrations/types";
import { traitsOf } from "../../estate/servers";
import type { DatabaseEntry, MariadbEntry } from "../../estate/types";
import type { MariadbGrant } from "../../provider/resources";
import type { Target } from "../reach/targets";
import { mariadbProbes } from "./mariadb-probes";
import { judge, type Observed, type ProbeResult, type SqlProbe } from "./probe";

/** An application's rights are granted on the whole database, so one table shows those of all. */
const MOST_TABLES = 1;

/** Logs in as the service's account and tries every probe. Throws where the login itself does not work. */
export async function proveMariadb(
  target: Target,
  entry: MariadbEntry,
  all: readonly DatabaseEntry[],
  migrations: MigrationSet | undefined,
  timeoutMs: number,
): Promise<ProbeResult[]> {
  const { password, clientCertificate } = target;
  const login = { user: target.expected.loggedInAs, password, clientCertificate, database: entry.name };
  const connection = await connectMariadb(target.endpoint, target.trust, login, timeoutMs);
  try {
    // A probe waits for locks of a busy service only so long.
    await connection.query("SET SESSION lock_wait_timeout = 2, innodb_lock_wait_timeout = 2");
    const grants = mariadbGrants(entry, migrations);
    const subject = {
      entry,
      grants,
      otherDatabases: all.flatMap(({ name, server }) =>
        server === entry.server && name !== entry.name ? [name] : [],
      ),
      provisioned: traitsOf(entry.server).management === "provisioned",
      scratch: `estate_check_${randomBytes(6).toString("hex")}`,
      tables: await tablesOf(connection, grants),
    };
    const results: ProbeResult[] = [];
    for (const probe of mariadbProbes(subject)) results.push(judge(probe, await attempt(connection, probe)));
    return results;
  } finally {
    await connection.close();
  }
}

async function attempt(connection: MariadbConnection, probe: SqlProbe): Promise<Observed> {
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of probe.statements) rows = await connection.query(statement);
    return probe.findings ? { findings: rows.map(({ finding }) => String(finding)) } : {};
  } catch (error) {
    const { errno } = error instanceof MariadbError ? error : { errno: undefined };
    return {
      error: { code: errno?.toString(), message: error instanceof Error ? error.message : String(error) },
    };
  } finally {
    for (const statement of probe.cleanup ?? []) await connection.query(statement).catch(() => undefined);
  }
}

/** Every table whose rows are granted by name; where none is, one that there is. */
async function tablesOf(
  connection: MariadbConnection,
  grants: readonly MariadbGrant[],
): Promise<{ table: string; column: string | undefined }[]> {
  const declared = grants.flatMap(({ table, privileges }) =>
    table && privileges.includes("INSERT") ? [table] : [],
  );
  const found = await findTables(connection, Math.max(MOST_TABLES, declared.length));
  if (declared.length === 0) return found;
  return declared.map((table) => ({ table, column: found.find((each) => each.table === table)?.column }));
}

/** Tables of the open database, each with a column that takes any value. An account sees those that it has rights on. */
async function findTables(
  connection: MariadbConnection,
  most: number,
): Promise<{ table: string; column: string }[]> {
  return connection.query<{ table: string; column: string }>(
    `SELECT t.TABLE_NAME AS \`table\`, MIN(c.COLUMN_NAME) AS \`column\` FROM information_schema.TABLES t
       JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
       WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.IS_GENERATED = 'NEVER'
       AND t.TABLE_NAME NOT LIKE 'estate\\_check\\_%'
       GROUP BY t.TABLE_NAME ORDER BY 1 LIMIT ${most}`,
  );
}
