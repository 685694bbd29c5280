import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlFiles } from "../../../estate/migrations/read";
import type { Engine } from "../../../estate/types";
import type { EngineName } from "../../support/engines";
import { type MigrationBench, migrationBench, migrations } from "../../support/migrations";

const ENGINES: EngineName[] = ["postgres-16", "postgres-17", "mariadb-10.11", "mariadb-11.8"];

const people = {
  "0001_people.up.sql":
    "CREATE TABLE IF NOT EXISTS people (id int PRIMARY KEY, name varchar(40) NOT NULL);\n",
  "0001_people.down.sql": "DROP TABLE IF EXISTS people;\n",
};
const pets = {
  "0002_pets.up.sql": `CREATE TABLE IF NOT EXISTS pets (id int PRIMARY KEY, keeper int NOT NULL);
INSERT INTO people VALUES (1, 'Ada');
CREATE INDEX IF NOT EXISTS pets_by_keeper ON pets (keeper);
`,
  "0002_pets.down.sql": "DROP TABLE IF EXISTS pets;\nDELETE FROM people WHERE id = 1;\n",
};

describe.each(ENGINES)("migrations on %s", (version) => {
  let bench: MigrationBench;
  const engine: Engine = version.startsWith("postgres") ? "postgres" : "mariadb";
  const setOf = (files: SqlFiles) => migrations(engine, files);
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  test("apply once, keep their history, and a second run does nothing", async () => {
    const scratch = await bench.scratch();
    const set = setOf({ ...people, ...pets });
    expect(await scratch.up(set)).toEqual(["0001_people", "0002_pets"]);
    expect(await scratch.up(set)).toEqual([]);
    const history = await scratch.store.history();
    expect(history).toMatchObject([
      { id: "0001_people", step: 1, steps: 1, rollbackStep: null, appliedBy: "somebody@somewhere" },
      {
        id: "0002_pets",
        step: 3,
        steps: 3,
        checksum: set.migrations[1]?.up.checksum,
        rollbackSql: pets["0002_pets.down.sql"],
      },
    ]);
    expect(history?.[0]?.appliedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(scratch.events.filter(({ type }) => type === "finished")).toMatchObject([
      { id: "0001_people" },
      { id: "0002_pets" },
    ]);
  });

  test("one that fails in its middle names statement and line, leaves the version before it, and resumes", async () => {
    const scratch = await bench.scratch();
    const broken = {
      ...pets,
      "0002_pets.up.sql": pets["0002_pets.up.sql"].replace(
        "ON pets (keeper)",
        "ON pets (\n  keeper,\n  owner)",
      ),
    };
    const failure = scratch.up(setOf({ ...people, ...broken }));
    await expect(failure).rejects.toThrow(
      /^sql\/scratch\/0002_pets\.up\.sql:[35]: statement 3 of 3 \(CREATE INDEX IF NOT EXISTS pets_by_keeper ON pets\) failed: /,
    );
    const history = (await scratch.store.history()) ?? [];
    expect(history.filter(({ step, steps }) => step === steps).map(({ version }) => version)).toEqual([1]);
    // PostgreSQL takes the whole file back; MariaDB has committed two statements and knows it.
    expect(history[1]?.step).toBe(engine === "postgres" ? undefined : 2);

    expect(await scratch.up(setOf({ ...people, ...pets }))).toEqual(["0002_pets"]);
    expect(await scratch.sql("SELECT count(*) AS people FROM people")).toEqual([
      { people: engine === "postgres" ? "1" : 1 },
    ]);
    expect(scratch.events.at(-2)).toMatchObject(
      engine === "postgres" ? { type: "started", step: 0 } : { type: "resumed", step: 2, steps: 3 },
    );
    expect((await scratch.store.history())?.[1]).toMatchObject({ step: 3, steps: 3 });
  });

  test("an error shows no value of a row", async () => {
    const scratch = await bench.scratch();
    const files = {
      ...people,
      "0002_twice.up.sql":
        "INSERT INTO people VALUES (7, 'canary-name');\nINSERT INTO people VALUES (7, 'canary-name');\n",
      "0002_twice.down.sql": "DELETE FROM people WHERE id = 7;\n",
    };
    const message = await scratch.up(setOf(files)).then(String, String);
    expect(message).toMatch(
      /0002_twice\.up\.sql:2: statement 2 of 2 \(INSERT INTO people VALUES\) failed: (duplicate|Duplicate)/,
    );
    expect(message).not.toMatch(/canary|'7'|\(7\)/);
  });

  test("one that was changed after it was applied is refused, and nothing else runs", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf(people));
    const changed = { ...people, "0001_people.up.sql": `${people["0001_people.up.sql"]}-- more\n` };
    await expect(scratch.up(setOf({ ...changed, ...pets }))).rejects.toThrow(
      /0001_people was changed after it was applied .*: restore the file and write the change as the next migration/,
    );
    expect((await scratch.store.history())?.length).toBe(1);
  });

  test("one that is applied and has no file is refused, and so is one that was renamed", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf({ ...people, ...pets }));
    await expect(scratch.up(setOf(people))).rejects.toThrow(
      /0002_pets is applied and has no file: restore the file/,
    );
    const renamed = {
      ...people,
      "0002_animals.up.sql": pets["0002_pets.up.sql"],
      "0002_animals.down.sql": pets["0002_pets.down.sql"],
    };
    await expect(scratch.up(setOf(renamed))).rejects.toThrow(
      /version 2 is applied as 0002_pets and its file is called 0002_animals/,
    );
  });

  test("a row that somebody removed from the middle of the history is a fault", async () => {
    const scratch = await bench.scratch();
    const set = setOf({ ...people, ...pets });
    await scratch.up(set);
    await scratch.sql(
      `DELETE FROM ${engine === "postgres" ? "estate." : ""}migration_history WHERE version = 1`,
    );
    await expect(scratch.up(set)).rejects.toThrow(/0002_pets is in the history and version 1 is not/);
  });

  test("down takes back with the file, or with what the database keeps where the file is gone", async () => {
    const scratch = await bench.scratch();
    const set = setOf({ ...people, ...pets });
    await scratch.up(set);
    expect(await scratch.down(setOf(people), 1)).toEqual(["0002_pets"]);
    expect(await scratch.down(set, 0)).toEqual(["0001_people"]);
    expect(await scratch.store.history()).toEqual([]);
    expect(await scratch.dump()).toBe("");
  });

  test("down of one whose files were changed takes back what was applied", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf(people));
    const changed = {
      "0001_people.up.sql": "CREATE TABLE IF NOT EXISTS persons (id int PRIMARY KEY);\n",
      "0001_people.down.sql": "DROP TABLE IF EXISTS persons;\n",
    };
    expect(await scratch.down(setOf(changed), 0)).toEqual(["0001_people"]);
    expect(await scratch.dump()).toBe("");
  });

  test("a down that fails in its middle says where, bars the way up, and resumes", async () => {
    const scratch = await bench.scratch();
    const good = setOf({ ...people, ...pets });
    await scratch.up(good);
    const bad = { ...pets, "0002_pets.down.sql": "DROP TABLE IF EXISTS pets;\nDELETE FROM persons;\n" };
    await expect(scratch.down(setOf({ ...people, ...bad }), 1)).rejects.toThrow(
      /0002_pets\.down\.sql:2: statement 2 of 2 \(DELETE FROM persons\) failed/,
    );
    if (engine === "mariadb") {
      await expect(scratch.up(good)).rejects.toThrow(
        /0002_pets is half taken back \(1 statements\): finish with: estate migrate down/,
      );
    } else {
      expect(await scratch.up(good)).toEqual([]);
    }
    expect(await scratch.down(good, 1)).toEqual(["0002_pets"]);
    expect(await scratch.sql("SELECT * FROM people")).toEqual([]);
  });

  test("a corrected down replaces what the database keeps", async () => {
    const scratch = await bench.scratch();
    await scratch.up(setOf(people));
    const text = "DROP TABLE IF EXISTS people; -- better\n";
    expect(await scratch.up(setOf({ ...people, "0001_people.down.sql": text }))).toEqual([]);
    expect((await scratch.store.history())?.[0]?.rollbackSql).toBe(text);
  });

  test("two runs at once: one waits and finds the work done", async () => {
    const scratch = await bench.scratch();
    const sleep = engine === "postgres" ? "SELECT pg_sleep(1);" : "DO SLEEP(1);";
    const set = setOf({
      ...people,
      "0002_slow.up.sql": `${sleep}\nINSERT INTO people VALUES (2, 'Grace');\n`,
      "0002_slow.down.sql": "DELETE FROM people WHERE id = 2;\n",
    });
    const done = await Promise.all([scratch.up(set), scratch.up(set)]);
    expect(done.flat().sort()).toEqual(["0001_people", "0002_slow"]);
    expect(done).toContainEqual([]);
    expect(scratch.events.filter(({ type }) => type === "waiting")).toEqual([
      { type: "waiting", database: scratch.name },
    ]);
  });

  test("a run whose session is killed in the middle leaves the version before it and can be repeated", async () => {
    const scratch = await bench.scratch();
    const sleep = engine === "postgres" ? "SELECT pg_sleep(60);" : "DO SLEEP(60);";
    const files = (middle: string) => ({
      ...people,
      "0002_slow.up.sql": `INSERT INTO people VALUES (2, 'Grace');\n${middle}`,
      "0002_slow.down.sql": "DELETE FROM people WHERE id = 2;\n",
    });
    const running = scratch.up(setOf(files(sleep))).then(String, String);
    await killWhenItSleeps(scratch.name);
    expect(await running).toMatch(/0002_slow/);
    const finished = (await scratch.store.history())?.filter(({ step, steps }) => step === steps);
    expect(finished?.map(({ version }) => version)).toEqual([1]);
    expect(await scratch.up(setOf(files("")))).toEqual(["0002_slow"]);
    expect(await scratch.sql("SELECT id FROM people")).toEqual([{ id: 2 }]);
  });

  test("an aborted run begins no further migration", async () => {
    const scratch = await bench.scratch();
    const aborted = new AbortController();
    aborted.abort(new Error("cancelled"));
    await expect(scratch.up(setOf(people), undefined, aborted.signal)).rejects.toThrow("cancelled");
    expect(await scratch.store.history()).toEqual([]);
  });

  test("a database that does not exist has no history", async () => {
    const scratch = await bench.scratch();
    expect(await scratch.store.history()).toEqual([]);
    await bench.drop(scratch.name);
    expect(await scratch.store.history()).toBeUndefined();
  });

  async function killWhenItSleeps(database: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await bench.killSleeping(database)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the migration never came to its sleep");
  }
});
