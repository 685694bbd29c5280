import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clearLeftover } from "../../components/interrupted-create";
import { connectPostgres } from "../../connect/postgres";
import { type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;

describe.each(["16", "17"] as const)("what an interrupted run left on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let count = 0;
  let name: string;

  beforeAll(async () => {
    bench = await postgresBench(version);
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);
  beforeEach(() => {
    name = `left_${++count}`;
  });

  const connect = (database: string) => {
    const { engine } = bench;
    return connectPostgres(engine, engine, { ...engine.admin, database });
  };
  const clear = async (kind: "database" | "role") => {
    const server = await connect("postgres");
    await clearLeftover(kind, name, `${name}-resource`, server, connect).finally(() => server.close());
  };
  const thereIs = async (kind: "database" | "role") => {
    const [catalogue, column] = kind === "database" ? ["pg_database", "datname"] : ["pg_roles", "rolname"];
    const rows = await bench.sql(`SELECT 1 FROM ${catalogue} WHERE ${column} = '${name}'`);
    return rows.length === 1;
  };
  /** An idle connection of the bench would count as a session of somebody else. */
  const alone = () =>
    bench.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);

  test("nothing at all is fine", async () => {
    await clear("database");
    await clear("role");
    expect(await thereIs("database")).toBe(false);
  });

  test("an empty database goes, with the extension that came with it", async () => {
    await bench.sql(`CREATE DATABASE ${name}`);
    await bench.sql("CREATE EXTENSION pgcrypto", name);
    await alone();
    await clear("database");
    expect(await thereIs("database")).toBe(false);
  });

  test.each([
    ["table", "CREATE TABLE t (id int)"],
    ["table in another schema", "CREATE SCHEMA s; CREATE TABLE s.t (id int)"],
    ["schema", "CREATE SCHEMA s"],
    ["function", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["type", "CREATE TYPE mood AS ENUM ('good')"],
    ["sequence", "CREATE SEQUENCE s"],
    ["large object", "SELECT lo_create(0)"],
  ])("a database with a %s stays, and the error names the import", async (_what, statement) => {
    await bench.sql(`CREATE DATABASE ${name}`);
    await bench.sql(statement, name);
    await alone();
    await expect(clear("database")).rejects.toThrow(
      `pulumi import postgresql:index/database:Database ${name}-resource ${name}`,
    );
    expect(await thereIs("database")).toBe(true);
  });

  test("a database that somebody is connected to stays", async () => {
    await bench.sql(`CREATE DATABASE ${name}`);
    const somebody = await connect(name);
    try {
      await expect(clear("database")).rejects.toThrow(/has 1 open sessions/);
    } finally {
      await somebody.close();
    }
    expect(await thereIs("database")).toBe(true);
  });

  test("a database that takes no connections is not looked into, and stays", async () => {
    await bench.sql(`CREATE DATABASE ${name} ALLOW_CONNECTIONS false`);
    await expect(clear("database")).rejects.toThrow(/holds 1 objects/);
    expect(await thereIs("database")).toBe(true);
  });

  test("a bare role goes", async () => {
    await bench.sql(`CREATE ROLE ${name}`);
    await clear("role");
    expect(await thereIs("role")).toBe(false);
  });

  test.each([
    ["can log in", (role: string) => [`ALTER ROLE ${role} LOGIN`]],
    ["is a superuser", (role: string) => [`ALTER ROLE ${role} SUPERUSER`]],
    ["has the members", (role: string) => [`CREATE ROLE ${role}_member`, `GRANT ${role} TO ${role}_member`]],
    ["owns or is granted 1 objects", (role: string) => [`CREATE DATABASE ${role}_db OWNER ${role}`]],
    ["owns or is granted 1 objects", (role: string) => [`GRANT CREATE ON DATABASE postgres TO ${role}`]],
  ])("a role that %s stays, and the error names the import", async (reason, statements) => {
    await bench.sql(`CREATE ROLE ${name}`);
    for (const statement of statements(name)) await bench.sql(statement);
    await expect(clear("role")).rejects.toThrow(reason);
    await expect(clear("role")).rejects.toThrow(
      `pulumi import postgresql:index/role:Role ${name}-resource ${name}`,
    );
    expect(await thereIs("role")).toBe(true);
  });
});
