import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowSecurity } from "../../../estate/row-security";
import { mcpPortal } from "../../support/declared";
import { type Bare, cells, openBare, type Secured, startSecured } from "../../support/row-matrix/database";
import { guarded, outcomes } from "../../support/row-matrix/guards";
import { midwayProbes } from "../../support/row-matrix/midway";
import {
  contextMutants,
  heldFunctionMutants,
  heldMutants,
  mutantsOf,
} from "../../support/row-matrix/mutants";
import { taken } from "../../support/row-matrix/real";
import { differences, survivors } from "../../support/row-matrix/run";
import { contextsOf } from "../../support/row-matrix/service";

/** What the matrix is worth: weaken each policy in turn, and some cell of its table must come out otherwise. */
describe("the matrix notices", () => {
  let secured: Secured;
  beforeAll(async () => {
    secured = await startSecured("17", rowSecurity);
  });
  afterAll(() => secured?.databases.stop());

  describe.each(rowSecurity)("every weakened policy of $database", (declaration) => {
    let bare: Bare;
    beforeAll(async () => {
      bare = await openBare(secured, declaration);
    });

    test.each(Object.keys(declaration.tables))("%s", async (name) => {
      const mutants = mutantsOf(declaration, name);
      expect(new Set(mutants.map((mutant) => mutant.name)).size).toBe(mutants.length);
      const { table, stage } = bare.on(name);
      const policies = await stage.connection.query<{ name: string }>(
        "SELECT policyname::text AS name FROM pg_policies WHERE tablename = $1",
        [name],
      );
      const dropped = mutants.filter(({ sql }) => sql.startsWith("DROP POLICY") && !sql.includes(";"));
      expect(dropped.map(({ sql }) => sql).sort()).toEqual(
        policies.map((policy) => `DROP POLICY ${policy.name} ON ${name}`).sort(),
      );
      const probes = cells(bare, table);
      expect(await survivors(stage, probes, mutants)).toEqual([]);
      // Each mutant is gone again.
      expect(await differences(stage, probes)).toEqual([]);
    });
  });

  describe.each(rowSecurity)("a context that is not held in $database", (declaration) => {
    let bare: Bare;
    beforeAll(async () => {
      bare = await openBare(secured, declaration);
      await bare.holdContext();
    });

    test.each(Object.keys(declaration.tables))("%s", async (name) => {
      const { table, stage } = bare.on(name);
      const probes = midwayProbes(bare, table, stage, taken(declaration));
      expect(await survivors(stage, probes, heldMutants(declaration, name))).toEqual([]);
    });
  });

  describe.each(Object.keys(guarded))("a guard of %s", (database) => {
    test("that is left out, or one of its parts", async () => {
      const admin = await secured.databases.open(database);
      const service = contextsOf(secured);
      const declared = await outcomes(admin, service, database);
      const left: string[] = [];
      for (const mutant of guarded[database]?.mutants ?? []) {
        const found = await outcomes(admin, service, database, mutant, declared);
        if (JSON.stringify(found) === JSON.stringify(declared)) left.push(mutant.name);
      }
      expect(left).toEqual([]);
      expect(await outcomes(admin, service, database)).toEqual(declared);
    }, 300_000);
  });

  test("a context that is held by half", async () => {
    const bare = await openBare(secured, mcpPortal);
    await bare.holdContext();
    const { table, stage } = bare.on("users");
    const probes = midwayProbes(bare, table, stage, taken(mcpPortal));
    expect(await differences(stage, probes)).toEqual([]);
    expect(await survivors(stage, probes, heldFunctionMutants())).toEqual([]);
  });

  test("a context that is believed too easily", async () => {
    const bare = await openBare(secured, mcpPortal);
    const { table, stage } = bare.on("users");
    expect(await survivors(stage, cells(bare, table), contextMutants())).toEqual([]);
  });
});
