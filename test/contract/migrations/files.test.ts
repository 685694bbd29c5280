import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlFiles } from "../../../estate/migrations/read";
import type { Engine } from "../../../estate/types";
import type { EngineName } from "../../support/engines";
import { type MigrationBench, migrationBench, migrations } from "../../support/migrations";

const ENGINES: EngineName[] = ["postgres-16", "postgres-17", "mariadb-10.11", "mariadb-11.8"];

/** As a checkout on another system has them. */
const withCrlf = (files: SqlFiles): SqlFiles =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, String(text).replaceAll("\n", "\r\n")]),
  );

describe.each(ENGINES)("files on %s", (version) => {
  let bench: MigrationBench;
  const engine: Engine = version.startsWith("postgres") ? "postgres" : "mariadb";
  const setOf = (files: SqlFiles) => migrations(engine, files);
  const first = engine === "postgres" ? "-- estate: no-transaction\n" : "";
  const pair = (up: string, down: string): SqlFiles => ({ "0001_a.up.sql": up, "0001_a.down.sql": down });
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  test("a step that stopped in its middle goes on when only the line ends changed", async () => {
    const scratch = await bench.scratch();
    const up = (column: string) =>
      `${first}CREATE TABLE IF NOT EXISTS a (\n  id INT PRIMARY KEY\n);\nALTER TABLE a ADD COLUMN IF NOT EXISTS b ${column};\n`;
    const down = "DROP TABLE IF EXISTS a;\n";
    await expect(scratch.up(setOf(pair(up("no_such_type"), down)))).rejects.toThrow(/statement 2 of 2/);
    expect((await scratch.store.history())?.[0]).toMatchObject({ step: 1, steps: 2 });
    expect(await scratch.up(setOf(withCrlf(pair(up("INT"), down))))).toEqual(["0001_a"]);
    expect(scratch.events.filter(({ type }) => type === "resumed")).toMatchObject([{ step: 1 }]);
    // Finished, with either line end: nothing to do, and the rollback that is kept is the same.
    expect(await scratch.up(setOf(pair(up("INT"), down)))).toEqual([]);
    expect((await scratch.store.history())?.[0]?.rollbackSql).toBe(down);
    expect(await scratch.down(setOf(withCrlf(pair(up("INT"), down))), 0)).toEqual(["0001_a"]);
  });

  test("a rollback that stopped in its middle goes on too", async () => {
    const scratch = await bench.scratch();
    const up = `${first}CREATE TABLE IF NOT EXISTS a (id INT);\nCREATE TABLE IF NOT EXISTS b (id INT);\n`;
    const down = (table: string) =>
      `${first}DROP TABLE\n  IF EXISTS a;\nDELETE FROM ${table};\nDROP TABLE IF EXISTS b;\n`;
    await scratch.up(setOf(pair(up, down("nowhere"))));
    await expect(scratch.down(setOf(pair(up, down("nowhere"))), 0)).rejects.toThrow(/statement 2 of 3/);
    expect((await scratch.store.history())?.[0]?.rollbackStep).toBe(1);
    expect(await scratch.down(setOf(withCrlf(pair(up, down("b")))), 0)).toEqual(["0001_a"]);
  });

  test("a literal of 8 MB arrives whole", async () => {
    const scratch = await bench.scratch();
    const type = engine === "postgres" ? "text" : "longtext";
    const text = `it''s;\\\\${"x".repeat(8 << 20)}`;
    const up = `CREATE TABLE IF NOT EXISTS a (v ${type});\nINSERT INTO a VALUES ('${text}');\n`;
    await scratch.up(setOf(pair(up, "DROP TABLE IF EXISTS a;\n")));
    const shown = engine === "postgres" ? 2 : 1;
    expect(await scratch.sql("SELECT length(v) AS length FROM a")).toEqual([
      { length: (8 << 20) + "it's;".length + shown },
    ]);
  });

  test("two thousand statements run, and each is noted", async () => {
    const scratch = await bench.scratch();
    const rows = Array.from({ length: 2_000 }, (_, id) => `INSERT INTO a VALUES (${id});`);
    const up = `${first}CREATE TABLE IF NOT EXISTS a (id INT);\n${rows.join("\n")}\n`;
    await scratch.up(setOf(pair(up, "DROP TABLE IF EXISTS a;\n")));
    expect((await scratch.store.history())?.[0]).toMatchObject({ step: 2_001, steps: 2_001 });
    const [{ n } = {}] = await scratch.sql("SELECT count(*) AS n FROM a");
    expect(Number(n)).toBe(2_000);
  }, 120_000);
});

describe("one statement for PostgreSQL", () => {
  let bench: MigrationBench;
  beforeAll(async () => {
    bench = await migrationBench("postgres-17");
  });
  afterAll(() => bench?.stop());

  const statement = async (text: string) => {
    if (!("postgres" in bench.server)) throw new Error("this is MariaDB");
    return bench.server.postgres.withConnection("postgres", (connection) => connection.statement(text));
  };

  test("is refused where the server reads two, and nothing of it runs", async () => {
    await expect(statement("CREATE TABLE one (a int); CREATE TABLE two (a int)")).rejects.toThrow(
      /cannot insert multiple commands into a prepared statement/,
    );
    await statement("CREATE TABLE public.one (a int);");
  });

  test("does not wait for rows that nobody sends", async () => {
    await expect(statement("COPY pg_catalog.pg_description FROM STDIN")).rejects.toThrow();
  });
});
