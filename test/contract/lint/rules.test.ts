import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { type Finding, lintDatabase, lintServer } from "../../../ops/lint/lint";
import { rules } from "../../../ops/lint/rules";
import { lintAll } from "../../../ops/lint/run";
import { renderLint, renderLintJson } from "../../../ops/render/lint";
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

const CANARY = "canary-7f3a9c-row-of-a-person";
/** A row of a person wherever a text can stand, in statistics too. What refuses it says so to nobody. */
const CANARIES = `DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT attrelid::regclass AS t, attname AS a FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind IN ('r', 'p') AND nspname !~ '^(pg_|information_schema$|context$)' AND atttypid = 'text'::regtype AND NOT attisdropped LOOP
    BEGIN
      EXECUTE format('INSERT INTO %s (%I) SELECT %L FROM generate_series(1, 20)', c.t, c.a, '${CANARY}');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 100', c.t, c.a);
    EXECUTE format('ANALYZE %s', c.t);
  END LOOP;
END $$`;

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

  const declaredHere = {
    databases: ["library"],
    roles: [
      "library_owner",
      "svc_library",
      ...["reader", "librarian", "auditor"].map((each) => `library_${each}`),
    ],
  };
  const lint = async (connection: PostgresConnection, server: boolean): Promise<Finding[]> => [
    ...(await lintServer(connection, { ...about, ...(server && { declared: declaredHere }) })),
    ...(await lintDatabase(connection, about)),
  ];
  /** What is found once the statements have run, in a transaction that is rolled back. */
  const found = (statements: readonly string[], server = false): Promise<Finding[]> =>
    bench.server.withConnection("library", async (connection) => {
      await connection.query("BEGIN");
      try {
        for (const statement of statements) await connection.query(statement);
        await connection.query(CANARIES);
        const findings = await lint(connection, server);
        const report = {
          stack: "prod",
          results: [{ name: "library", kind: "database", scope: "row-security", findings }],
        } as const;
        expect(renderLint(report, { colour: false }) + renderLintJson(report)).not.toContain("canary");
        return findings;
      } finally {
        await connection.query("ROLLBACK");
      }
    });
  const places = (findings: readonly Finding[]) => findings.map(({ rule, at }) => `${rule} ${at}`).sort();

  test("finds nothing in what the kind has made", async () => {
    expect(await found([], true)).toEqual([]);
  });

  test("has rows before it that it could show", async () => {
    const rows = await bench.server.withConnection("library", async (connection) => {
      await connection.query("BEGIN");
      try {
        await connection.query(CANARIES);
        return await connection.query(
          "SELECT (SELECT count(*) FROM public.notices)::int AS rows, count(*)::int AS statistics FROM pg_stats WHERE most_common_vals::text LIKE '%canary%' OR histogram_bounds::text LIKE '%canary%'",
        );
      } finally {
        await connection.query("ROLLBACK");
      }
    });
    expect(rows[0]?.rows).toBe(20);
    expect(rows[0]?.statistics).toBeGreaterThan(0);
  });

  test.each(violations)("$rule: $title", async ({
    rule,
    statements,
    at,
    also = [],
    server,
    cleanup = [],
  }) => {
    const findings = await found(statements, server === true).finally(async () => {
      for (const statement of cleanup) await bench.sql(statement, "library");
    });
    expect(places(findings)).toEqual([...at.map((each) => `${rule} ${each}`), ...also].sort());
  });

  test.each(harmless)("nothing: $title", async ({ statements }) => {
    expect(places(await found(statements))).toEqual([]);
  });

  test("names what is left on a server where nothing is declared any more", async () => {
    const [result, ...others] = await lintAll(bench.server, "archive", []);
    expect(others).toEqual([]);
    expect(result).toMatchObject({ name: "archive", kind: "server", scope: "server" });
    expect(places(result?.findings ?? [])).toEqual(
      expect.arrayContaining([
        "database-undeclared database library",
        "role-undeclared library_owner",
        "role-undeclared svc_library",
      ]),
    );
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
