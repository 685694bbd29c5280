import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkOutDeployed } from "../../../ops/ci/deployed-commit";
import type { Io } from "../../../ops/io";
import { projectDirectory, succeed } from "../../support/run";
import { toolchainEnv } from "../toolchain/project";

let directory: string;
let io: Io;

const git = async (...args: string[]) =>
  (
    await succeed("git", ["-c", "user.name=a", "-c", "user.email=a@b.test", ...args], { cwd: directory })
  ).trim();
const pulumi = (...args: string[]) =>
  succeed("pulumi", [...args, "--non-interactive"], { cwd: directory, env: io.env });
const up = () => pulumi("up", "--stack", "prod", "--yes", "--skip-preview");
const commit = async (what: string) => {
  await git("commit", "--quiet", "--allow-empty", "--message", what);
  return git("rev-parse", "HEAD");
};

/** A repository with a project in it, and its state beside it. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "deployed-"));
  const state = await mkdtemp(join(tmpdir(), "deployed-state-"));
  const env = {
    ...toolchainEnv(),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: "fixture",
    NO_COLOR: "1",
  };
  const silent = () => undefined;
  io = {
    out: silent,
    err: silent,
    env,
    cwd: directory,
    projectDir: directory,
    colour: false,
    liveStderr: false,
  };
  await writeFile(join(directory, "Pulumi.yaml"), "name: deployed\nruntime: nodejs\nmain: index.js\n");
  await writeFile(join(directory, "package.json"), '{ "name": "deployed" }');
  await writeFile(join(directory, "index.js"), "");
  await writeFile(join(directory, ".gitignore"), "node_modules\n");
  await symlink(join(projectDirectory, "node_modules"), join(directory, "node_modules"));
  await git("init", "--quiet", "--initial-branch=main");
  await pulumi("stack", "init", "prod");
  await git("add", "--all");
  await commit("first");
});
afterAll(async () => {
  const state = io?.env.PULUMI_BACKEND_URL?.replace("file://", "");
  for (const each of [directory, state]) if (each) await rm(each, { recursive: true, force: true });
});

describe("the commit that a rotation runs", () => {
  test("is the one that the last `up` ran, however far main has gone on", async () => {
    const deployed = await commit("deployed");
    await up();
    await commit("merged since");
    expect(await checkOutDeployed(io, "prod")).toBe(deployed);
    expect(await git("rev-parse", "HEAD")).toBe(deployed);
    await git("checkout", "--quiet", "main");
  });

  test("is none where the last `up` ran what is not on main, or a file that was never committed", async () => {
    await git("checkout", "--quiet", "-b", "branch");
    await commit("never reviewed");
    await up();
    await git("checkout", "--quiet", "main");
    const before = await git("rev-parse", "HEAD");
    await expect(checkOutDeployed(io, "prod")).rejects.toThrow(/is not on main: run the workflow deploy/);

    await writeFile(join(directory, "index.js"), "// changed\n");
    await up();
    await git("checkout", "--quiet", "index.js");
    await expect(checkOutDeployed(io, "prod")).rejects.toThrow(/with changes beside it/);
    expect(await git("rev-parse", "HEAD")).toBe(before);
  });
});
