import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { roleOf } from "../../../estate/row-security/roles";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { type Pgbouncer, startPgbouncer } from "../../support/pgbouncer";
import { type Bare, cells, openBare, type Secured, startSecured } from "../../support/row-matrix/database";
import { midwayProbes } from "../../support/row-matrix/midway";
import { taken } from "../../support/row-matrix/real";
import { differences } from "../../support/row-matrix/run";
import { key } from "../../support/row-security";

/**
 * Every table, identity, context, relation of a row to the context and command, against the truth table as TypeScript tells
 * it. Everybody has every privilege here: what is kept from them, row security keeps from them. Privileges have their own
 * test, on tables as they are.
 */
describe.each(["16", "17"] as const)("row security alone on PostgreSQL %s", (version) => {
  let secured: Secured;
  let pooler: Pgbouncer;
  const password = key();
  const logins = rowSecurity.map((declaration) => roleOf(declaration, "service"));

  beforeAll(async () => {
    secured = await startSecured(version, rowSecurity);
    const { bench } = secured.databases;
    const login = bench.drive(postgresLogin);
    for (const worksAs of logins) await login.create({ worksAs, password, connectionLimit: 5 });
    const passwords = Object.fromEntries(logins.map((worksAs) => [`${worksAs}_a`, password]));
    pooler = await startPgbouncer(bench.engine, passwords);
  });
  afterAll(async () => {
    await pooler?.stop();
    await secured?.databases.stop();
  });

  describe.each(rowSecurity)("$database", (declaration) => {
    let bare: Bare;
    let pooled: PostgresConnection;
    beforeAll(async () => {
      bare = await openBare(secured, declaration);
      pooled = await pooler.connect(`${roleOf(declaration, "service")}_a`, bare.connection.database);
    });

    test.each(Object.keys(declaration.tables))("%s", async (name) => {
      const { table, stage } = bare.on(name);
      const probes = cells(bare, table);
      expect(probes.length).toBeGreaterThan(100);
      expect(await differences(stage, probes)).toEqual([]);
    });

    // The owner is nobody's to become.
    test.each(Object.keys(declaration.tables))("%s, by the service through a pooler", async (name) => {
      const { table, stage } = bare.on(name, pooled);
      expect(await differences(stage, cells(bare, table, taken(declaration)))).toEqual([]);
    });

    describe("with a context that changes midway", () => {
      let held: Bare;
      let pooledHeld: PostgresConnection;
      beforeAll(async () => {
        held = await openBare(secured, declaration);
        await held.holdContext();
        pooledHeld = await pooler.connect(`${roleOf(declaration, "service")}_a`, held.connection.database);
      });

      test.each(Object.keys(declaration.tables))("%s", async (name) => {
        for (const session of [held.connection, pooledHeld]) {
          const { table, stage } = held.on(name, session);
          const probes = midwayProbes(held, table, stage, taken(declaration));
          expect(probes.length).toBeGreaterThan(100);
          expect(await differences(stage, probes)).toEqual([]);
        }
      });
    });
  });
});
