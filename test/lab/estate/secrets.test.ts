import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { labToken } from "../../../lab/github/lab";
import { checkAll } from "../../../ops/reach/check";
import { connectAs } from "../../../ops/reach/connectors";
import { live } from "../../support/declared";
import { onHost } from "../../support/lab";
import { changeByHand, planFaults, publishedSecrets, takeRequests } from "../../support/lab-github";
import { filesBelow, findLeaks } from "../../support/leak";
import { copyProject, type ProjectCopy, plannedChanges, pulumi } from "../../support/project";
import { publishedLogins } from "../../support/published-logins";
import { run } from "../../support/run";
import { exportState } from "../../support/state";

const stack = ["--stack", "local"];
const kind = "estate:github:EnvironmentSecret";

async function succeed(args: readonly string[]): Promise<string> {
  const finished = await pulumi([...args, ...stack, "--yes"]);
  expect(finished.code, finished.output).toBe(0);
  return finished.output;
}

/** GitHub's times have whole seconds: a change in the second of our own write could not be told from it. */
const nextSecond = () => sleep(1_100);

afterAll(() => planFaults([]));

describe("what GitHub holds", () => {
  let held: Record<string, string>;
  beforeAll(async () => {
    held = await publishedSecrets();
  });

  it("logs in everywhere, over verified TLS, as every service", async () => {
    const targets = [...(await publishedLogins()).values()];
    const results = await checkAll(targets, {
      timeoutMs: 10_000,
      parallel: 8,
      connect: connectAs(process.env),
      onResult: () => undefined,
    });
    const refused = results.filter(({ reachable }) => !reachable);
    expect(refused.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
    expect(results).toHaveLength(live.services);
  });

  it("outlives a restart of the service", async () => {
    await onHost("cloud", ["systemctl", "restart", "github-api"]);
    await expect.poll(publishedSecrets, { timeout: 10_000 }).toEqual(held);
  });

  it("is told by `estate check --secrets`, each as the stack wrote it, with the operator's own", async () => {
    const checked = await run("ops/estate", ["check", ...stack, "--secrets"]);
    expect(checked.code, checked.output).toBe(0);
    expect(checked.stdout).toMatch(/^(\d+)\/\1 secrets in staging of estate-lab\/applications$/m);
    expect(checked.stdout).toMatch(/^PLESK_API_KEY +operator .* repository$/m);
    const values = new Map(Object.entries(held).filter(([name]) => !name.endsWith("_HOST")));
    expect(findLeaks([{ where: "output", text: checked.output }], values)).toEqual([]);
  });

  it("took no token into the state or its history", async () => {
    const places = await filesBelow(fileURLToPath(process.env.PULUMI_BACKEND_URL ?? ""));
    expect(places.length).toBeGreaterThan(0);
    expect(findLeaks(places, new Map([["the token", labToken]]))).toEqual([]);
  });
});

describe("a secret that somebody changed", () => {
  it("shows after a refresh and is mended in place; one that somebody deleted is made again", async () => {
    const before = await publishedSecrets();
    await nextSecond();
    await changeByHand("MO_CRM_DB_PASS", "set by hand");
    await changeByHand("REDIS_CRM_URL", undefined);
    await succeed(["refresh"]);
    const planned = await plannedChanges();
    expect(planned.sort((one, other) => (one.resource < other.resource ? -1 : 1))).toEqual([
      { op: "update", resource: `${kind} mo_crm-password-secret`, fields: ["changedAt"] },
      { op: "create", resource: `${kind} redis-svc_crm-url-secret`, fields: [] },
    ]);
    await takeRequests();
    await succeed(["up", "--skip-preview"]);
    expect(await publishedSecrets()).toEqual(before);
    const writes = (await takeRequests()).filter(({ method }) => method !== "GET");
    expect(writes.map(({ method, status }) => `${method} ${status}`).sort()).toEqual(["PUT 201", "PUT 204"]);
    expect(await plannedChanges()).toEqual([]);
  });
});

describe("a run that GitHub fails in the middle of", () => {
  it.each([
    ["server errors", { kind: "status", status: 503 }, /GitHub is out of order \(503\)/],
    ["a rate limit", { kind: "limit", retryAfter: 3_000 }, /GitHub's rate limit is reached \(429\)/],
  ] as const)("with %s ends with a clear error, and the next one finishes", async (_what, fault, message) => {
    const before = await publishedSecrets();
    for (const name of ["MO_N8N_DB_PASS", "MO_N8N_DATABASE_URL", "PG_IDP_DB_PASS"]) {
      await changeByHand(name, undefined);
    }
    await succeed(["refresh"]);
    await planFaults([{ ...fault, method: "PUT", after: 1, times: 99 }]);
    const failed = await pulumi(["up", ...stack, "--yes", "--skip-preview"]);
    await planFaults([]);
    expect(failed.code, failed.output).not.toBe(0);
    expect(failed.output).toMatch(message);
    expect(failed.output).not.toMatch(/^\s+at /m);
    expect(
      findLeaks(
        [{ where: "output", text: failed.output }],
        new Map(Object.entries(before).filter(([name]) => /PASS|URL/.test(name))),
      ),
    ).toEqual([]);
    await succeed(["up", "--skip-preview"]);
    expect(await publishedSecrets()).toEqual(before);
    expect(await plannedChanges()).toEqual([]);
  });
});

describe("what GitHub will not take", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyProject();
  });
  afterAll(() => project?.remove());

  /** The state without where in the program each thing stands, which is another place in a copy. */
  async function declared(): Promise<unknown> {
    const { resources } = await exportState();
    return resources.map(({ urn, inputs, outputs }) => ({ urn, inputs, outputs }));
  }

  /** An `up` that must end with this one error, and with nothing changed. */
  async function refused(message: string | RegExp, env: NodeJS.ProcessEnv, ...args: string[]): Promise<void> {
    const before = await declared();
    await takeRequests();
    const up = await project.pulumi(["up", ...stack, "--yes", ...args], env);
    expect(up.code, up.output).not.toBe(0);
    expect(up.output).toMatch(message);
    expect(up.output.match(/^ *error: (?!preview failed|update failed)/gm), up.output).toHaveLength(1);
    expect(up.output).not.toMatch(/^\s+at /m);
    expect(await declared()).toEqual(before);
    expect((await takeRequests()).filter(({ method }) => method !== "GET")).toEqual([]);
  }

  it("an update without a token changes nothing", () =>
    refused(/GITHUB_TOKEN is not set: .* Nothing was changed/, { GITHUB_TOKEN: "" }, "--skip-preview"));

  it("a token without rights is told before anything changes", () =>
    refused(/may not write secrets of the environment staging/, {
      GITHUB_TOKEN: "lab-token-that-only-reads",
    }));

  it("so is a token that nobody knows", () =>
    refused(/GITHUB_TOKEN is wrong or has expired/, { GITHUB_TOKEN: "unknown" }));

  it("and a repository that does not exist", async () => {
    await project.edit("Pulumi.local.yaml", "estate-lab/applications", "estate-lab/nothing");
    await refused(/github\.repository is "estate-lab\/nothing": there is no such repository/, {});
  });
});
