import * as path from "node:path";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { databases } from "../../estate/catalogue";
import { readMigrations } from "../../estate/migrations/read";
import type { PostgresEntry } from "../../estate/types";
import type { PostgresExtras, PostgresVersion } from "./engines-postgres";
import { loadFixtures } from "./fixtures";
import { type PostgresBench, postgresBench } from "./postgres-kinds";
import { verbatim } from "./verbatim";

const projectDirectory = path.join(__dirname, "../..");

/** What the stand-in for the signed context believes. `role`: a role of the database, `svc_ncy8`. */
export interface Believed {
  role?: string;
  tenant?: string;
  subject?: string;
}

export interface ProgramDatabases {
  bench: PostgresBench;
  /** A copy with schema and fixtures; its connection is the superuser's and closed by `stop`. */
  open(database: string): Promise<PostgresConnection>;
  /** One more connection of the superuser to the same copy. */
  again(connection: PostgresConnection): Promise<PostgresConnection>;
  stop(): Promise<void>;
}

/** Brings the schema `context` into a migrated database, and whatever else guards it. */
export type Guard = (bench: PostgresBench, entry: PostgresEntry) => Promise<void>;

/**
 * A throw-away server with databases of the catalogue as their migrations make them. `guard`: default a stand-in for the
 * signed context and no row security, for what the migrations do by themselves.
 */
export async function startProgramDatabases(
  version: PostgresVersion,
  names: readonly string[],
  guard: Guard = standIn,
  extras?: PostgresExtras,
): Promise<ProgramDatabases> {
  const bench = await postgresBench(version, extras);
  const connections: PostgresConnection[] = [];
  const login = async (database: string) => {
    const connection = verbatim(
      await connectPostgres(bench.engine, bench.engine, { ...bench.engine.admin, database }),
    );
    connections.push(connection);
    return connection;
  };
  for (const name of names) {
    const entry = entryOf(name);
    await bench.sql(`CREATE ROLE ${entry.owner}`);
    await bench.sql(`CREATE DATABASE ${name} OWNER ${entry.owner}`);
    const template = await login(name);
    await migrate(template, entry);
    await guard(bench, entry);
    await loadFixtures(template, name);
    await template.close();
  }
  let count = 0;
  return {
    bench,
    async open(database) {
      const copy = `${database}_${++count}`;
      // The schema public is the database's owner's, whose functions have to reach it.
      await bench.sql(`CREATE DATABASE ${copy} TEMPLATE ${database} OWNER ${entryOf(database).owner}`);
      return login(copy);
    },
    again: (connection) => login(connection.database),
    async stop() {
      await Promise.all(connections.map((connection) => connection.close()));
      await bench.stop();
    },
  };
}

function entryOf(name: string): PostgresEntry {
  const entry = databases.find((each) => each.name === name);
  if (entry?.engine !== "postgres") throw new Error(`${name} is no PostgreSQL database of the catalogue`);
  return entry;
}

/** Extensions of the catalogue, then every migration as the owner, as `up` runs them. */
async function migrate(connection: PostgresConnection, entry: PostgresEntry): Promise<void> {
  for (const extension of entry.extensions) await connection.query(`CREATE EXTENSION "${extension}"`);
  await connection.query(`SET ROLE ${entry.owner}`);
  await connection.query("SET search_path = public");
  for (const { up } of readMigrations(entry, projectDirectory)?.migrations ?? [])
    await connection.query(up.text);
  await connection.query("RESET ROLE");
  await connection.query("RESET search_path");
}

/** Runs `work` as whom the stand-in believes, then as nobody again. */
export async function believing<T>(
  connection: PostgresConnection,
  { role = "", tenant = "", subject = "" }: Believed,
  work: () => Promise<T>,
): Promise<T> {
  const set = (...values: string[]) =>
    connection.query(
      "SELECT set_config('test.role', $1, false), set_config('test.tenant', $2, false), " +
        "set_config('test.subject', $3, false)",
      values,
    );
  await set(role, tenant, subject);
  return work().finally(() => set("", "", ""));
}

/** The interface of the signed context, believing a setting: for tests of what comes after it. */
const standIn: Guard = async (bench, { name, owner }) => {
  await bench.sql(contextStandIn(owner), name);
};
const contextStandIn = (owner: string): string => `
  CREATE SCHEMA context;
  GRANT USAGE ON SCHEMA context TO ${owner};
  CREATE FUNCTION context.tenant() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.tenant', true), '')::uuid$$;
  CREATE FUNCTION context.subject() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.subject', true), '')::uuid$$;
  CREATE FUNCTION context.role() RETURNS text LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.role', true), '')$$`;
