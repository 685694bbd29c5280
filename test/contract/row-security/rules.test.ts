import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowSecurity } from "../../../estate/row-security";
import { type Bare, cells, openBare, type Secured, startSecured } from "../../support/row-matrix/database";
import { differences } from "../../support/row-matrix/run";

/**
 * Every table, identity, context, relation of a row to the context and command, against the truth table as TypeScript tells
 * it. Everybody has every privilege here: what is kept from them, row security keeps from them. Privileges have their own
 * test, on tables as they are.
 */
describe.each(["16", "17"] as const)("row security alone on PostgreSQL %s", (version) => {
  let secured: Secured;
  beforeAll(async () => {
    secured = await startSecured(version, rowSecurity);
  });
  afterAll(() => secured?.databases.stop());

  describe.each(rowSecurity)("$database", (declaration) => {
    let bare: Bare;
    beforeAll(async () => {
      bare = await openBare(secured, declaration);
    });

    test.each(Object.keys(declaration.tables))("%s", async (name) => {
      const { table, stage } = bare.on(name);
      const probes = cells(bare, table);
      expect(probes.length).toBeGreaterThan(100);
      expect(await differences(stage, probes)).toEqual([]);
    });
  });
});
