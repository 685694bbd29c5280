import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectPostgres } from "../../connect/postgres";
import { type PostgresDatabaseInputs, postgresDatabase } from "../../provider/kinds/postgres-database";
import { UNKNOWN } from "../../provider/wire/kind";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;

describe.each(["16", "17"] as const)("postgres:Database on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let kind: Driven<PostgresDatabaseInputs>;
  let count = 0;
  let name: string;
  let declared: PostgresDatabaseInputs;

  beforeAll(async () => {
    bench = await postgresBench(version);
    kind = bench.drive(postgresDatabase);
    await bench.sql("CREATE ROLE owner_one");
    await bench.sql("CREATE ROLE owner_two");
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);
  beforeEach(() => {
    name = `mo_${++count}`;
    declared = kind.checked({
      name,
      owner: "owner_one",
      locale: "C.utf8",
      connectionLimit: 20,
      extensions: ["pgcrypto", "hstore"],
    });
  });

  const thereIs = async () =>
    (await bench.sql(`SELECT 1 FROM pg_database WHERE datname = '${name}'`)).length === 1;
  const extensions = async () =>
    (
      await bench.sql<{ name: string; schema: string }>(
        "SELECT extname AS name, extnamespace::regnamespace::text AS schema FROM pg_extension ORDER BY 1",
        name,
      )
    ).map((row) => `${row.schema}.${row.name}`);

  test("is created as declared, reads back the same, in schema public", async () => {
    expect(await kind.create(declared)).toEqual(declared);
    expect(await kind.read(name, declared)).toEqual(declared);
    expect(await extensions()).toEqual(["public.hstore", "public.pgcrypto", "pg_catalog.plpgsql"]);
  });

  test("an import finds what is there", async () => {
    await kind.create(declared);
    expect(await kind.read(name, undefined)).toEqual(declared);
    expect(await kind.read("mo_none", undefined)).toBeUndefined();
  });

  test("each field that somebody changed shows, and is mended in place, with the data", async () => {
    await kind.create(declared);
    await bench.sql("CREATE TABLE kept (id int)", name);
    await bench.sql(`ALTER DATABASE ${name} OWNER TO owner_two`);
    await bench.sql(`ALTER DATABASE ${name} CONNECTION LIMIT 500`);
    await bench.sql("DROP EXTENSION hstore", name);
    await bench.sql(`ALTER DATABASE ${name} SET statement_timeout = '1ms'`);
    await bench.sql(`ALTER DATABASE ${name} SET app.key = 'a secret of the application'`);
    const drifted = await kind.read(name, declared);
    expect(drifted).toEqual({
      ...declared,
      owner: "owner_two",
      connectionLimit: 500,
      extensions: ["pgcrypto"],
      settings: ["app.key=...", "statement_timeout=1ms"],
    });
    await kind.update(name, drifted as PostgresDatabaseInputs, declared);
    expect(await kind.read(name, declared)).toEqual(declared);
    expect(await bench.sql("SELECT to_regclass('public.kept') IS NOT NULL AS kept", name)).toEqual([
      { kept: true },
    ]);
  });

  test("one that was closed to connections shows as that, and is opened", async () => {
    await kind.create(declared);
    await bench.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await bench.sql(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    const drifted = await kind.read(name, declared);
    expect(drifted).toEqual({ ...declared, allowConnections: false });
    await kind.update(name, drifted as PostgresDatabaseInputs, declared);
    expect(await kind.read(name, declared)).toEqual(declared);
  });

  test("an update on a machine that has none makes it", async () => {
    await kind.update(name, declared, declared);
    expect(await kind.read(name, declared)).toEqual(declared);
  });

  test("what an extension lets everybody read is closed with it", async () => {
    await kind.create(kind.checked({ ...declared, extensions: ["pg_stat_statements"] }));
    const open = `SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
                  WHERE a.grantee = 0 AND c.relname LIKE 'pg_stat_statements%'`;
    expect(await bench.sql(open, declared.name)).toEqual([]);
    expect(
      await bench.sql(
        "SELECT count(*)::int AS views FROM pg_class WHERE relname LIKE 'pg_stat_statements%' AND relkind = 'v'",
        declared.name,
      ),
    ).toEqual([{ views: 2 }]);
  });

  test("an extension that leaves the declaration stays, and does not show", async () => {
    await kind.create(declared);
    const fewer = kind.checked({ ...declared, extensions: ["pgcrypto"] });
    await kind.update(name, declared, fewer);
    expect(await extensions()).toContain("public.hstore");
    expect(await kind.read(name, fewer)).toEqual(fewer);
  });

  test("an empty leftover is made anew as declared, whatever its encoding, with the extension that came with it", async () => {
    await bench.sql(
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    await bench.sql("CREATE EXTENSION pgcrypto", name);
    await bench.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await kind.create(declared);
    expect(await kind.read(name, declared)).toEqual(declared);
  });

  const refused = /pulumi import estate:postgres:Database test mo_/;

  test.each([
    ["table", "CREATE TABLE t (id int)"],
    ["table in another schema", "CREATE SCHEMA s; CREATE TABLE s.t (id int)"],
    ["schema", "CREATE SCHEMA s"],
    ["function", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["type", "CREATE TYPE mood AS ENUM ('good')"],
    ["sequence", "CREATE SEQUENCE s"],
    ["large object", "SELECT lo_create(0)"],
  ])("one with a %s is neither taken over nor dropped, and the error names the import", async (_what, statement) => {
    await bench.sql(`CREATE DATABASE ${name}`);
    await bench.sql(statement, name);
    await expect(kind.create(declared)).rejects.toThrow(refused);
    await expect(kind.delete(name, declared)).rejects.toThrow(/holds data or has sessions/);
    expect(await thereIs()).toBe(true);
  });

  test("one that somebody is connected to stays", async () => {
    await bench.sql(`CREATE DATABASE ${name}`);
    const { engine } = bench;
    const somebody = await connectPostgres(engine, engine, { ...engine.admin, database: name });
    try {
      await expect(kind.create(declared)).rejects.toThrow(/has 1 open sessions/);
      await expect(kind.delete(name, declared)).rejects.toThrow(/holds data or has sessions/);
    } finally {
      await somebody.close();
    }
    expect(await thereIs()).toBe(true);
  });

  test("one that takes no connections is not looked into, and stays", async () => {
    await bench.sql(`CREATE DATABASE ${name} ALLOW_CONNECTIONS false`);
    await expect(kind.create(declared)).rejects.toThrow(/holds 1 objects/);
    expect(await thereIs()).toBe(true);
  });

  test("an empty one is dropped; what is gone reads as gone and is no error", async () => {
    await kind.create(declared);
    await bench.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await kind.delete(name, declared);
    expect(await kind.read(name, declared)).toBeUndefined();
    await kind.delete(name, declared);
  });
});

test("postgres:Database names every fault at once, and waits for what is not known yet", () => {
  const check = (news: object) =>
    postgresDatabase.check(news as never, undefined, { urn: "" }).failures.map(({ property }) => property);
  expect(
    check({
      name: "template1",
      owner: "Owner",
      encoding: "utf-8;",
      locale: "'",
      connectionLimit: -2,
      allowConnections: false,
      extensions: ["A"],
      colour: "red",
    }).sort(),
  ).toEqual(
    [
      "allowConnections",
      "colour",
      "connectionLimit",
      "encoding",
      "extensions",
      "locale",
      "name",
      "owner",
    ].sort(),
  );
  expect(check({ name: UNKNOWN, owner: UNKNOWN, locale: "C" })).toEqual([]);
});
