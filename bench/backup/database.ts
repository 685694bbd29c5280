import { connectMariadb } from "../../connect/mariadb";
import { connectPostgres } from "../../connect/postgres";
import { databases } from "../../estate/catalogue";
import type { DatabaseEntry, PostgresEntry } from "../../estate/types";
import { startMariadb } from "../../test/support/engines-mariadb";
import type { LocalServer } from "../../test/support/local-server";
import { startPostgresHost } from "../../test/support/postgres-host";
import { BATCH, FILL, ORDER_BYTES, ORDERS_A_CUSTOMER, SCHEMA, words } from "./data";

export const ENGINES = ["mariadb", "postgres"] as const;
export type EngineKind = (typeof ENGINES)[number];

/** What the bare tool restores into. */
export const BARE = "bare_copy";

/** A throw-away server that has one database of the catalogue, whose content the bench chooses. */
export interface BenchDatabase {
  entry: DatabaseEntry;
  server: LocalServer;
  version: string;
  /** Makes it anew with about so many bytes of dump. */
  fill(bytes: number): Promise<void>;
  /** An empty database BARE. */
  emptyBare(): Promise<void>;
  /** Drops BARE and whatever a restore has kept. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

/** What brings a backup into the bucket. */
const UPLOAD = ["curl"];

/** A server of a size that a gigabyte is not everything to it, and that keeps no log of statements. */
const SETTINGS = {
  mariadb: {
    "general-log": "0",
    "innodb-buffer-pool-size": "512M",
    "innodb-log-file-size": "512M",
  },
  postgres: {
    log_statement: "none",
    log_min_duration_statement: "-1",
    shared_buffers: "512MB",
    max_wal_size: "4GB",
  },
} as const;

export async function startBenchDatabase(kind: EngineKind): Promise<BenchDatabase> {
  return kind === "mariadb" ? mariadbDatabase() : postgresDatabase();
}

type Ask = (statement: string, values?: readonly string[]) => Promise<Record<string, unknown>[]>;

async function mariadbDatabase(): Promise<BenchDatabase> {
  const entry = entryOf("mo_crm");
  const engine = await startMariadb("11.8", { settings: SETTINGS.mariadb, packages: UPLOAD });
  const admin = await connectMariadb(engine, { caCertificate: engine.caCertificate }, engine.admin);
  const empty = async (name: string) => {
    await admin.query(`DROP DATABASE IF EXISTS ${name}`);
    await admin.query(`CREATE DATABASE ${name}`);
  };
  return {
    entry,
    server: { name: entry.server, kind: "mariadb", engine, version: "11.8" },
    version: engine.version,
    async fill(bytes) {
      await empty(entry.name);
      await admin.query(`USE ${entry.name}`);
      await admin.query(`SET @words = _latin1'${words()}'`);
      await insert("mariadb", bytes, (statement) => admin.query(statement));
      await admin.query("USE mysql");
    },
    emptyBare: () => empty(BARE),
    async tidy() {
      const kept = await admin.query<{ name: string }>(
        `SELECT schema_name AS name FROM information_schema.schemata
          WHERE schema_name = '${BARE}' OR LEFT(schema_name, ${entry.name.length + 2}) = '${entry.name}__'`,
      );
      for (const { name } of kept) await admin.query(`DROP DATABASE ${name}`);
    },
    async stop() {
      await admin.close();
      await engine.stop();
    },
  };
}

async function postgresDatabase(): Promise<BenchDatabase> {
  const entry = entryOf("mcp_portal") as PostgresEntry;
  const engine = await startPostgresHost("17", SETTINGS.postgres, UPLOAD);
  const login = (database: string) => connectPostgres(engine, engine, { ...engine.admin, database });
  const admin = await login("postgres");
  const drop = (name: string) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  for (const role of [entry.owner, entry.service]) await admin.query(`CREATE ROLE ${role}`);
  return {
    entry,
    server: { name: entry.server, kind: "postgres", engine },
    version: engine.version,
    async fill(bytes) {
      await drop(entry.name);
      await admin.query(`CREATE DATABASE ${entry.name} OWNER ${entry.owner}`);
      await admin.query(`GRANT CONNECT ON DATABASE ${entry.name} TO estate_backup`);
      const session = await login(entry.name);
      try {
        await session.query(`SET ROLE ${entry.owner}`);
        await session.query("SELECT set_config('bench.words', $1, false)", [words()]);
        await insert("postgres", bytes, (statement) => session.query(statement));
        await session.query("VACUUM ANALYZE");
      } finally {
        await session.close();
      }
    },
    async emptyBare() {
      await drop(BARE);
      await admin.query(`CREATE DATABASE ${BARE} TEMPLATE template0`);
    },
    async tidy() {
      const kept = await admin.query<{ name: string }>(
        "SELECT datname AS name FROM pg_database WHERE datname = $1 OR starts_with(datname, $2)",
        [BARE, `${entry.name}__`],
      );
      for (const { name } of kept) await drop(name);
    },
    async stop() {
      await admin.close();
      await engine.stop();
    },
  };
}

async function insert(kind: EngineKind, bytes: number, ask: Ask): Promise<void> {
  for (const statement of SCHEMA[kind]) await ask(statement);
  const orders = Math.max(1, Math.round(bytes / ORDER_BYTES[kind]));
  const customers = 1 + Math.floor(orders / ORDERS_A_CUSTOMER);
  for (const [table, rows] of [
    ["customers", customers],
    ["orders", orders],
  ] as const) {
    for (let from = 1; from <= rows; from += BATCH)
      await ask(FILL[kind][table](from, Math.min(rows, from + BATCH - 1)));
  }
}

function entryOf(name: string): DatabaseEntry {
  const entry = databases.find((each) => each.name === name);
  if (!entry) throw new Error(`the catalogue has no ${name}`);
  return entry;
}
