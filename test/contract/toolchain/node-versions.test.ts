import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NODE_VERSIONS, nodeBin } from "../../support/node-versions";
import { copyProject, type ProjectCopy } from "../../support/project";
import { run, succeed } from "../../support/run";

/** A thing of Node's that is to go ends what uses it; nothing else is told of it then. */
const STRICT = { NODE_OPTIONS: "--throw-deprecation" };

describe.each(NODE_VERSIONS)("on Node %s", (version) => {
  let project: ProjectCopy;
  let home: string;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const bin = await nodeBin(version);
    project = await copyProject();
    home = await mkdtemp(join(tmpdir(), "estate-node-"));
    const toolchain = await succeed("bash", [
      "-c",
      "eval \"$(toolchain/env)\"; jq -n 'env | {PATH, PULUMI_HOME}'",
    ]);
    const { PATH, PULUMI_HOME } = JSON.parse(toolchain) as NodeJS.ProcessEnv;
    environment = {
      PATH: `${bin}:${PATH}`,
      PULUMI_HOME: PULUMI_HOME ?? join(homedir(), ".pulumi"),
      PULUMI_BACKEND_URL: `file://${home}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      HOME: home,
      ...STRICT,
    };
  });
  afterAll(async () => {
    await project?.remove();
    if (home) await rm(home, { recursive: true, force: true });
  });

  it("commands print what they print, and no warning", async () => {
    expect((await run("node", ["--version"], { env: environment })).stdout).toBe(`v${version}\n`);
    for (const args of [["--help"], ["list", "--json"], ["migrate", "--help"], ["restore", "--help"]]) {
      const { code, stderr } = await run("ops/estate", args, { env: environment });
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
    }
  });

  it("the whole estate is previewed under the policies: program, providers, plugins and policy pack", async () => {
    const { code: init, output } = await project.pulumi(["stack", "init", "prod"], environment);
    expect(init, output).toBe(0);
    const preview = await project.pulumi(
      [
        "preview",
        "--stack",
        "prod",
        "--policy-pack",
        "policy",
        "--policy-pack-config",
        "policy/config.prod.json",
      ],
      environment,
    );
    expect(preview.code, preview.output).toBe(0);
    expect(preview.output).toMatch(/^ {4}\+ \d+ to create$/m);
    expect(preview.output).not.toMatch(/warning|deprecat/i);
  });
});
