import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { expectedSecrets } from "../../../estate/published";
import type { Estate } from "../../../estate/types";
import { EXIT } from "../../../ops/exit";
import { renderSecrets, renderSecretsJson } from "../../../ops/render/secrets";
import { checkSecrets } from "../../../ops/secrets/check";
import { type LoopbackGithub, startGithub, tokens } from "../../support/github";

let github: LoopbackGithub;
let estate: Estate;

beforeAll(async () => {
  github = await startGithub();
  const target = { repository: "owner/applications", environment: "staging", baseUrl: github.baseUrl };
  const config = { servers: { mariadb: {}, postgres: {}, redis: {} }, github: target };
  estate = { stack: "test", config, databases, redisUsers } as unknown as Estate;
  const { store } = github.api;
  const repository = store.ensure("owner", "applications");
  // More than one page of them.
  for (let index = 0; index < 100; index++) store.put(scope(), `A_${index}`, "of somebody else");
  for (const { name, keptBy } of expectedSecrets(estate)) {
    store.put(keptBy === "program" ? scope() : repository, name, "a value that nobody may see");
  }
});
afterAll(() => github?.stop());
beforeEach(() => github.api.faults.clear());

function scope() {
  const found = github.api.store.find("owner", "applications")?.environments.staging;
  if (!found) throw new Error("there is no environment staging");
  return found;
}

const check = (token: string | undefined = tokens.write) => checkSecrets(estate, { GITHUB_TOKEN: token });

describe("estate check --secrets", () => {
  test("finds every one, the operator's in the repository too, and writes nothing", async () => {
    github.api.requests.length = 0;
    const found = await check();
    expect(found.filter((secret) => !secret.in)).toEqual([]);
    expect(found.find(({ name }) => name === "PLESK_API_KEY")?.in).toBe("repository");
    expect(found.find(({ name }) => name === "MO_CRM_DATABASE_URL")?.in).toBe("environment");
    expect(new Set(github.api.requests.map(({ method }) => method))).toEqual(new Set(["GET"]));
  });

  test("names what is missing, with how it gets there; what is published must be the environment's own", async () => {
    const { store } = github.api;
    const repository = store.ensure("owner", "applications");
    store.delete(scope(), "MO_CRM_DB_PASS");
    store.put(repository, "MO_CRM_DB_PASS", "an old one for everybody");
    store.delete(repository, "SSH_PORT");
    const secrets = await check();
    const report = { stack: "test", target: estate.config.github, secrets } as Parameters<
      typeof renderSecrets
    >[0];
    const text = renderSecrets(report, { colour: false });
    expect(text).toMatch(/^MO_CRM_DB_PASS +program +mo_crm +- +MISSING$/m);
    expect(text).toMatch(/^MO_CRM_DB_PASS: not there; run: pulumi refresh, then pulumi up$/m);
    expect(text).toMatch(/^SSH_PORT: not there; set each: gh secret set NAME --env staging$/m);
    expect(text).toMatch(/^\d+\/\d+ secrets in staging of owner\/applications$/m);
    const json = JSON.parse(renderSecretsJson(report)) as {
      ok: boolean;
      secrets: { name: string; in?: string }[];
    };
    expect(json.ok).toBe(false);
    expect(json.secrets.filter((secret) => !secret.in).map(({ name }) => name)).toEqual([
      "MO_CRM_DB_PASS",
      "SSH_PORT",
    ]);
    expect(text + JSON.stringify(json)).not.toContain("nobody may see");
    store.put(scope(), "MO_CRM_DB_PASS", "a value that nobody may see");
    store.put(repository, "SSH_PORT", "22");
  });

  test("tells failed from could not tell", async () => {
    await expect(check(tokens.read)).rejects.toMatchObject({ exitCode: EXIT.failed });
    await expect(check("wrong")).rejects.toMatchObject({ exitCode: EXIT.failed });
    await expect(checkSecrets(estate, {})).rejects.toMatchObject({ exitCode: EXIT.unknown });
    github.api.faults.plan([{ kind: "limit", retryAfter: 3_000, times: 99 }]);
    await expect(check()).rejects.toMatchObject({ exitCode: EXIT.unknown });
    const elsewhere = { ...estate, config: { ...estate.config, github: undefined } };
    await expect(checkSecrets(elsewhere, {})).rejects.toThrow("the stack test publishes no secrets");
  });
});
