import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rules } from "../../../policy/rules";
import { secretNotExposed } from "../../../policy/rules/secret-not-exposed";
import { copyProject, type ProjectCopy, pulumi } from "../../support/project";
import { type Finished, projectDirectory } from "../../support/run";
import { declare as declareBuckets } from "./bucket-violations";
import { ViolationsProject } from "./project";
import { declare, expected } from "./violations";

const pack = join(projectDirectory, "policy");

interface Told {
  level: string;
  rule: string;
  resource: string;
  /** Description and message. */
  text: string;
}

/** What the engine printed of each rule. Of what it mended it tells the number of resources only. */
function policiesIn(output: string): Told[] {
  const section = output.split(/^Policies:$/m)[1] ?? "";
  return section
    .split(/^\s+- (?=\[)/m)
    .slice(1)
    .map((text) => {
      const head = /^\[(\w+)\](?: \[severity: \w+\])?\s+(\S+)\s+\((?:.+: )?([^():]+)\)/.exec(text);
      if (!head) throw new Error(`the engine printed a policy in a form that is not known here:\n${text}`);
      return { level: head[1] as string, rule: head[2] as string, resource: head[3] as string, text };
    });
}

describe("the engine with the pack", () => {
  const programs = [
    ["violations", declare, []],
    // What these rules look at has the real kinds' checks and defaults.
    ["bucket-violations", declareBuckets, ["aws"]],
  ] as const;
  const previews: Finished[] = [];
  let told: Told[] = [];
  const output = () => previews.map((preview) => preview.output).join("\n");

  beforeAll(async () => {
    for (const [module, declared, real] of programs) {
      const project = new ViolationsProject(module, declared, real);
      try {
        const init = await project.pulumi("stack", "init", "test");
        if (init.code !== 0) throw new Error(init.output);
        const config = project.write("policies.json", '{ "password-rotated": { "anchor": "2026-01-01" } }');
        previews.push(await project.pulumi("preview", "--policy-pack", pack, "--policy-pack-config", config));
      } finally {
        project.remove();
      }
    }
    told = previews.flatMap((preview) => policiesIn(preview.output));
  });

  it("refuses programs that break every rule", () => {
    for (const { code } of previews) expect(code, output()).not.toBe(0);
    expect(Object.keys(expected)).toEqual(rules.map(({ name }) => name));
    expect([...new Set(told.map(({ rule }) => rule))].sort(), output()).toEqual(Object.keys(expected));
  });

  it.each(rules)("is told by $name what is wrong, once", ({ name, enforcementLevel, description }) => {
    const { resource, says } = expected[name] ?? { resource: "", says: "" };
    const about = told.filter(({ rule }) => rule === name);
    const mends = name === "bucket-public-access-blocked";
    const level = mends || enforcementLevel !== "remediate" ? enforcementLevel : "mandatory";
    expect(about.map((one) => [one.level, one.resource])).toEqual([[level, resource]]);
    expect(about[0]?.text).toContain(mends ? name : description);
    expect(about[0]?.text).toContain(says);
  });

  it("prints no password", () => {
    expect(output()).not.toContain("never-write-a-password");
  });
});

describe("the estate itself", () => {
  let project: ProjectCopy;
  let backend: string;
  beforeAll(async () => {
    project = await copyProject();
    backend = await mkdtemp(join(tmpdir(), "estate-backend-"));
  });
  afterAll(async () => {
    await project?.remove();
    await rm(backend, { recursive: true, force: true });
  });

  const withPack = (stack: string) => [
    "preview",
    "--stack",
    stack,
    "--policy-pack",
    "policy",
    "--policy-pack-config",
    `policy/config.${stack}.json`,
  ];
  const refused = (output: string) => policiesIn(output).filter(({ level }) => level === "mandatory");

  it("passes for prod, from nothing", async () => {
    const environment = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      GITHUB_TOKEN: "",
    };
    await project.pulumi(["stack", "init", "prod"], environment);
    const preview = await project.pulumi(withPack("prod"), environment);
    expect(preview.code, preview.output).toBe(0);
    expect(preview.output).toContain("database-estate@v");
    expect(refused(preview.output)).toEqual([]);
  });

  it("passes as it runs, where every value is known", async () => {
    const preview = await pulumi(withPack("local"));
    expect(preview.code, preview.output).toBe(0);
    expect(preview.output).toContain("database-estate@v");
    expect(refused(preview.output)).toEqual([]);
  });

  it("seals every output that may hold passwords", async () => {
    const printed = await pulumi(["stack", "output", "--stack", "local", "--json"]);
    const outputs = JSON.parse(printed.stdout) as Record<string, unknown>;
    const allowed = secretNotExposed.configSchema?.properties.secretOutputs?.default as string[];
    expect(allowed.length).toBeGreaterThan(0);
    for (const name of allowed) expect(outputs[name], name).toBe("[secret]");
  });
});
