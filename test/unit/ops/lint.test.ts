import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { exitCodeFor } from "../../../ops/commands/lint";
import { constantTruth, functionCalls, parseExpression } from "../../../ops/lint/expressions";
import type { Finding } from "../../../ops/lint/lint";
import { mariadbRules } from "../../../ops/lint/mariadb";
import { rules } from "../../../ops/lint/rules";
import { type Linted, selectLinted, selectServers } from "../../../ops/lint/run";
import { run } from "../../../ops/program";
import { renderLint, renderLintJson } from "../../../ops/render/lint";
import { projectDirectory } from "../../support/run";
import { recordedIo } from "./support";

const finding = (changes: Partial<Finding> = {}): Finding => ({
  rule: "policy-to-public",
  severity: "critical",
  at: "ncy8.public.users.member_select",
  fault: "is for PUBLIC: whoever connects",
  mend: "name the role",
  ...changes,
});
const linted = (changes: Partial<Linted> = {}): Linted => ({
  name: "ncy8",
  kind: "database",
  scope: "row-security",
  findings: [],
  ...changes,
});

describe("which databases are looked at", () => {
  it("all of PostgreSQL by default, and those that are named", () => {
    const all = selectLinted(databases, []);
    expect(all.map(({ name }) => name)).toEqual([
      "mo_idp",
      "mo_grafana",
      "mo_discourse",
      "mcp_portal",
      "mcp_admin",
      "ncy8",
    ]);
    expect(selectLinted(databases, ["ncy8"]).map(({ name }) => name)).toEqual(["ncy8"]);
  });

  it("every server where none is named, also one where nothing lives any more, postgres first", () => {
    expect(selectServers([], [])).toEqual({ postgres: ["postgres"], mariadb: ["plesk", "mariadb"] });
    expect(selectServers(selectLinted(databases, ["ncy8"]), ["ncy8"])).toEqual({
      postgres: ["postgres"],
      mariadb: [],
    });
  });

  it.each([
    [["mcp_portl"], /^no such database: mcp_portl \(did you mean mcp_portal\?\)/],
    [["ncy8", "mo_crm"], /^mo_crm: a MariaDB database, which has no row-level security\. Name .*ncy8/],
  ])("refuses %j", (names, message) => {
    expect(() => selectLinted(databases, names)).toThrow(message);
  });

  it("ends with 2 and one line where a name is wrong, before anything is asked", async () => {
    const io = recordedIo();
    expect(await run(["lint", "mcp_portl", "--stack", "none"], io)).toBe(2);
    expect(io.stderr).toMatch(/^estate: no such database: mcp_portl.*\n$/);
  });
});

describe("the exit code", () => {
  it.each<[string, Linted[], number]>([
    ["nothing looked at", [], 2],
    ["all clean", [linted(), linted({ name: "mo_idp" })], 0],
    ["one finding", [linted(), linted({ findings: [finding()] })], 1],
    [
      "a database that does not answer",
      [linted({ findings: [finding()] }), linted({ error: "no answer" })],
      2,
    ],
  ])("of %s", (_what, results, code) => {
    expect(exitCodeFor(results)).toBe(code);
  });
});

describe("what is shown", () => {
  const results = [
    linted({ name: "postgres", kind: "server", scope: "server" }),
    linted({ findings: [finding({ severity: "medium", rule: "primary-key-missing" }), finding()] }),
    linted({ name: "mo_idp", scope: "application", error: "no answer within 10 s" }),
  ];

  it("is a line a database and, the gravest first, each finding with how to mend it", () => {
    expect(renderLint({ stack: "prod", results }, { colour: false })).toBe(
      `name      looked at     result
postgres  server        clean
ncy8      row-security  2 findings
mo_idp    application   UNKNOWN

mo_idp: no answer within 10 s

critical policy-to-public: ncy8.public.users.member_select
  is for PUBLIC: whoever connects
  mend: name the role

medium primary-key-missing: ncy8.public.users.member_select
  is for PUBLIC: whoever connects
  mend: name the role
`,
    );
  });

  it("is only the table where nothing was found", () => {
    expect(renderLint({ stack: "prod", results: [linted()] }, { colour: false })).toBe(
      "name  looked at     result\nncy8  row-security  clean\n",
    );
  });

  it("is no terminal's to act on, nor a line of ours, whatever a service calls its objects", () => {
    const name = "t\u001b[2J\u0007\u009b31m\u202e\u2028\u{e0041}\n0 findings\rclean";
    const named = [
      linted({ findings: [finding({ at: `ncy8.public.${name}`, fault: `is ${name}`, mend: name })] }),
    ];
    const shown = renderLint({ stack: "prod", results: named }, { colour: false });
    expect(shown).toContain(`
critical policy-to-public: ncy8.public.t?[2J??31m????0 findings?clean
  is t?[2J??31m????0 findings?clean
  mend: t?[2J??31m????0 findings?clean
`);
    const json = renderLintJson({ stack: "prod", results: named });
    expect(json).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(json)).toMatchObject({ results: named });
  });

  it("is one JSON document with the same", () => {
    expect(JSON.parse(renderLintJson({ stack: "prod", results }))).toEqual({
      stack: "prod",
      ok: false,
      results,
    });
    expect(JSON.parse(renderLintJson({ stack: "prod", results: [linted()] }))).toMatchObject({ ok: true });
  });
});

describe("an expression", () => {
  it.each([
    ["true", true],
    ["a OR 1 = 1", true],
    ["NOT false AND 'x'::text = 'x'::text", true],
    ["(SELECT true)", true],
    ["false AND a", false],
    ["a", undefined],
    ["a AND true", undefined],
    ["a = a", undefined],
  ])("%s is %s whatever the row", async (text, truth) => {
    expect(constantTruth((await parseExpression(text)).tree)).toBe(truth);
  });

  it.each([
    ["context.tenant()", ["context.tenant row"]],
    ["(SELECT context.tenant())", ["context.tenant once"]],
    ["f((SELECT context.tenant()))", ["pg_catalog.f row", "context.tenant once"]],
    ["EXISTS (SELECT FROM t WHERE t.x = context.tenant())", ["context.tenant row"]],
    ["(SELECT context.f(team_id))", ["context.f row"]],
    ["(SELECT context.tenant() FROM t)", ["context.tenant row"]],
  ])("%s asks its functions once a query or once a row", async (text, calls) => {
    const found = functionCalls(await parseExpression(text));
    expect(found.map(({ name, wrapped }) => `${name} ${wrapped ? "once" : "row"}`)).toEqual(calls);
  });

  it.each(["a, b", "a FROM t WHERE (", ""])("%j is none", async (text) => {
    await expect(parseExpression(text)).rejects.toThrow();
  });
});

describe("docs/lint.md", () => {
  it("has a row for each rule, with its severity and what must hold", async () => {
    const page = await readFile(`${projectDirectory}/docs/lint.md`, "utf8");
    const rows = page
      .slice(page.indexOf("| rule |"))
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    expect(rows).toEqual([
      ...rules.map(
        ({ id, severity, scope, requirement }) => `| \`${id}\` | ${severity} | ${scope} | ${requirement} |`,
      ),
      ...mariadbRules.map(
        ({ rule, severity, requirement }) => `| \`${rule}\` | ${severity} | mariadb | ${requirement} |`,
      ),
    ]);
  });
});
