import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowSecurity } from "../../../estate/row-security";
import { type Bare, cells, openBare, type Secured, startSecured } from "../../support/row-matrix/database";
import { mutantsOf } from "../../support/row-matrix/mutants";
import { differences, survivors } from "../../support/row-matrix/run";

/** What the matrix is worth: weaken each policy in turn, and some cell of its table must come out otherwise. */
describe("the matrix notices every weakened policy", () => {
  let secured: Secured;
  beforeAll(async () => {
    secured = await startSecured("17", rowSecurity);
  });
  afterAll(() => secured?.databases.stop());

  describe.each(rowSecurity)("of $database", (declaration) => {
    let bare: Bare;
    beforeAll(async () => {
      bare = await openBare(secured, declaration);
    });

    test.each(Object.keys(declaration.tables))("%s", async (name) => {
      const table = bare.tables.find((each) => each.name === name);
      if (!table) throw new Error(`${name} is not there`);
      const mutants = mutantsOf(declaration, name);
      expect(new Set(mutants.map((mutant) => mutant.name)).size).toBe(mutants.length);
      const probes = cells(bare, table);
      expect(await survivors(bare.stage(name), probes, mutants)).toEqual([]);
      // Every mutant is gone again.
      expect(await differences(bare.stage(name), probes)).toEqual([]);
      if (process.env.N) console.log(declaration.database, name, mutants.length);
    });
  });
});
