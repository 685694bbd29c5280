import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databases } from "../../../estate/catalogue";
import { readMigrations } from "../../../estate/migrations/read";
import type { DatabaseEntry } from "../../../estate/types";
import type { EngineName } from "../../support/engines";
import { type MigrationBench, migrationBench } from "../../support/migrations";
import { projectDirectory } from "../../support/run";
import { schemaStatements } from "../../support/schema-text";

/** The newest of each engine: what `make schemas` dumps with. */
const SCHEMAS_ARE_OF: EngineName[] = ["postgres-17", "mariadb-11.8"];

const ENGINES: EngineName[] = ["postgres-16", "postgres-17", "mariadb-10.11", "mariadb-11.8"];

const migrated = databases.filter(({ schema }) => schema.owner === "program");

describe.each(ENGINES)("the files under sql/ on %s", (version) => {
  let bench: MigrationBench;
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  const here = migrated.filter(({ engine }) => version.startsWith(engine));
  const extensionsOf = (entry: DatabaseEntry) => (entry.engine === "postgres" ? entry.extensions : []);
  const setOf = (entry: DatabaseEntry) => {
    const set = readMigrations(entry, projectDirectory);
    if (!set) throw new Error(`${entry.name} has no migrations`);
    return set;
  };

  test.each(
    here,
  )("$name: all up, all down, and nothing is left; up again, and all is the same", async (entry) => {
    const set = setOf(entry);
    const scratch = await bench.scratch(extensionsOf(entry));
    const empty = await scratch.dump();
    await scratch.up(set);
    const full = await scratch.dump();
    expect(full).not.toBe(empty);
    await scratch.down(set, 0);
    expect(await scratch.dump()).toBe(empty);
    expect(await scratch.store.history()).toEqual([]);
    await scratch.up(set);
    expect(await scratch.dump()).toBe(full);
  });

  if (SCHEMAS_ARE_OF.includes(version)) {
    test.each(
      here,
    )("$name: each step is taken back by its own down, and schema.sql is the result", async (entry) => {
      const set = setOf(entry);
      const scratch = await bench.scratch(extensionsOf(entry));
      let before = await scratch.dump();
      for (const { version: step, id } of set.migrations) {
        await scratch.up(set, step);
        const after = await scratch.dump();
        await scratch.down(set, step - 1);
        expect(await scratch.dump(), `${id} down`).toBe(before);
        await scratch.up(set, step);
        before = after;
      }
      expect(await scratch.dump(), "each step up, down and up").toBe(before);
      expect(set.schema).toBeDefined();
      const committed = schemaStatements(set.schema ?? "", entry.engine);
      expect(committed, "schema.sql is stale. Run: make schemas").toEqual(
        schemaStatements(before, entry.engine),
      );
      // What is committed does not hang on the program that dumped it.
      if (bench.engine !== "mariadb") return;
      const older = await scratch.dump("bookworm");
      expect(schemaStatements(older, entry.engine), "another client's dump").toEqual(committed);
    });
  }
});

test("make schemas dumps with the engines that are compared here", () => {
  const script = readFileSync(join(projectDirectory, "test/support/make-schemas.ts"), "utf8");
  for (const engine of SCHEMAS_ARE_OF) expect(script).toContain(`"${engine}"`);
});
