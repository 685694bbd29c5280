import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowSecurity } from "../../../estate/row-security";
import { mcpPortal } from "../../../estate/row-security/mcp-portal";
import { type Bare, cells, openBare, type Secured, startSecured } from "../../support/row-matrix/database";
import { contextMutants, mutantsOf } from "../../support/row-matrix/mutants";
import { differences, survivors } from "../../support/row-matrix/run";

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

  test("a context that is believed too easily", async () => {
    const bare = await openBare(secured, mcpPortal);
    const { table, stage } = bare.on("users");
    expect(await survivors(stage, cells(bare, table), contextMutants())).toEqual([]);
  });
});
