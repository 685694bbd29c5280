import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { EngineProject } from "../../support/engine-project";
import { type LoopbackGithub, startGithub, tokens } from "../../support/github";

const values = { MO_CRM_DB_PASS: "canary-password-of-crm", MO_CRM_DATABASE_URL: "mysql://canary-url-of-crm" };

/** The component and the resources of a program that publishes with the project's own kind. */
const own = (baseUrl: string, environment = "staging") => `
import * as pulumi from "@pulumi/pulumi";
import { PublishedSecrets, requirePublishable } from "#/components/published-secrets";
const target = { repository: "owner/applications", environment: "${environment}", baseUrl: "${baseUrl}" };
requirePublishable(target);
new PublishedSecrets("github", {
  target,
  servers: [],
  services: [{
    name: "mo_crm",
    secrets: { password: "MO_CRM_DB_PASS", url: "MO_CRM_DATABASE_URL" },
    password: pulumi.secret("${values.MO_CRM_DB_PASS}"),
    url: pulumi.secret("${values.MO_CRM_DATABASE_URL}"),
  }],
});
`;

/** The same with @pulumi/github, as it was published before. */
const official = (baseUrl: string) => `
import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
delete process.env.GITHUB_TOKEN;
const parent = new pulumi.ComponentResource("estate:component:PublishedSecrets", "github");
const provider = new github.Provider("github", { owner: "owner", baseUrl: "${baseUrl}", writeDelayMs: 100 }, { parent });
for (const [name, secretName, value] of ${JSON.stringify([
  ["password", "MO_CRM_DB_PASS", values.MO_CRM_DB_PASS],
  ["url", "MO_CRM_DATABASE_URL", values.MO_CRM_DATABASE_URL],
])})
  new github.ActionsEnvironmentSecret(\`mo_crm-\${name}-secret\`, {
    repository: "applications", environment: "staging", secretName, value: pulumi.secret(value),
  }, { parent, provider });
`;

// Each test runs the engine several times.
vi.setConfig({ testTimeout: 180_000 });

let github: LoopbackGithub;
let project: EngineProject;

beforeAll(async () => {
  github = await startGithub();
});
afterAll(() => github?.stop());
beforeEach(async () => {
  project = new EngineProject({ GITHUB_TOKEN: tokens.write });
  await project.init();
});
afterEach(() => {
  github.api.faults.clear();
  project?.remove();
});

const writes = () => github.api.requests.filter(({ method }) => method !== "GET").map(({ method }) => method);
/** Times at GitHub have whole seconds. */
const nextSecond = () => sleep(1_100);
const staging = () => {
  const found = github.api.store.find("owner", "applications")?.environments.staging;
  if (!found) throw new Error("there is no environment staging");
  return found;
};
const overwrite = (name: string) => github.api.store.put(staging(), name, "theirs");

describe("a secret that somebody overwrote", () => {
  it("is drift after a refresh, and written again", async () => {
    project.declare(own(github.baseUrl));
    await project.up();
    expect(github.held("staging")).toEqual(values);
    expect(await project.preview()).toEqual({});

    await nextSecond();
    overwrite("MO_CRM_DB_PASS");
    await project.succeed(["refresh", "--yes"]);
    expect(await project.preview()).toEqual({
      "mo_crm-password-secret": { op: "update", fields: ["changedAt"] },
    });
    github.api.requests.length = 0;
    await project.up();
    expect(github.held("staging")).toEqual(values);
    expect(writes()).toEqual(["PUT"]);
    expect(await project.preview()).toEqual({});

    await nextSecond();
    overwrite("MO_CRM_DATABASE_URL");
    await project.up("--refresh");
    expect(github.held("staging")).toEqual(values);
  });

  it("is not seen by @pulumi/github", async () => {
    project.declare(official(github.baseUrl));
    await project.up();
    await nextSecond();
    overwrite("MO_CRM_DB_PASS");
    await project.succeed(["refresh", "--yes"]);
    expect(await project.preview()).toEqual({});
    await project.up("--refresh");
    expect(github.held("staging").MO_CRM_DB_PASS).toBe("theirs");
  });
});

describe("a destroy where a secret is gone already", () => {
  it("goes on", async () => {
    project.declare(own(github.baseUrl));
    await project.up();
    github.api.store.delete(staging(), "MO_CRM_DB_PASS");
    await project.succeed(["destroy", "--yes"]);
    expect(github.held("staging")).toEqual({});
  });

  it("stops with @pulumi/github", async () => {
    project.declare(official(github.baseUrl));
    await project.up();
    github.api.store.delete(staging(), "MO_CRM_DB_PASS");
    const { code, output } = await project.pulumi(["destroy", "--yes"]);
    expect(code).not.toBe(0);
    expect(output).toContain("(404)");
  });
});

describe("a preview", () => {
  it("needs neither a token nor a way to GitHub", async () => {
    project.declare(own(github.baseUrl));
    await project.up();
    expect(await project.preview({ GITHUB_TOKEN: "" })).toEqual({});
    github.api.faults.plan([{ kind: "hang", times: 99 }]);
    const begun = Date.now();
    expect(await project.preview()).toEqual({});
    expect(Date.now() - begun).toBeLessThan(30_000);
  });

  it("fails without a token with @pulumi/github", async () => {
    project.declare(official(github.baseUrl));
    await project.up();
    await expect(project.preview({ GITHUB_TOKEN: "" })).rejects.toThrow("401");
  });
});

describe("what was published with @pulumi/github", () => {
  it("is taken over in place: no secret is deleted, and none is missing for a moment", async () => {
    project.declare(official(github.baseUrl));
    await project.up();
    github.api.requests.length = 0;
    project.declare(own(github.baseUrl));
    const planned = await project.preview();
    expect(planned["mo_crm-password-secret"]?.op).toBe("update");
    expect(planned["mo_crm-url-secret"]?.op).toBe("update");
    await project.up();
    expect(writes()).toEqual(["PUT", "PUT"]);
    expect(github.held("staging")).toEqual(values);
    expect(await project.preview()).toEqual({});
    const { resources } = await project.state();
    expect(resources.map(({ type }) => type).filter((type) => type.includes("github:"))).toEqual([
      "estate:github:EnvironmentSecret",
      "estate:github:EnvironmentSecret",
    ]);
    expect(await project.sealedState()).not.toMatch(/canary|a-token-that-writes/);
  });
});
