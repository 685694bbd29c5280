import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { allOf, asService, makeDatabase } from "../../../support/postgres-service";
import { randomPostgres } from "../../../support/random-postgres";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { Seeded } from "../../../support/seeded";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
/** RANDOM_SEEDS=100,101 tries others. */
const SEEDS = process.env.RANDOM_SEEDS?.split(",").map(Number) ?? [1, 2, 3, 4, 5, 6];

describe.each(["16", "17"] as const)("PostgreSQL %s: a random application's database", (version) => {
  let host: PostgresHost;
  let bench: RestoreBench;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });

  const asOwner = async (statements: readonly string[]) => {
    const refused: string[] = [];
    const session = await asService(host, entry);
    for (const statement of statements)
      await session
        .query(statement)
        .catch((error: unknown) => refused.push(`${statement}: ${String(error)}`));
    await session.close();
    return refused;
  };
  /** What the seed before has made goes, as its application would take it away. */
  const EMPTY = [
    `DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspowner = current_role::regrole AND nspname <> 'public'
       LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END $$`,
    "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = current_role::regrole",
  ];

  it.each(SEEDS)("of seed %i comes back in its place", async (seed) => {
    expect(await asOwner(EMPTY)).toEqual([]);
    const statements = randomPostgres(new Seeded(seed));
    const refused = await asOwner(statements);
    // A generator whose statements are refused would prove nothing.
    expect(refused.length, refused.join("\n")).toBeLessThan(statements.length / 4);
    const made = await allOf(host, entry.name);
    const backup = await bench.backUp("20260102T020000Z");
    expect(await asOwner(EMPTY)).toEqual([]);
    const result = await bench.restore({ backup });
    expect(result.fault, bench.said.join("\n")).toBeUndefined();
    expect((await allOf(host, entry.name)).split("\n")).toEqual(made.split("\n"));
  });
});
