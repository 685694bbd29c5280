import { ADMIN } from "../../components/plans/admin";
import { type PostgresConnection, PostgresError } from "../../connect/postgres";
import { openAsService } from "../../connect/postgres-server";
import type { DatabaseEntry, PostgresEntry } from "../../estate/types";
import type { Target } from "../reach/targets";
import type { PostgresProbe } from "./postgres-probe";
import { loginProbe, type PostgresSubject, postgresProbes } from "./postgres-probes";
import { judge, type Observed, type ProbeResult } from "./probe";

/** Databases that every server has and that no service may enter. */
const MAINTENANCE = ["postgres", "template1"];
/** Each is tried, and no more than a probe of the whole database may take. */
const MOST_TABLES = 50;

/** Logs in as the service's slot and tries every probe. Throws where the login itself does not work. */
export async function provePostgres(
  target: Target,
  entry: PostgresEntry,
  all: readonly DatabaseEntry[],
  timeoutMs: number,
): Promise<ProbeResult[]> {
  const { password, clientCertificate } = target;
  const login = { user: target.expected.loggedInAs, password, clientCertificate };
  const others = all.filter(({ server, name }) => server === entry.server && name !== entry.name);
  const otherDatabases = [...MAINTENANCE, ...others.map(({ name }) => name)];
  // With the service's own settings: what its application may do is what is tried.
  const connection = await openAsService(
    target.endpoint,
    target.trust,
    { ...login, database: entry.name },
    timeoutMs,
  );
  const results: ProbeResult[] = [];
  try {
    const subject: PostgresSubject = {
      database: entry.name,
      slot: login.user,
      service: entry.service,
      owner: entry.owner,
      profile: entry.schema.owner,
      extensions: entry.extensions,
      otherDatabases,
      otherServices: others.flatMap(({ service, state }) => (state === "live" ? [service] : [])),
      admin: ADMIN,
      tables: await findTables(connection, entry.owner),
      rowSecurity: entry.rowSecurity,
    };
    for (const probe of postgresProbes(subject)) results.push(judge(probe, await attempt(connection, probe)));
  } finally {
    await connection.close();
  }
  for (const database of otherDatabases) {
    const observed = await observe(async () => {
      await (await openAsService(target.endpoint, target.trust, { ...login, database }, timeoutMs)).close();
      return undefined;
    });
    results.push(judge(loginProbe(database), observed));
  }
  return results;
}

async function attempt(connection: PostgresConnection, probe: PostgresProbe): Promise<Observed> {
  const run = async () => {
    let rows: Record<string, unknown>[] = [];
    for (const statement of probe.statements) rows = await connection.query(statement);
    return probe.findings ? rows.map(({ finding }) => String(finding)) : undefined;
  };
  if (probe.withoutTransaction) return observe(run);
  await connection.query("BEGIN");
  // Locks of a busy service are waited for only so long, and a probe holds none longer.
  await connection.query("SET LOCAL lock_timeout = '1s'");
  await connection.query("SET LOCAL statement_timeout = '5s'");
  // What answers a question is the server's, and no view of that name that the service put before it.
  if (probe.findings) await connection.query("SET LOCAL search_path = pg_catalog");
  const observed = await observe(run);
  if (connection.alive) await connection.query("ROLLBACK");
  return observed;
}

async function observe(work: () => Promise<string[] | undefined>): Promise<Observed> {
  try {
    const findings = await work();
    return findings ? { findings } : {};
  } catch (error) {
    if (error instanceof PostgresError) return { error: { code: error.code, message: error.message } };
    return { error: { code: undefined, message: error instanceof Error ? error.message : String(error) } };
  }
}

/**
 * Tables of the owner, each with a column that takes any value; of very many the first by name, which a restore does not change. The
 * catalogue is open to every session.
 */
async function findTables(connection: PostgresConnection, owner: string): Promise<PostgresSubject["tables"]> {
  return connection.transaction(async () => {
    await connection.query("SET LOCAL search_path = pg_catalog");
    return connection.query<{ schema: string; table: string; column: string }>(
      `SELECT DISTINCT ON (n.nspname, c.relname) n.nspname AS schema, c.relname AS table, a.attname AS column
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND a.attgenerated = '' AND a.attidentity = ''
       WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND pg_get_userbyid(c.relowner) = $1
       ORDER BY n.nspname, c.relname, a.attnum LIMIT ${MOST_TABLES}`,
      [owner],
    );
  });
}
