import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planRowSecurity } from "../../../components/plans/row-security";
import { rowSecurity, rowSecurityOf } from "../../../estate/row-security";
import type { PostgresEntry } from "../../../estate/types";
import { type Finding, lintDatabase } from "../../../ops/lint/lint";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { type ProgramDatabases, startProgramDatabases } from "../../support/program-database";
import { key } from "../../support/row-security";

/** What migrations and declarations make needs no exception but those that they declare. */
describe.each(["17"] as const)("the program's own databases on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  const names = rowSecurity.map(({ database }) => database);
  const entries = new Map<string, PostgresEntry>();

  beforeAll(async () => {
    databases = await startProgramDatabases(version, names, async (bench, entry) => {
      const declaration = rowSecurityOf(entry.name);
      if (!declaration) throw new Error(`${entry.name} has no declaration`);
      entries.set(entry.name, entry);
      await bench.sql(`CREATE ROLE ${entry.service}`);
      const plan = planRowSecurity(declaration, entry);
      await bench.drive(postgresRowSecurity).create({ ...plan, keys: { k1: key() } });
    });
  });
  afterAll(() => databases?.stop());

  const lint = (name: string): Promise<Finding[]> => {
    const entry = entries.get(name);
    if (!entry) throw new Error(`${name} was not made`);
    return databases.bench.server.withConnection(name, (connection) =>
      lintDatabase(connection, { entry, declaration: rowSecurityOf(name) }),
    );
  };

  test.each(names)("%s is clean", async (name) => {
    expect(await lint(name)).toEqual([]);
  });
});
