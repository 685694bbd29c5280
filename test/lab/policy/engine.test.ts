import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadStackConfig } from "../../../estate/load";
import { stackServers } from "../../../estate/servers";
import { rules } from "../../../policy/rules";
import { secretNotExposed } from "../../../policy/rules/secret-not-exposed";
import { copyProject, type ProjectCopy, pulumi } from "../../support/project";
import { type Finished, projectDirectory } from "../../support/run";
import { declare as declareBuckets } from "./bucket-violations";
import { ViolationsProject } from "./project";
import { declare as declareSample, sample } from "./sample";
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
    ["sample", declareSample, []],
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
    expect([...new Set(told.map(({ rule }) => rule))].sort(), output()).toEqual(
      rules.map(({ name }) => name),
    );
  });

  it.each(Object.keys(expected))("is told by %s what is wrong with which resource", (name) => {
    const { resource, says } = expected[name] ?? { resource: "", says: "" };
    const { enforcementLevel, description } = rules.find((rule) => rule.name === name) ?? {};
    const about = told.filter((one) => one.rule === name && one.resource === resource);
    const mends = name === "bucket-public-access-blocked";
    const level = mends || enforcementLevel !== "remediate" ? enforcementLevel : "mandatory";
    expect(
      about.map((one) => one.level),
      output(),
    ).toContain(level);
    const text = about.map((one) => one.text).join("\n");
    expect(text).toContain(mends ? name : description);
    expect(text).toContain(says);
  });

  it.each(sample)("is told by $rule of its first violator", ({ rule, members }) => {
    const names = members.map(({ name }) => `${rule}-${name}`);
    const about = told.filter((one) => one.rule === rule && names.includes(one.resource));
    expect(
      about.map(({ level }) => level),
      output(),
    ).toContain("mandatory");
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

  it.each([
    "prod",
    "staging",
  ])("passes for %s, from nothing, once the hosts' keys are pinned", async (stack) => {
    const environment = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      GITHUB_TOKEN: "",
    };
    await project.pulumi(["stack", "init", stack], environment);
    const unpinned = await project.pulumi(withPack(stack), environment);
    expect(unpinned.code, unpinned.output).not.toBe(0);
    expect([...new Set(refused(unpinned.output).map(({ rule }) => rule))]).toEqual([
      "connection-host-pinned",
    ]);

    const { servers } = loadStackConfig(stack, projectDirectory);
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMch7BzWgv3TESySI70vRCFUAoQxZswwFQuBFmGvTk3V";
    const hosts = stackServers(servers).map(
      ({
        server: {
          ssh: { host, port },
        },
      }) => (port === 22 ? host : `[${host}]:${port}`),
    );
    const knownHosts = join(backend, "known_hosts");
    await writeFile(knownHosts, hosts.map((host) => `${host} ${key}\n`).join(""));
    const pin = [
      "config",
      "set",
      "--stack",
      stack,
      "--path",
      "database-estate:access.knownHosts",
      knownHosts,
    ];
    await project.pulumi(pin, environment);
    const preview = await project.pulumi(withPack(stack), environment);
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
