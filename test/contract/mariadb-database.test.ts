import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ADMIN, mariadbAdminSql } from "../../components/plans/admin";
import { MariadbServer } from "../../connect/mariadb-server";
import { mariadbDatabase as kind, type MariadbDatabaseInputs } from "../../provider/kinds/mariadb-database";
import { UNKNOWN } from "../../provider/wire/kind";
import { type MariadbEngine, startMariadb } from "../support/engines-mariadb";

const call = (mariadb: MariadbServer) => ({
  config: { mariadb },
  urn: "urn",
  signal: new AbortController().signal,
});

describe.each(["10.11", "11.8"] as const)("mariadb:Database on MariaDB %s", {
  timeout: 60_000,
}, (version) => {
  let engine: MariadbEngine;
  let server: MariadbServer;
  let admin: MariadbServer;
  let count = 0;
  let declared: MariadbDatabaseInputs;

  beforeAll(async () => {
    engine = await startMariadb(version);
    server = new MariadbServer(engine, engine, engine.admin);
    const password = "Only_for_this_test.1";
    for (const statement of mariadbAdminSql(password, "127.0.0.1").split(";\n"))
      await server.query(statement);
    admin = new MariadbServer(engine, engine, { user: ADMIN, password });
  }, 300_000);
  afterAll(async () => {
    await admin?.close();
    await server?.close();
    await engine?.stop();
  });
  beforeEach(() => {
    declared = { name: `mo_${++count}`, charset: "utf8mb4", collation: "utf8mb4_unicode_ci" };
  });

  const read = (old = declared) => kind.read(call(admin), declared.name, { inputs: old, state: old });
  const create = () => kind.create(call(admin), declared);

  test("is created as declared, reads back the same, and again changes nothing", async () => {
    expect(await create()).toEqual({ id: declared.name, state: declared });
    expect(await read()).toEqual({ id: declared.name, inputs: declared, state: declared });
    await create();
    expect((await read())?.inputs).toEqual(declared);
  });

  test("takes over the empty database of an interrupted run, with its character set", async () => {
    await server.query(`CREATE DATABASE ${declared.name} CHARACTER SET latin1`);
    await create();
    expect((await read())?.inputs).toEqual(declared);
  });

  test.each([
    "CREATE TABLE %.t (a INT)",
    "CREATE PROCEDURE %.p() SELECT 1",
    "CREATE VIEW %.v AS SELECT 1",
  ])("does not take over one that holds data, nor drops it: %s", async (statement) => {
    await server.query(`CREATE DATABASE ${declared.name}`);
    await server.query(statement.replace("%", declared.name));
    await expect(create()).rejects.toThrow(
      `pulumi import estate:mariadb:Database <resource name> ${declared.name}`,
    );
    await expect(
      kind.delete(call(admin), declared.name, { inputs: declared, state: declared }),
    ).rejects.toThrow(/holds data and is not dropped/);
    expect(await read()).toBeDefined();
  });

  test("a changed collation shows, and is mended in place", async () => {
    await create();
    await server.query(`ALTER DATABASE ${declared.name} COLLATE utf8mb4_bin`);
    const drifted = await read();
    expect(drifted?.inputs).toEqual({ ...declared, collation: "utf8mb4_bin" });
    await kind.update(call(admin), declared.name, { inputs: declared, state: declared }, declared);
    expect((await read())?.inputs).toEqual(declared);
  });

  test("an update on a machine that has none makes it", async () => {
    await kind.update(call(admin), declared.name, { inputs: declared, state: declared }, declared);
    expect((await read())?.inputs).toEqual(declared);
  });

  test("an empty one is dropped; what is gone reads as gone and is no error", async () => {
    await create();
    await kind.delete(call(admin), declared.name, { inputs: declared, state: declared });
    expect(await read()).toBeUndefined();
    await kind.delete(call(admin), declared.name, { inputs: declared, state: declared });
  });
});

test("mariadb:Database names every fault at once, and waits for what is not known yet", () => {
  const check = (news: object) =>
    kind.check(news as never, undefined, { urn: "" }).failures.map(({ property }) => property);
  expect(check({ name: "a`b", charset: "utf8mb4", extra: 1 })).toEqual(["extra", "name", "collation"]);
  expect(check({ name: UNKNOWN, charset: "utf8mb4", collation: "utf8mb4_bin" })).toEqual([]);
});
