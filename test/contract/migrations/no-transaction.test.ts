import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlFiles } from "../../../estate/migrations/read";
import { type MigrationBench, migrationBench, migrations, OWNER } from "../../support/migrations";

const base = {
  "0001_logs.up.sql":
    "CREATE TABLE logs (id int, who int);\nINSERT INTO logs SELECT n, 1 FROM generate_series(1, 3) n;\n",
  "0001_logs.down.sql": "DROP TABLE logs;\n",
};
const index = (statements: string) => ({
  ...base,
  "0002_index.up.sql": `-- estate: no-transaction\n${statements}`,
  "0002_index.down.sql": "DROP INDEX IF EXISTS logs_by_who;\nDROP INDEX IF EXISTS logs_by_id;\n",
});
const BY_WHO = "CREATE INDEX CONCURRENTLY IF NOT EXISTS logs_by_who ON logs (who);\n";
const BY_ID = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS logs_by_id ON logs (id);\n";

const setOf = (files: SqlFiles) => migrations("postgres", files);

describe.each([
  "postgres-16",
  "postgres-17",
] as const)("what cannot run in a transaction, on %s", (version) => {
  let bench: MigrationBench;
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  test("runs statement by statement as the owner", async () => {
    const scratch = await bench.scratch();
    expect(await scratch.up(setOf(index(BY_WHO + BY_ID)))).toEqual(["0001_logs", "0002_index"]);
    expect(
      await scratch.sql(
        "SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname IN ('public', 'estate')",
      ),
    ).toEqual([{ owner: OWNER }]);
    expect((await scratch.store.history())?.[1]).toMatchObject({ step: 2, steps: 2 });
  });

  test("stops at the statement that fails, keeps what is done, and goes on there with a corrected file", async () => {
    const scratch = await bench.scratch();
    await expect(
      scratch.up(setOf(index(`${BY_WHO}CREATE INDEX CONCURRENTLY IF NOT EXISTS x ON nowhere (id);\n`))),
    ).rejects.toThrow(
      /0002_index\.up\.sql:3: statement 2 of 2 \(CREATE INDEX CONCURRENTLY IF NOT EXISTS x ON nowhere\) failed: relation "nowhere"/,
    );
    expect((await scratch.store.history())?.[1]).toMatchObject({ step: 1, steps: 2 });
    await expect(scratch.up(setOf(index(`${BY_ID}${BY_WHO}`)))).rejects.toThrow(
      /0002_index stopped after 1 of 2 statements, and those 1 differ in the file now/,
    );
    expect(await scratch.up(setOf(index(BY_WHO + BY_ID)))).toEqual(["0002_index"]);
    expect(scratch.events.at(-2)).toMatchObject({ type: "resumed", step: 1, steps: 2 });
    expect(
      await scratch.sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
    ).toEqual([{ indexname: "logs_by_id" }, { indexname: "logs_by_who" }]);
  });

  test("an index that an interrupted build left invalid is built again", async () => {
    const scratch = await bench.scratch();
    const set = setOf(index(BY_ID));
    await scratch.up(set, 1);
    // The second of two equal ids makes the build fail and leaves the index.
    await scratch.sql("INSERT INTO logs VALUES (1, 1)");
    await expect(scratch.up(set)).rejects.toThrow(/could not create unique index "logs_by_id"/);
    const valid = "SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'logs_by_id'::regclass";
    expect(await scratch.sql(valid)).toEqual([{ valid: false }]);
    await scratch.sql("DELETE FROM logs WHERE ctid = (SELECT max(ctid) FROM logs WHERE id = 1)");
    expect(await scratch.up(set)).toEqual(["0002_index"]);
    expect(await scratch.sql(valid)).toEqual([{ valid: true }]);
  });

  test("nobody but the owner sees the history", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf(base));
    await scratch.sql(
      "DO $$ BEGIN IF to_regrole('passer_by') IS NULL THEN CREATE ROLE passer_by; END IF; END $$",
    );
    expect(
      await scratch.sql(
        "SELECT has_schema_privilege('passer_by', 'estate', 'USAGE') AS schema, " +
          "has_table_privilege('passer_by', 'estate.migration_history', 'SELECT, INSERT, UPDATE, DELETE') AS history",
      ),
    ).toEqual([{ schema: false, history: false }]);
  });

  test("waits for a lock only so long and tries again", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf(base));
    const holder = scratch.sql("BEGIN; LOCK TABLE logs; SELECT pg_sleep(1.8); COMMIT");
    const column = {
      ...base,
      "0002_column.up.sql": "ALTER TABLE logs ADD COLUMN note text;\n",
      "0002_column.down.sql": "ALTER TABLE logs DROP COLUMN note;\n",
    };
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await scratch.up(setOf(column))).toEqual(["0002_column"]);
    await holder;
    expect(scratch.events.filter(({ type }) => type === "retried")).toMatchObject([
      {
        id: "0002_column",
        attempt: 1,
        reason: expect.stringMatching(/0002_column\.up\.sql:1.*lock timeout/),
      },
    ]);
  });
});
