import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MigrationInputs } from "../../provider/kinds/migrations/check";
import { sqlMigrations as kind } from "../../provider/kinds/sql-migrations";
import type { Properties } from "../../provider/wire/kind";
import type { EngineName } from "../support/engines";
import { type MigrationBench, migrationBench, OWNER, type Scratch } from "../support/migrations";

const ENGINES: EngineName[] = ["postgres-16", "postgres-17", "mariadb-10.11", "mariadb-11.8"];

const files = {
  "0001_people": {
    up: "CREATE TABLE IF NOT EXISTS people (id int PRIMARY KEY);\n",
    down: "DROP TABLE IF EXISTS people;\n",
  },
  "0002_pets": {
    up: "CREATE TABLE IF NOT EXISTS pets (id int PRIMARY KEY);\n",
    down: "DROP TABLE IF EXISTS pets;\n",
  },
};

describe.each(ENGINES)("sql:Migrations on %s", (version) => {
  let bench: MigrationBench;
  let scratch: Scratch;
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  const call = () => ({ config: bench.server, urn: "urn", signal: new AbortController().signal });
  const declare = (migrations: Properties): Properties => ({
    database: scratch.name,
    ...(bench.engine === "postgres" && { owner: OWNER }),
    migrations,
  });
  /** As the engine does it: the text of what the last run applied is left out. */
  const checked = (news: Properties, old?: MigrationInputs, elsewhere = false) => {
    const { inputs, failures } = kind.check(news, old as unknown as Properties, { urn: "", elsewhere });
    expect(failures).toEqual([]);
    return inputs as unknown as MigrationInputs;
  };
  const refreshed = async (old: MigrationInputs) => {
    const found = await kind.read(call(), scratch.name, { inputs: old, state: old });
    if (!found) throw new Error("it is gone");
    return found.inputs;
  };
  const preview = (old: MigrationInputs, news: MigrationInputs) =>
    kind.diff?.({ id: scratch.name, inputs: old, state: old }, news as unknown as Properties);
  const update = (old: MigrationInputs, news: MigrationInputs) =>
    kind.update(call(), scratch.name, { inputs: old, state: old }, news);
  const history = () => `${bench.engine === "postgres" ? "estate." : ""}migration_history`;

  test("creates, keeps no text in its state, and reads back without a change", async () => {
    scratch = await bench.scratch();
    const inputs = checked(declare(files));
    const { id, state } = await kind.create(call(), inputs);
    expect(id).toBe(scratch.name);
    expect(JSON.stringify(state)).not.toContain("CREATE");
    const found = await refreshed(inputs);
    expect(found).toEqual(state);
    expect(preview(found, checked(declare(files), found))).toEqual([]);
    expect(JSON.stringify(checked(declare(files), found))).not.toContain("CREATE");
  });

  test("the preview names each pending file, and update applies them", async () => {
    scratch = await bench.scratch();
    const first = checked(declare({ "0001_people": files["0001_people"] }));
    await kind.create(call(), first);
    const news = checked(declare(files), first);
    expect(preview(first, news)).toEqual([{ path: 'migrations["0002_pets"]', kind: "add" }]);
    await update(first, news);
    expect((await scratch.store.history())?.map(({ id }) => id)).toEqual(["0001_people", "0002_pets"]);
  });

  test("create takes over what an interrupted run applied", async () => {
    scratch = await bench.scratch();
    const one = checked(declare({ "0001_people": files["0001_people"] }));
    await kind.create(call(), one);
    await kind.create(call(), checked(declare(files)));
    expect((await scratch.store.history())?.length).toBe(2);
  });

  test("drift: a database behind is shown and mended; an edited or added row is shown and refused", async () => {
    scratch = await bench.scratch();
    const inputs = checked(declare(files));
    await kind.create(call(), inputs);

    await scratch.sql("DROP TABLE pets");
    await scratch.sql(`DELETE FROM ${history()} WHERE version = 2`);
    const behind = await refreshed(inputs);
    const news = checked(declare(files), behind);
    expect(preview(behind, news)).toEqual([{ path: 'migrations["0002_pets"]', kind: "add" }]);
    await update(behind, news);

    await scratch.sql(
      `UPDATE ${history()} SET checksum = REPLACE(checksum, SUBSTRING(checksum, 1, 4), 'zzzz') WHERE version = 1`,
    );
    const edited = await refreshed(inputs);
    expect(preview(edited, checked(declare(files), edited))).toEqual([
      { path: 'migrations["0001_people"].checksum', kind: "update" },
    ]);
    await expect(update(edited, checked(declare(files), edited))).rejects.toThrow(
      /0001_people was changed after it was applied/,
    );

    await scratch.sql(
      `UPDATE ${history()} SET checksum = '${inputs.migrations["0001_people"]?.checksum}' WHERE version = 1`,
    );
    await scratch.sql(
      `INSERT INTO ${history()} (version, name, checksum, rollback_sql, step, steps, duration_ms, applied_by, applied_at)
         SELECT 3, 'by_hand', checksum, rollback_sql, 1, 1, 0, 'x', applied_at FROM ${history()} WHERE version = 1`,
    );
    const ahead = await refreshed(inputs);
    expect(preview(ahead, checked(declare(files), ahead))).toEqual([
      { path: 'migrations["0003_by_hand"]', kind: "delete" },
    ]);
    await expect(update(ahead, checked(declare(files), ahead))).rejects.toThrow(
      /0003_by_hand is applied and has no file/,
    );
  });

  test("on another machine everything is applied again", async () => {
    scratch = await bench.scratch();
    const inputs = checked(declare(files));
    // The state tells of another machine's database; this one is empty.
    await update(inputs, checked(declare(files), inputs, true));
    expect((await scratch.store.history())?.length).toBe(2);
    scratch = await bench.scratch();
    await expect(update(inputs, checked(declare(files), inputs))).rejects.toThrow(
      /0001_people is not applied,.* Run: pulumi refresh/,
    );
  });

  test("a failure names file, line and statement, and the next run resumes", async () => {
    scratch = await bench.scratch();
    const broken = {
      ...files,
      "0002_pets": { up: "SELECT 1;\nINSERT INTO nowhere VALUES (1);\n", down: "SELECT 1;" },
    };
    await expect(kind.create(call(), checked(declare(broken)))).rejects.toThrow(
      new RegExp(
        `^sql/${scratch.name}/0002_pets.up.sql:2: statement 2 of 2 \\(INSERT INTO nowhere VALUES\\) failed: `,
      ),
    );
    const fixed = {
      ...files,
      "0002_pets": { ...files["0002_pets"], up: `SELECT 1;\n${files["0002_pets"].up}` },
    };
    await kind.create(call(), checked(declare(fixed)));
    expect((await scratch.store.history())?.map(({ step, steps }) => step === steps)).toEqual([true, true]);
  });

  test("deleting it forgets it: tables and history stay", async () => {
    scratch = await bench.scratch();
    const inputs = checked(declare(files));
    await kind.create(call(), inputs);
    await kind.delete(call(), scratch.name, { inputs, state: inputs });
    expect((await scratch.store.history())?.length).toBe(2);
    expect(await scratch.sql("SELECT id FROM pets")).toEqual([]);
  });

  test("is gone with its database, and can be imported", async () => {
    scratch = await bench.scratch();
    const inputs = checked(declare(files));
    await kind.create(call(), inputs);
    const imported = await kind.read(call(), scratch.name, undefined);
    expect(imported?.inputs).toEqual(await refreshed(inputs));
    await bench.drop(scratch.name);
    expect(await kind.read(call(), scratch.name, { inputs, state: inputs })).toBeUndefined();
    await expect(kind.create(call(), inputs)).rejects.toThrow(
      `there is no database ${scratch.name}: make it first`,
    );
  });
});
