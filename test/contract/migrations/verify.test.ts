import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareDescriptions } from "../../../migrate/describe";
import { replay } from "../../../migrate/scratch";
import type { EngineName } from "../../support/engines";
import {
  declared,
  type MigrationBench,
  migrationBench,
  migrations,
  type Scratch,
} from "../../support/migrations";

/** What each engine calls the same thing, and what somebody may do to it by hand. */
const postgres = {
  "0001_all.up.sql": `
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE SEQUENCE tickets START 5;
CREATE TABLE people (id int PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x' CHECK (name <> ''), feels mood);
CREATE INDEX people_by_name ON people (name);
CREATE VIEW names AS SELECT name FROM people;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TABLE logs (at date NOT NULL) PARTITION BY RANGE (at);
`,
  "0001_all.down.sql":
    "DROP TABLE logs; DROP VIEW names; DROP TABLE people; DROP FUNCTION stamp(); DROP SEQUENCE tickets; DROP TYPE mood;",
};
const mariadb = {
  "0001_all.up.sql": `
CREATE TABLE IF NOT EXISTS people (id int PRIMARY KEY AUTO_INCREMENT, name varchar(40) NOT NULL DEFAULT 'x', KEY people_by_name (name));
CREATE OR REPLACE VIEW names AS SELECT name FROM people;
CREATE OR REPLACE PROCEDURE rename_all() UPDATE people SET name = 'y';
CREATE OR REPLACE TRIGGER stamped BEFORE UPDATE ON people FOR EACH ROW SET NEW.id = OLD.id;
`,
  "0001_all.down.sql":
    "DROP PROCEDURE IF EXISTS rename_all; DROP VIEW IF EXISTS names; DROP TABLE IF EXISTS people;",
};

type Drift = [by: string, object: string, is: "missing" | "extra" | "different"];
const CHANGES: Record<"postgres" | "mariadb", Drift[]> = {
  postgres: [
    ["ALTER TABLE people ADD COLUMN age int", "column public.people.age", "extra"],
    ["ALTER TABLE people ALTER COLUMN id TYPE bigint", "column public.people.id", "different"],
    ["ALTER TABLE people ALTER COLUMN name DROP DEFAULT", "column public.people.name", "different"],
    ["ALTER TABLE people ALTER COLUMN name DROP NOT NULL", "column public.people.name", "different"],
    [
      "ALTER TABLE people DROP CONSTRAINT people_name_check",
      "constraint people_name_check on public.people",
      "missing",
    ],
    ["ALTER TABLE people SET UNLOGGED", "table public.people", "different"],
    ["DROP INDEX people_by_name", "index public.people_by_name", "missing"],
    ["CREATE UNIQUE INDEX sneaked ON people (name)", "index public.sneaked", "extra"],
    [
      "CREATE OR REPLACE VIEW names AS SELECT 'n'::varchar(40) AS name FROM people",
      "view public.names",
      "different",
    ],
    ["ALTER TABLE people DISABLE TRIGGER stamped", "trigger stamped on public.people", "different"],
    ["DROP TRIGGER stamped ON people", "trigger stamped on public.people", "missing"],
    [
      "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
      "function public.stamp()",
      "different",
    ],
    ["ALTER TYPE mood ADD VALUE 'mixed'", "type public.mood", "different"],
    ["ALTER SEQUENCE tickets INCREMENT 2", "sequence public.tickets", "different"],
    ["CREATE SCHEMA sneaked", "schema sneaked", "extra"],
  ],
  mariadb: [
    ["ALTER TABLE people ADD COLUMN age int", "table people", "different"],
    ["ALTER TABLE people DROP INDEX people_by_name", "table people", "different"],
    ["CREATE TABLE sneaked (id int)", "table sneaked", "extra"],
    ["DROP VIEW names", "view names", "missing"],
    ["ALTER VIEW names AS SELECT 'n' AS name FROM people", "view names", "different"],
    ["DROP TRIGGER stamped", "trigger stamped", "missing"],
    [
      "CREATE OR REPLACE PROCEDURE rename_all() UPDATE people SET name = 'z'",
      "procedure rename_all",
      "different",
    ],
    ["CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1", "function one", "extra"],
  ],
};

const ENGINES: EngineName[] = ["postgres-16", "postgres-17", "mariadb-10.11", "mariadb-11.8"];

describe.each(ENGINES)("a schema changed by hand is found, on %s", (version) => {
  let bench: MigrationBench;
  const engine = version.startsWith("postgres") ? "postgres" : "mariadb";
  const set = migrations(engine, engine === "postgres" ? postgres : mariadb);
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  /** As the verify command does it: what is there against what the files make on a scratch database. */
  const differences = async ({ database, store }: Scratch) => {
    const history = (await store.history()) ?? [];
    const run = { by: "x", signal: new AbortController().signal, report: () => undefined };
    return database.withScratch(async (scratch) => {
      await replay(scratch.store, history, declared(set), run);
      return compareDescriptions(await database.describe(), await scratch.describe());
    });
  };

  test("untouched, there is none, and the scratch database is gone", async () => {
    const scratch = await bench.scratch();
    await scratch.up(set);
    expect(await differences(scratch)).toEqual([]);
    expect((await bench.databases()).filter((name) => name.startsWith("estate_scratch"))).toEqual([]);
  });

  test.each(CHANGES[engine])("%s", async (change, object, is) => {
    const scratch = await bench.scratch();
    await scratch.up(set);
    await scratch.sql(change);
    expect(await differences(scratch)).toMatchObject([{ object, is }]);
  });

  test("the scratch database is gone also when the work in it fails", async () => {
    const scratch = await bench.scratch();
    const work = scratch.database.withScratch(() => Promise.reject(new Error("it failed")));
    await expect(work).rejects.toThrow("it failed");
    expect((await bench.databases()).filter((name) => name.startsWith("estate_scratch"))).toEqual([]);
  });

  if (engine === "postgres") {
    test("rows, partitions that a job makes, grants and row-level security are no change of the schema", async () => {
      const scratch = await bench.scratch();
      await scratch.up(set);
      await scratch.sql("INSERT INTO people VALUES (1)");
      await scratch.sql(
        "CREATE TABLE logs_2026 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
      );
      await scratch.sql("GRANT SELECT ON people TO PUBLIC");
      await scratch.sql("ALTER TABLE people ENABLE ROW LEVEL SECURITY");
      await scratch.sql("CREATE POLICY p ON people USING (true)");
      await scratch.sql("CREATE SCHEMA context");
      await scratch.sql(
        "CREATE FUNCTION context.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
      );
      await scratch.sql(
        "CREATE TRIGGER context_hold BEFORE INSERT ON people FOR EACH STATEMENT EXECUTE FUNCTION context.hold()",
      );
      expect(await differences(scratch)).toEqual([]);
    });
  }
});
