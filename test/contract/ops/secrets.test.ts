import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { expectedSecrets } from "../../../estate/published";
import type { Estate, GithubTarget } from "../../../estate/types";
import { EXIT } from "../../../ops/exit";
import { isRight, renderSecrets, renderSecretsJson } from "../../../ops/render/secrets";
import { checkSecrets } from "../../../ops/secrets/check";
import { writtenIn } from "../../../ops/secrets/written";
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

/** As if the stack had written all of them when they were written last. */
const written = async () =>
  new Map(Object.entries(scope().secrets).map(([name, { updatedAt }]) => [name, updatedAt]));
const check = (token: string | undefined = tokens.write, own = written) =>
  checkSecrets(estate, { GITHUB_TOKEN: token }, own);

describe("estate check --secrets", () => {
  test("finds every one, the operator's in the repository too, and writes nothing", async () => {
    github.api.requests.length = 0;
    const found = await check();
    expect(found.filter((secret) => !isRight(secret))).toEqual([]);
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
    expect(text).toMatch(/^MO_CRM_DB_PASS: not there; run: pulumi up --stack test --refresh$/m);
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

  test("names what somebody else wrote, or what the stack never wrote", async () => {
    const own = await written();
    const before = own.get("MO_CRM_DB_PASS");
    own.delete("MO_CRM_DATABASE_URL");
    own.delete("SSH_PORT");
    Object.assign(scope().secrets.MO_CRM_DB_PASS ?? {}, { updatedAt: "2030-01-31T10:20:30Z" });
    const secrets = await check(tokens.write, async () => own);
    expect(secrets.filter((secret) => !isRight(secret)).map(({ name }) => name)).toEqual([
      "MO_CRM_DB_PASS",
      "MO_CRM_DATABASE_URL",
    ]);
    const report = { stack: "test", target: estate.config.github, secrets } as Parameters<
      typeof renderSecrets
    >[0];
    const text = renderSecrets(report, { colour: false });
    expect(text).toMatch(/^MO_CRM_DB_PASS +program +mo_crm +2030-01-31T10:20:30Z +OVERWRITTEN$/m);
    expect(text).toMatch(
      /^MO_CRM_DB_PASS, MO_CRM_DATABASE_URL: last written by somebody else; run: pulumi up --stack test --refresh$/m,
    );
    expect(JSON.parse(renderSecretsJson(report))).toMatchObject({ ok: false });
    Object.assign(scope().secrets.MO_CRM_DB_PASS ?? {}, { updatedAt: before });
  });

  test("takes the stack's own writes from its state, and quotes nothing of it", () => {
    const target = estate.config.github as GithubTarget;
    const secret = { ...target, secretName: "A", writtenAt: "2026-01-31T10:20:30Z" };
    const resources = [
      { type: "estate:github:EnvironmentSecret", outputs: secret },
      {
        type: "estate:github:EnvironmentSecret",
        outputs: { ...secret, secretName: "B", environment: "production" },
      },
      {
        type: "estate:github:EnvironmentSecret",
        outputs: { ...secret, secretName: "C", writtenAt: undefined },
      },
      { type: "estate:catalogue:Roster", outputs: { ...secret, secretName: "D" } },
      { type: "pulumi:pulumi:Stack" },
    ];
    expect(writtenIn(JSON.stringify({ deployment: { resources } }), "test", target)).toEqual(
      new Map([["A", "2026-01-31T10:20:30Z"]]),
    );
    for (const text of ["a canary", '{"deployment":"a canary"}'])
      expect(() => writtenIn(text, "test", target)).toThrow(
        /^the state of stack test has another shape\. Run: [^"]*$/,
      );
  });

  test("tells failed from could not tell", async () => {
    await expect(check(tokens.read)).rejects.toMatchObject({ exitCode: EXIT.failed });
    await expect(check("wrong")).rejects.toMatchObject({ exitCode: EXIT.failed });
    await expect(checkSecrets(estate, {}, written)).rejects.toMatchObject({ exitCode: EXIT.unknown });
    github.api.faults.plan([{ kind: "limit", retryAfter: 3_000, times: 99 }]);
    await expect(check()).rejects.toMatchObject({ exitCode: EXIT.unknown });
    const elsewhere = { ...estate, config: { ...estate.config, github: undefined } };
    await expect(checkSecrets(elsewhere, {}, written)).rejects.toThrow("the stack test publishes no secrets");
  });
});
