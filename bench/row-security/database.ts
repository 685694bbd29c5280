import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { planRowSecurity } from "../../components/plans/row-security";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { databases } from "../../estate/catalogue";
import { readMigrations } from "../../estate/migrations/read";
import { signContext } from "../../estate/row-security/context-token";
import { roleOf } from "../../estate/row-security/roles";
import type { PostgresEntry } from "../../estate/types";
import { postgresRowSecurity } from "../../provider/kinds/postgres-row-security";
import { ncy8 } from "../../test/support/declared";
import { type PostgresBench, postgresBench } from "../../test/support/postgres-kinds";

export const TENANTS = 100;
export const ROWS = 1_000_000;
const PROJECTS = 10;
/** Where identity is measured: a tenant in the middle. */
export const TENANT = tenantId(42);

/** The database ncy8 as its migrations and its declaration make it, with `ROWS` tasks of `TENANTS` organisations. */
export interface SecuredDatabase {
  /** A session of the service: what row security binds. */
  guarded: PostgresConnection;
  /** The same rights on the same tables, past row security: it carries the tenant in its queries. */
  plain: PostgresConnection;
  /** What a request of the guarded session begins with, after BEGIN. */
  context: string[];
  version: string;
  /** Takes away what rolled back writes have left in the table and its indexes. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Nothing but the statements is measured: no log, no background work, one process a query. */
const SETTINGS = {
  shared_buffers: "1GB",
  maintenance_work_mem: "512MB",
  max_wal_size: "8GB",
  checkpoint_timeout: "1h",
  log_statement: "none",
  log_min_duration_statement: "-1",
  autovacuum: "off",
  jit: "off",
  max_parallel_workers_per_gather: "0",
};

export async function startSecuredDatabase(): Promise<SecuredDatabase> {
  const bench = await postgresBench("17", { settings: SETTINGS });
  const connections: PostgresConnection[] = [];
  const login = async (user: string, password: string) => {
    const connection = await connectPostgres(bench.engine, bench.engine, {
      user,
      password,
      database: "ncy8",
    });
    connections.push(connection);
    return connection;
  };
  const stop = async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await bench.stop();
  };
  try {
    const entry = entryOf("ncy8");
    const secret = randomBytes(30).toString("base64url");
    const password = randomBytes(24).toString("base64url");
    await createDatabase(bench, entry);
    const admin = await login(bench.engine.admin.user, bench.engine.admin.password);
    await migrate(admin, entry);
    await bench.drive(postgresRowSecurity).create({ ...planRowSecurity(ncy8, entry), keys: { k1: secret } });
    await fill(admin);
    const slot = `${entry.service}_a`;
    for (const statement of [
      `CREATE ROLE ${slot} LOGIN PASSWORD '${password}'`,
      `GRANT ${entry.service} TO ${slot} WITH INHERIT FALSE, SET TRUE`,
      // A superuser: nothing holds a context for whom no policy asks for one.
      `CREATE ROLE plain LOGIN SUPERUSER PASSWORD '${password}'`,
      "GRANT USAGE ON SCHEMA public TO plain",
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain",
    ])
      await admin.query(statement);
    const guarded = await login(slot, password);
    await guarded.query(`SET ROLE ${entry.service}`);
    const role = roleOf(ncy8, "manager");
    const expires = new Date(Date.now() + 6 * 3_600_000);
    const token = signContext({ id: "k1", secret }, { role, tenant: TENANT, subject: userId(1), expires });
    return {
      guarded,
      plain: await login("plain", password),
      context: [`SET LOCAL ROLE ${role}`, `SELECT set_config('app.context', '${token}', true)`],
      version: bench.engine.version,
      settle: async () => {
        await admin.query("VACUUM (INDEX_CLEANUP ON) public.tasks");
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function createDatabase(bench: PostgresBench, entry: PostgresEntry): Promise<void> {
  await bench.sql(`CREATE ROLE ${entry.owner}`);
  await bench.sql(`CREATE ROLE ${entry.service}`);
  await bench.sql(`CREATE DATABASE ${entry.name} OWNER ${entry.owner}`);
}

async function migrate(admin: PostgresConnection, entry: PostgresEntry): Promise<void> {
  for (const extension of entry.extensions) await admin.query(`CREATE EXTENSION "${extension}"`);
  await admin.query(`SET ROLE ${entry.owner}; SET search_path = public`);
  for (const { up } of readMigrations(entry, path.join(__dirname, "../.."))?.migrations ?? [])
    await admin.query(up.text);
  await admin.query("RESET ROLE; RESET search_path");
}

/** Rows in random order of tenants, as time brings them; indexes are built over them afterwards, and the audit's triggers are off. */
async function fill(admin: PostgresConnection): Promise<void> {
  const uuid = (kind: string, n: string) =>
    `('00000000-0000-4000-8000-0000${kind}' || lpad(to_hex(${n}), 7, '0'))::uuid`;
  const organization = (n: string) => uuid("a", n);
  const indexes = await admin.query<{ name: string; definition: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index i
     WHERE indrelid = 'public.tasks'::regclass
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
  );
  const projects = TENANTS * PROJECTS;
  for (const statement of [
    "SET session_replication_role = replica",
    ...indexes.map(({ name }) => `DROP INDEX ${name}`),
    `INSERT INTO users (id, email, password_hash) SELECT ${uuid("c", "n")}, 'u' || n || '@bench.example',
       '$2b$12$' || repeat('x', 53) FROM generate_series(0, 999) n`,
    `INSERT INTO organizations (id, name, slug, owner_id) SELECT ${organization("n")}, 'o' || n, 'o-' || n, ${uuid("c", "n")}
       FROM generate_series(0, ${TENANTS - 1}) n`,
    `INSERT INTO projects (id, organization_id, name) SELECT ${uuid("b", "n")}, ${organization(`n % ${TENANTS}`)}, 'p' || n
       FROM generate_series(0, ${projects - 1}) n`,
    `INSERT INTO tasks (id, organization_id, project_id, title, status, created_at)
       SELECT ${uuid("d", "n")}, ${organization(`p % ${TENANTS}`)}, ${uuid("b", "p")}, 'task ' || n,
         (enum_range(NULL::task_status))[1 + n % 4], now() - n * interval '10 seconds'
       FROM (SELECT n, (hashint4(n)::bigint + 2147483648) % ${projects} AS p FROM generate_series(0, ${ROWS - 1}) n) spread`,
    ...indexes.map(({ definition }) => definition),
    "RESET session_replication_role",
    ...["tasks", "projects"].map(
      (table) =>
        `ALTER TABLE ${table} DISABLE TRIGGER USER, ENABLE TRIGGER context_hold, ENABLE TRIGGER context_kept`,
    ),
    "VACUUM ANALYZE",
    "CHECKPOINT",
  ])
    await admin.query(statement);
}

function tenantId(number: number): string {
  return `00000000-0000-4000-8000-0000a${number.toString(16).padStart(7, "0")}`;
}

export function userId(number: number): string {
  return `00000000-0000-4000-8000-0000c${number.toString(16).padStart(7, "0")}`;
}

/** A project of the measured tenant. */
export const PROJECT = `00000000-0000-4000-8000-0000b${(42).toString(16).padStart(7, "0")}`;

function entryOf(name: string): PostgresEntry {
  const entry = databases.find((each) => each.name === name);
  if (entry?.engine !== "postgres") throw new Error(`${name} is no PostgreSQL database of the catalogue`);
  return entry;
}
