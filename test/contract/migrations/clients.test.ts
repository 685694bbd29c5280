import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectMariadb } from "../../../connect/mariadb";
import { connectPostgres, PostgresError } from "../../../connect/postgres";
import { FaultyEstate } from "../../../estate/faults";
import { checkMigrations } from "../../../estate/migrations/read";
import { parseScript } from "../../../estate/migrations/script";
import { SqlFault } from "../../../estate/migrations/split";
import type { Engine } from "../../../estate/types";
import { debianRoot } from "../../support/debian-root";
import { type EngineName, startEngine } from "../../support/engines";
import { MARIADB_FILES, POSTGRES_FILES } from "../../support/odd-files";
import { OddSql } from "../../support/odd-sql";
import { run } from "../../support/run";
import { Seeded } from "../../support/seeded";

const FILES = 150;

/**
 * Runs texts in the database `odd`, where the table `seen` is. Behind a statement that the server refuses MariaDB's goes on;
 * PostgreSQL's stops, for psql counts any BEGIN in a routine, also where no ATOMIC follows.
 */
interface Bench {
  /** One after the other, each on its own. */
  statements(texts: readonly string[]): Promise<void>;
  /** The whole file, by the engine's own client. */
  client(file: string): Promise<void>;
  /** What is in `seen`, which is empty afterwards. */
  take(): Promise<string[]>;
  stop(): Promise<void>;
}

const LOCALE = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
const SEEN = "SELECT concat(id, ' ', coalesce(value, '\\N')) AS row FROM seen ORDER BY id, value";

async function mariadbBench(name: "mariadb-10.11" | "mariadb-11.8"): Promise<Bench> {
  const server = await startEngine(name);
  const suite = name === "mariadb-10.11" ? "bookworm" : "trixie";
  const root = await debianRoot(suite, ["mariadb-server-core", "mariadb-server"]);
  const connection = await connectMariadb(server, { caCertificate: server.caCertificate }, server.admin);
  await connection.query("CREATE DATABASE odd CHARACTER SET utf8mb4");
  await connection.query("USE odd");
  await connection.query("CREATE TABLE seen (id int, value longtext)");
  const login = [`--host=${server.host}`, `--port=${server.port}`, `--user=${server.admin.user}`];
  const args = [
    "--no-defaults",
    ...login,
    "--ssl",
    ...(suite === "trixie" ? ["--skip-ssl-verify-server-cert"] : []),
    "--force",
    "--default-character-set=utf8mb4",
    "--init-command=SET sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    "odd",
  ];
  return {
    async statements(texts) {
      for (const text of texts) await connection.query(text).catch(() => undefined);
    },
    async client(file) {
      const env = { ...LOCALE, MYSQL_PWD: server.admin.password };
      await run("chroot", [root, "/usr/bin/mariadb", ...args], { env, input: file });
    },
    async take() {
      const rows = await connection.query<{ row: string }>(SEEN.replace("\\N", "NULL"));
      await connection.query("TRUNCATE TABLE seen");
      return rows.map(({ row }) => row);
    },
    async stop() {
      await connection.close();
      await server.stop();
    },
  };
}

async function postgresBench(name: "postgres-16" | "postgres-17"): Promise<Bench> {
  const server = await startEngine(name);
  const root = await debianRoot("trixie", ["postgresql-17", "dash", "util-linux"]);
  const trust = { caCertificate: server.caCertificate };
  const admin = await connectPostgres(server, trust, server.admin);
  await admin.query("CREATE DATABASE odd");
  await admin.close();
  const connection = await connectPostgres(server, trust, { ...server.admin, database: "odd" });
  await connection.query("CREATE TABLE seen (id int, value text)");
  const env = {
    ...LOCALE,
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.admin.user,
    PGPASSWORD: server.admin.password,
    PGSSLMODE: "require",
    PGDATABASE: "odd",
  };
  return {
    async statements(texts) {
      try {
        for (const text of texts) await connection.statement(text);
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
      }
    },
    // psql keeps the CR of a line end inside a string; the mariadb client, and this program, make it a line feed.
    async client(file) {
      const input = file.replaceAll("\r\n", "\n");
      await run("chroot", [root, "/usr/lib/postgresql/17/bin/psql", "-Xqv", "ON_ERROR_STOP=1", "-f", "-"], {
        env,
        input,
      });
    },
    async take() {
      const rows = await connection.query<{ row: string }>(SEEN);
      await connection.query("TRUNCATE seen");
      return rows.map(({ row }) => row);
    },
    async stop() {
      await connection.close();
      await server.stop();
    },
  };
}

const benchOf = (name: EngineName) =>
  name === "mariadb-10.11" || name === "mariadb-11.8" ? mariadbBench(name) : postgresBench(name);

describe.each<[EngineName, Engine]>([
  ["postgres-16", "postgres"],
  ["postgres-17", "postgres"],
  ["mariadb-10.11", "mariadb"],
  ["mariadb-11.8", "mariadb"],
])("odd files on %s", (name, engine) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await benchOf(name);
  });
  afterAll(() => bench?.stop());

  test("by hand: run as the engine's own client runs them, or are refused", async () => {
    let rows = 0;
    for (const [what, file] of Object.entries(engine === "mariadb" ? MARIADB_FILES : POSTGRES_FILES)) {
      const texts = migrationOf(file, engine);
      if (!texts) continue;
      await bench.statements(texts);
      const ours = await bench.take();
      await bench.client(file);
      expect(ours, JSON.stringify({ what, file, texts })).toEqual(await bench.take());
      rows += ours.length;
    }
    expect(rows).toBeGreaterThan(50);
  }, 300_000);

  test("run as the engine's own client runs them, or are refused", async () => {
    const random = new Seeded(20);
    let [accepted, rows] = [0, 0];
    for (let count = 0; count < FILES; count++) {
      const file = new OddSql(engine, random).file();
      const texts = statementsOf(file, engine);
      if (!texts) continue;
      accepted++;
      await bench.statements(texts);
      const ours = await bench.take();
      await bench.client(file);
      expect(ours, JSON.stringify({ file, texts })).toEqual(await bench.take());
      rows += ours.length;
    }
    // Not because nothing was compared.
    expect(accepted).toBeGreaterThan(FILES / 2);
    expect(rows).toBeGreaterThan(FILES * 2);
  }, 300_000);
});

/** undefined: refused. */
function statementsOf(file: string, engine: Engine): string[] | undefined {
  try {
    return parseScript(file, engine, "odd.sql").statements.map(({ text }) => text);
  } catch (error) {
    if (error instanceof SqlFault) return undefined;
    throw error;
  }
}

/** The same as a migration, of which more is refused: what ends a transaction, for one. */
function migrationOf(file: string, engine: Engine): string[] | undefined {
  const files = { "0001_odd.up.sql": file, "0001_odd.down.sql": "DELETE FROM seen;\n" };
  try {
    const { migrations } = checkMigrations({ name: "odd", engine }, files);
    return migrations.flatMap(({ up }) => up.statements.map(({ text }) => text));
  } catch (error) {
    if (error instanceof FaultyEstate) return undefined;
    throw error;
  }
}
