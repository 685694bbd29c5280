import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { readMigrations } from "../../../estate/migrations/read";
import { projectDirectory, run } from "../../support/run";

/** Squawk's word on files, `rule at file:line`; empty: it finds nothing. */
async function lint(files: readonly string[], transactional: boolean): Promise<string[]> {
  if (files.length === 0) return [];
  const mode = transactional ? "--assume-in-transaction" : "--no-assume-in-transaction";
  const { stdout } = await run("node_modules/.bin/squawk", ["--reporter", "json", mode, ...files]);
  const found = JSON.parse(stdout) as { file: string; line: number; rule_name: string }[];
  return found.map(({ file, line, rule_name }) => `${rule_name} at ${file}:${line + 1}`);
}

describe("squawk", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "estate-squawk-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("finds no risk in any migration", async () => {
    const sets = databases
      .filter(({ engine, schema }) => engine === "postgres" && schema.owner === "program")
      .map((entry) => readMigrations(entry, projectDirectory));
    const scripts = sets.flatMap((set) => set?.migrations.map(({ up }) => up) ?? []);
    expect(scripts.length).toBeGreaterThan(0);
    const of = (transactional: boolean) =>
      scripts.filter((script) => script.transactional === transactional).map(({ source }) => source);
    expect([...(await lint(of(true), true)), ...(await lint(of(false), false))]).toEqual([]);
  });

  it.each([
    [
      "a table that is locked while an index is built",
      "CREATE INDEX a ON users (x);",
      true,
      "require-concurrent-index-creation",
    ],
    [
      "a check that scans the table under its lock",
      "ALTER TABLE users ADD CONSTRAINT c CHECK (x > 0);",
      true,
      "constraint-missing-not-valid",
    ],
    ["a rewrite of the table", "ALTER TABLE users ALTER COLUMN x TYPE bigint;", true, "changing-column-type"],
    ["a table that goes", "DROP TABLE users;", true, "ban-drop-table"],
    [
      "a step that cannot be repeated",
      "CREATE INDEX CONCURRENTLY a ON users (x);",
      false,
      "prefer-robust-stmts",
    ],
  ])("would find %s", async (_what, sql, transactional, rule) => {
    const file = join(directory, "0001_risk.up.sql");
    await writeFile(file, `${sql}\n`);
    expect((await lint([file], transactional)).map((found) => found.split(" ")[0])).toContain(rule);
  });

  it("has two rules off, those that the runner answers for", async () => {
    const runner = await readFile(join(projectDirectory, "migrate/postgres.ts"), "utf8");
    const config = await readFile(join(projectDirectory, ".squawk.toml"), "utf8");
    expect(/^excluded_rules = (.*)$/m.exec(config)?.[1]).toBe(
      '["require-lock-timeout", "require-statement-timeout"]',
    );
    expect(runner).toMatch(/SET LOCAL lock_timeout/);
    expect(runner).toMatch(/SET LOCAL statement_timeout/);
  });
});
