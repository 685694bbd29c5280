import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlFiles } from "../../../estate/migrations/read";
import { type MigrationBench, migrationBench, migrations, OWNER } from "../../support/migrations";

/** `0001_a`, `0002_a`, ...: one for each text. */
const files = (...ups: string[]): SqlFiles =>
  Object.fromEntries(
    ups.flatMap((up, index) => {
      const id = `000${index + 1}_a`;
      return [
        [`${id}.up.sql`, up],
        [`${id}.down.sql`, "SELECT 1;\n"],
      ];
    }),
  );

/** What a file's statements leave in their session. */
describe.each(["postgres-16", "postgres-17"] as const)("the session on %s", (version) => {
  let bench: MigrationBench;
  const setOf = (...ups: string[]) => migrations("postgres", files(...ups));
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  test.each([
    ["a setting", "SET timezone = 'Asia/Tokyo';", "current_setting('timezone') = 'UTC'"],
    [
      "the search path",
      "CREATE SCHEMA app;\nSET search_path = app;",
      "current_setting('search_path') = 'public'",
    ],
    ["read-only", "SET default_transaction_read_only = on;", "true"],
    ["a temporary table", "CREATE TEMP TABLE a (id int);", "to_regclass('a') = to_regclass('public.a')"],
    ["a prepared statement", "PREPARE p AS SELECT 1;", "NOT EXISTS (SELECT FROM pg_prepared_statements)"],
    [
      "a cursor",
      "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
      "NOT EXISTS (SELECT FROM pg_cursors WHERE name = 'c')",
    ],
    ["a channel", "LISTEN a;", "NOT EXISTS (SELECT FROM pg_listening_channels())"],
  ])("%s of one file is nothing to the next", async (_what, first, holds) => {
    const scratch = await bench.scratch();
    const after = `CREATE TABLE public.a (id int);\nINSERT INTO a SELECT 1 WHERE ${holds};\n`;
    await scratch.up(setOf(`${first}\n`, after));
    expect(await scratch.sql("SELECT id FROM public.a")).toEqual([{ id: 1 }]);
  });

  test.each([
    "DO $$ BEGIN RESET ROLE; END $$;",
    "DO $$ BEGIN SET ROLE NONE; END $$;",
    "DO $$ BEGIN EXECUTE 'SET RO' || 'LE NONE'; END $$;",
    "DO $$ BEGIN PERFORM set_config('role', 'none', false); END $$;",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN RESET ROLE; END';\nSELECT f();",
  ])("a body leads back to nobody: %s", async (statements) => {
    for (const first of ["", "-- estate: no-transaction\n"]) {
      const scratch = await bench.scratch();
      await scratch.up(
        setOf(`${first}${statements}\nCREATE TABLE public.a AS SELECT current_user::text AS who;\n`),
      );
      expect(await scratch.sql("SELECT who FROM public.a")).toEqual([{ who: OWNER }]);
    }
  });

  test.each([
    [
      /leave the session as .*: leave the role as it is/,
      "EXECUTE 'SET SESSION AUTHO' || 'RIZATION DEFAULT';",
    ],
    [/gave the run's lock away/, "PERFORM pg_advisory_unlock_all();"],
  ])("and where it does, nothing stands: %s", async (refusal, statement) => {
    const scratch = await bench.scratch();
    const up = `CREATE TABLE public.a (id int);\nDO $$ BEGIN ${statement} END $$;\n`;
    await expect(scratch.up(setOf(up))).rejects.toThrow(refusal);
    await expect(scratch.up(setOf(up))).rejects.toThrow(/^sql\/scratch\/0001_a\.up\.sql: its statements/);
    expect(await scratch.store.history()).toEqual([]);
    expect(await scratch.sql("SELECT to_regclass('public.a') AS a")).toEqual([{ a: null }]);
  });

  test("a file's search path is its own between its statements, and the next session of the program has none of it", async () => {
    const scratch = await bench.scratch();
    const up =
      "-- estate: no-transaction\nCREATE SCHEMA IF NOT EXISTS app;\nCREATE TABLE IF NOT EXISTS app.a (id int);\n" +
      "DO $$ BEGIN SET search_path = app; END $$;\nINSERT INTO a VALUES (1);\n";
    await scratch.up(setOf(up));
    expect(await scratch.sql("SELECT id FROM app.a")).toEqual([{ id: 1 }]);
  });
});

describe.each([
  "mariadb-10.11",
  "mariadb-11.8",
] as const)("a refusal of %s names file and line", (version) => {
  let bench: MigrationBench;
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  test("of a statement longer than the server takes, also where it ends the connection", async () => {
    const scratch = await bench.scratch();
    const up = `CREATE TABLE IF NOT EXISTS a (b longtext);\nINSERT INTO a VALUES ('${"x".repeat(70 << 20)}');\n`;
    await expect(scratch.up(migrations("mariadb", files(up)))).rejects.toThrow(
      /^sql\/scratch\/0001_a\.up\.sql:2: statement 2 of 2 \(INSERT INTO a VALUES\) failed: /,
    );
    expect((await scratch.store.history())?.[0]).toMatchObject({ step: 1, steps: 2 });
  });

  test("of a history that cannot be written", async () => {
    const scratch = await bench.scratch();
    const up =
      "DELIMITER //\nCREATE OR REPLACE PROCEDURE p() BEGIN SET SESSION TRANSACTION READ ONLY; END//\nDELIMITER ;\nCALL p();\nDO 1;\n";
    await expect(scratch.up(migrations("mariadb", files(up)))).rejects.toThrow(
      /^sql\/scratch\/0001_a\.up\.sql:4: statement 2 of 3 \(CALL p\) failed: it worked, and the history cannot be written/,
    );
  });
});
