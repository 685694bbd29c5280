import { MariadbServer } from "../../connect/mariadb-server";
import { PostgresServer } from "../../connect/postgres-server";
import { checkMigrations, type SqlFiles } from "../../estate/migrations/read";
import type { MigrationSet } from "../../estate/migrations/types";
import type { Engine } from "../../estate/types";
import { migrateDown, migrateUp } from "../../migrate/run";
import { type MigratedDatabase, mariadbDatabase, postgresDatabase } from "../../migrate/scratch";
import type { DeclaredMigration, MigrationEvent, MigrationStore } from "../../migrate/types";
import type { DebianSuite } from "./debian-root";
import { type EngineName, startEngine } from "./engines";
import type { MariadbEngine } from "./engines-mariadb";
import type { PostgresEngine } from "./engines-postgres";
import { dumpMariadb, dumpPostgres } from "./schema-dump";

/** One database of its own on a throw-away server, and what migrates it. */
export interface Scratch {
  name: string;
  store: MigrationStore;
  database: MigratedDatabase;
  /** Every event of the runs so far. */
  events: MigrationEvent[];
  up(set: MigrationSet, to?: number, signal?: AbortSignal): Promise<string[]>;
  down(set: MigrationSet, to: number): Promise<string[]>;
  /** One statement as the admin; rows of a SELECT. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  /** What the engine's own dump program says of its schema. MariaDB: the program of that release, 11.8's where none is named. */
  dump(client?: DebianSuite): Promise<string>;
}

export interface MigrationBench {
  engine: Engine;
  /** The server, for the kind. */
  server: { postgres: PostgresServer } | { mariadb: MariadbServer };
  /** A new, empty database. */
  scratch(extensions?: readonly string[]): Promise<Scratch>;
  drop(database: string): Promise<void>;
  /** Names of all databases of the server. */
  databases(): Promise<string[]>;
  /** Ends the session that sleeps in this database. false: none does. */
  killSleeping(database: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** The role that owns every scratch database on PostgreSQL. */
export const OWNER = "scratch_owner";

export async function migrationBench(name: EngineName): Promise<MigrationBench> {
  const engine = await startEngine(name);
  return name.startsWith("postgres")
    ? postgresMigrations(engine as PostgresEngine)
    : mariadbMigrations(engine as MariadbEngine);
}

async function postgresMigrations(engine: PostgresEngine): Promise<MigrationBench> {
  const server = new PostgresServer(engine, engine, engine.admin, 0);
  const sqlIn = (database: string, statement: string) =>
    server.withConnection(database, (connection) => connection.query(statement));
  await sqlIn("postgres", `CREATE ROLE ${OWNER}`);
  let count = 0;
  return {
    engine: "postgres",
    server: { postgres: server },
    async scratch(extensions = []) {
      const database = `scratch_${++count}`;
      await sqlIn("postgres", `CREATE DATABASE ${database} OWNER ${OWNER}`);
      for (const extension of extensions)
        await sqlIn(database, `CREATE EXTENSION "${extension}" SCHEMA public`);
      return scratchOf(
        "postgres",
        postgresDatabase(server, { database, owner: OWNER, extensions, lockTimeoutMs: 1_000 }),
        {
          sql: (statement) =>
            server.withConnection(database, async (connection) => {
              await connection.query("SET search_path = public");
              return connection.query(statement);
            }),
          dump: () => dumpPostgres(engine, database),
        },
      );
    },
    databases: async () =>
      (await sqlIn("postgres", "SELECT datname FROM pg_database")).map(({ datname }) => String(datname)),
    drop: async (database) => void (await sqlIn("postgres", `DROP DATABASE ${database} WITH (FORCE)`)),
    killSleeping: async (database) => {
      const killed = await sqlIn(
        "postgres",
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = '${database}' AND wait_event = 'PgSleep'`,
      );
      return killed.length > 0;
    },
    async stop() {
      await server.close();
      await engine.stop();
    },
  };
}

async function mariadbMigrations(engine: MariadbEngine): Promise<MigrationBench> {
  const server = new MariadbServer(engine, engine, engine.admin);
  let count = 0;
  return {
    engine: "mariadb",
    server: { mariadb: server },
    async scratch() {
      const database = `scratch_${++count}`;
      await server.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
      return scratchOf("mariadb", mariadbDatabase(server, { database }), {
        sql: (statement) =>
          server.session(async (connection) => {
            await connection.query(`USE ${database}`);
            return connection.query(statement);
          }),
        dump: (client) => dumpMariadb(engine, database, client),
      });
    },
    databases: async () =>
      (await server.query("SELECT schema_name AS name FROM information_schema.schemata")).map(({ name }) =>
        String(name),
      ),
    drop: async (database) => void (await server.query(`DROP DATABASE ${database}`)),
    killSleeping: async (database) => {
      const [sleeping] = await server.query(
        `SELECT id FROM information_schema.processlist WHERE db = '${database}' AND info LIKE 'DO SLEEP%'`,
      );
      if (sleeping) await server.query(`KILL ${sleeping.id}`);
      return sleeping !== undefined;
    },
    async stop() {
      await server.close();
      await engine.stop();
    },
  };
}

function scratchOf(engine: Engine, database: MigratedDatabase, rest: Pick<Scratch, "sql" | "dump">): Scratch {
  const { store } = database;
  const events: MigrationEvent[] = [];
  const options = (signal = new AbortController().signal) => ({
    by: "somebody@somewhere",
    signal,
    report: (event: MigrationEvent) => void events.push(event),
  });
  return {
    name: store.database,
    store,
    database,
    events,
    up: async (set, to, signal) => (await migrateUp(store, declared(set), { ...options(signal), to })).done,
    down: async (set, to) => (await migrateDown(store, engine, declared(set), { ...options(), to })).done,
    ...rest,
  };
}

export function declared({ migrations }: MigrationSet): DeclaredMigration[] {
  return migrations.map((migration) => {
    const { id, version, name, up } = migration;
    return { id, version, name, checksum: up.checksum, migration };
  });
}

/** Files `0001_a.up.sql` as one checked set. */
export function migrations(engine: Engine, files: SqlFiles): MigrationSet {
  return checkMigrations({ name: "scratch", engine }, files);
}
