import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { type Finding, lintDatabase, lintServer } from "../../../ops/lint/lint";
import { rules } from "../../../ops/lint/rules";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { type PostgresBench, postgresBench } from "../../support/postgres-kinds";
import { declared, entry, key, LIBRARY_SQL, library } from "../../support/row-security";
import { harmless } from "./harmless";
import { violations } from "./violations";

const minutes = 60_000;
const about = {
  entry: { name: "library", ...entry, schema: { owner: "program" as const, reason: "a library" } },
  declaration: library,
};

describe.each(["16", "17"] as const)("estate lint on PostgreSQL %s", (version) => {
  let bench: PostgresBench;

  beforeAll(async () => {
    bench = await postgresBench(version);
    for (const role of ["library_owner", "svc_library"]) await bench.sql(`CREATE ROLE ${role}`);
    await bench.sql("CREATE DATABASE library OWNER library_owner");
    await bench.sql(
      `SET ROLE library_owner; ${LIBRARY_SQL};
       ALTER TABLE log ADD COLUMN id uuid DEFAULT gen_random_uuid(), ADD PRIMARY KEY (id, at)`,
      "library",
    );
    await bench.drive(postgresRowSecurity).create(declared("library", { k1: key() }));
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  const lint = async (connection: PostgresConnection): Promise<Finding[]> => [
    ...(await lintServer(connection, about)),
    ...(await lintDatabase(connection, about)),
  ];
  /** What is found once the statements have run, in a transaction that is rolled back. */
  const found = (...statements: string[]): Promise<Finding[]> =>
    bench.server.withConnection("library", async (connection) => {
      await connection.query("BEGIN");
      try {
        for (const statement of statements) await connection.query(statement);
        return await lint(connection);
      } finally {
        await connection.query("ROLLBACK");
      }
    });
  const places = (findings: readonly Finding[]) => findings.map(({ rule, at }) => `${rule} ${at}`).sort();

  test("finds nothing in what the kind has made", async () => {
    expect(await found()).toEqual([]);
  });

  test.each(violations)("$rule: $title", async ({ rule, statements, at, also = [] }) => {
    expect(places(await found(...statements))).toEqual(
      [...at.map((each) => `${rule} ${each}`), ...also].sort(),
    );
  });

  test.each(harmless)("nothing: $title", async ({ statements }) => {
    expect(places(await found(...statements))).toEqual([]);
  });

  test("leaves an application's own database to it, but for what holds everywhere", async () => {
    const findings = await bench.server.withConnection("library", async (connection) => {
      await connection.query("BEGIN");
      try {
        for (const statement of [
          "CREATE TABLE public.diary (id int)",
          "CREATE POLICY anybody ON public.loans USING (true)",
        ])
          await connection.query(statement);
        const application = { ...about.entry, schema: { owner: "application" as const, reason: "its own" } };
        return await lintDatabase(connection, { entry: application, declaration: undefined });
      } finally {
        await connection.query("ROLLBACK");
      }
    });
    const found = new Set(findings.map(({ rule }) => rule));
    expect([...found]).toContain("policy-to-public");
    expect([...found]).toContain("policy-always-true");
    for (const { id, scope } of rules) if (scope === "row-security") expect([...found]).not.toContain(id);
  });
});

test("every rule has a violation, an id of its own, and says how to mend", () => {
  expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual(rules.map(({ id }) => id).sort());
  for (const { id, requirement, mend } of rules) {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(requirement).toMatch(/\.$/);
    expect(mend).not.toMatch(/\.$/);
  }
});
