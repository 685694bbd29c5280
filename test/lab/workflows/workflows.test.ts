import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Github } from "../../../connect/github";
import { labRepository } from "../../../lab/github/lab";
import { findLeaks } from "../../support/leak";
import { plannedChanges } from "../../support/project";
import { type Finished, run } from "../../support/run";
import { generatedPasswords } from "../../support/state";
import { commandWith } from "../../support/workflows";

const repository = `${labRepository.owner}/${labRepository.name}`;
const api = "https://10.77.0.15:8443/";

/** Runs a workflow's own command as its runner does, for the local stack and the lab's GitHub. */
function step(workflow: string, text: string, env: NodeJS.ProcessEnv): Promise<Finished> {
  const command = commandWith(workflow, text);
  return run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", command], {
    env: {
      STACK: "local",
      GITHUB_REPOSITORY: repository,
      GITHUB_API_URL: api,
      GITHUB_SERVER_URL: "https://github.test",
      GITHUB_RUN_ID: "1",
      GITHUB_SHA: "0123456789abcdef",
      ...env,
    },
  });
}

describe("the workflows' own commands", () => {
  let directory: string;
  let github: Github;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "runner-"));
    github = new Github({ token: process.env.GITHUB_TOKEN, baseUrl: api });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("preview plans under the policies, and shows it in one comment that holds no secret", async () => {
    const title = `pull request of ${directory}`;
    const { number } = await github.ask<{ number: number }>("POST", `repos/${repository}/issues`, { title });
    const env = { RUNNER_TEMP: directory, PULL_REQUEST: String(number), OUTCOME: "success" };
    const preview = await step("preview", "make preview", { ...env, GITHUB_TOKEN: "" });
    expect(preview.code, preview.output).toBe(0);
    // Without a finding the diff's display only lists the packs that ran.
    expect(preview.output).toMatch(/^ *(✅|⚠️|.*) database-estate@v\d|^ *database-estate\|local\|policy +\d/m);
    for (const round of [1, 2]) {
      const commented = await step("preview", "comment-plan", env);
      expect(commented.code, `round ${round}: ${commented.output}`).toBe(0);
    }
    const comments = await github.ask<{ body: string }[]>(
      "GET",
      `repos/${repository}/issues/${number}/comments`,
    );
    expect(comments).toHaveLength(1);
    const [{ body } = { body: "" }] = comments;
    expect(body).toContain("### Plan for `local`: no changes");
    const plan = await readFile(join(directory, "plan.txt"), "utf8");
    const secrets = await generatedPasswords();
    expect(secrets.size).toBeGreaterThan(20);
    const places = [
      { where: "plan", text: plan },
      { where: "comment", text: body },
    ];
    expect(findLeaks(places, secrets)).toEqual([]);
  });

  it("deploy makes the `up`, and proves every service and every secret after it", async () => {
    const deployed = await step("up", "make ", { TARGET: "deploy" });
    expect(deployed.code, deployed.output).toBe(0);
    expect(deployed.output).toMatch(/^(\d+)\/\1 secrets in staging of /m);
    expect(deployed.output).toMatch(/^ncy8 +row-security +clean$/m);
    expect(await plannedChanges()).toEqual([]);
  });

  it("a rotation that failed opens an issue with its log", async () => {
    const open = () => github.ask<{ title: string }[]>("GET", `repos/${repository}/issues?labels=rotation`);
    for (const _round of [1, 2]) {
      const reported = await step("rotate", "report-failure", {});
      expect(reported.code, reported.output).toBe(0);
    }
    expect((await open()).map(({ title }) => title)).toEqual(["rotation of local failed"]);
  });
});
