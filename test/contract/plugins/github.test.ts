import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";
import { Account } from "../../../toolchain/plugins/github/account";
import { checkConfig, githubConfig } from "../../../toolchain/plugins/github/config";
import {
  actionsEnvironmentSecret,
  actionsSecret,
  type SecretInputs,
  type SecretState,
} from "../../../toolchain/plugins/github/secret";
import { type LoopbackGithub, startGithub, tokens } from "../../support/github";

let github: LoopbackGithub;

beforeAll(async () => {
  github = await startGithub();
});
afterAll(() => github?.stop());
beforeEach(() => {
  github.api.faults.clear();
  github.api.requests.length = 0;
});

function account(more: Properties = {}, timeoutMs = 300): Account {
  const config = { owner: "owner", token: tokens.write, baseUrl: github.baseUrl, writeDelayMs: 0 };
  return new Account(githubConfig({ ...config, maxRetries: 2, retryDelayMs: 10, ...more }, {}), timeoutMs);
}

const call = (config = account()) => ({ config, urn: "urn", signal: new AbortController().signal });
const place = { repository: "applications", environment: "staging" };
const secret = (secretName: string, value: string): SecretInputs => ({ ...place, secretName, value });
const make = (inputs: SecretInputs, config?: Account) =>
  actionsEnvironmentSecret.create(call(config), inputs);
const asked = () => github.api.requests.map(({ method }) => method);
const diff = (state: SecretState, news: object) =>
  actionsEnvironmentSecret.diff?.({ id: "id", inputs: state, state }, news as Properties);

describe("a secret of an environment", () => {
  test("is sealed with the environment's key, and GitHub holds what was declared", async () => {
    const value = "p_. ü 0123456789".repeat(3);
    const { id, state } = await make(secret("MO_CRM_DB_PASS", value));
    expect(id).toBe("applications:staging:MO_CRM_DB_PASS");
    expect(github.held("staging").MO_CRM_DB_PASS).toBe(value);
    expect(state.createdAt).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/);
    expect(state.updatedAt).toBe(state.remoteUpdatedAt);
    expect(state.repositoryId).toBe(1000);
  });

  test("never leaves in clear", async () => {
    const bodies: string[] = [];
    const real = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      bodies.push(`${String(input)} ${JSON.stringify(init?.headers)} ${String(init?.body ?? "")}`);
      return real(input, init);
    };
    try {
      await make(secret("SEALED", "in the clear"));
    } finally {
      globalThis.fetch = real;
    }
    expect(bodies.join("\n")).toContain("encrypted_value");
    expect(bodies.join("\n")).not.toContain("in the clear");
    expect(bodies.join("\n")).not.toContain(Buffer.from("in the clear").toString("base64"));
  });

  test("changes its value in place: one request that overwrites, none that deletes", async () => {
    const { state } = await make(secret("IN_PLACE", "first"));
    const news = secret("IN_PLACE", "second");
    expect(diff(state, news)).toEqual([{ path: "value", kind: "update" }]);
    github.api.requests.length = 0;
    const after = await actionsEnvironmentSecret.update(call(), "id", { inputs: state, state }, news);
    expect(github.held("staging").IN_PLACE).toBe("second");
    expect(asked()).toEqual(["GET", "GET", "PUT", "GET"]);
    expect(diff(after, news)).toEqual([]);
  });

  test("is replaced in another repository, environment or under another name, and deleted first", async () => {
    const { state } = await make(secret("MOVED", "value"));
    for (const change of [{ repository: "x" }, { environment: "production" }, { secretName: "Y" }]) {
      const [path] = Object.keys(change);
      expect(diff(state, { ...secret("MOVED", "value"), ...change })).toEqual([
        { path, kind: "update", replaces: true },
      ]);
    }
    expect(actionsEnvironmentSecret.deleteBeforeReplace).toBe(true);
  });

  test("that somebody overwrote is read, and nothing comes of it, as with the real plugin", async () => {
    const inputs = secret("DRIFTED", "ours");
    const { id, state } = await make(inputs);
    const there = github.api.store.find("owner", "applications")?.environments.staging?.secrets.DRIFTED;
    if (!there) throw new Error("the secret was not written");
    Object.assign(there, { value: "theirs", updatedAt: "2030-01-31T10:20:30Z" });
    const read = await actionsEnvironmentSecret.read(call(), id, { inputs, state });
    expect(read?.state).toEqual({ ...state, remoteUpdatedAt: "2030-01-31 10:20:30 +0000 UTC" });
    expect(diff(read?.state as SecretState, inputs)).toEqual([]);
  });

  test("that somebody deleted is gone, and deleting it again is an error, as with the real plugin", async () => {
    const inputs = secret("DELETED", "value");
    const { id, state } = await make(inputs);
    await actionsEnvironmentSecret.delete(call(), id, { inputs, state });
    expect(await actionsEnvironmentSecret.read(call(), id, { inputs, state })).toBeUndefined();
    await expect(actionsEnvironmentSecret.delete(call(), id, { inputs, state })).rejects.toThrow("(404)");
  });

  test("is imported by repository:environment:name, without its value", async () => {
    const { id } = await make(secret("IMPORTED", "unknown to us"));
    const read = await actionsEnvironmentSecret.read(call(), id, undefined);
    expect(read?.inputs).toMatchObject({ ...place, secretName: "IMPORTED" });
    expect(JSON.stringify(read)).not.toContain("unknown to us");
    await expect(actionsEnvironmentSecret.read(call(), "a:b", undefined)).rejects.toThrow(
      "Use the form repository:environment:secret",
    );
  });

  test("may be named by a value that a preview does not know, and refuses what the stand-in lacks", () => {
    const check = (news: Properties) =>
      actionsEnvironmentSecret.check(news, undefined, { urn: "urn" }).failures.map((one) => one.property);
    expect(check({ ...secret("A", ""), value: UNKNOWN })).toEqual([]);
    expect(check({ ...place, secretName: "A", plaintextValue: "x" })).toEqual(["plaintextValue", "value"]);
    expect(check({ ...secret("GITHUB_TOKEN", "x") })).toEqual(["secretName"]);
    expect(check({ ...secret("1_A", "x") })).toEqual(["secretName"]);
    expect(check({ repository: "r", secretName: "A", value: "x" })).toEqual(["environment"]);
  });
});

test("a secret of a repository has the repository's key and two parts in its id", async () => {
  const inputs = { repository: "applications", secretName: "OF_ALL", value: "value" };
  const { id } = await actionsSecret.create(call(), inputs);
  expect(id).toBe("applications:OF_ALL");
  expect(github.api.store.find("owner", "applications")?.secrets.OF_ALL?.value).toBe("value");
});

test("its plugin asks for the owner before anything else, in a preview too", async () => {
  await account().connect();
  expect(github.api.requests.map(({ path }) => path)).toEqual(["/orgs/owner"]);
  await expect(account({ token: "" }).connect()).rejects.toThrow("(401)");
  github.api.faults.plan([{ kind: "hang", times: 99 }]);
  await expect(account({ maxRetries: 0 }).connect()).rejects.toThrow("no answer within");
});

describe("the configuration", () => {
  test("comes from the environment as the real plugin's does", () => {
    const config = githubConfig(
      {},
      { GITHUB_OWNER: "o", GITHUB_TOKEN: "t", GITHUB_BASE_URL: "https://g.test/" },
    );
    expect(config).toMatchObject({ owner: "o", token: "t", maxRetries: 3, writeDelayMs: 1_000 });
    expect(githubConfig({ writeDelayMs: "100" }, {}).writeDelayMs).toBe(100);
  });

  test("is kept as the package gives it, numbers as texts", () => {
    expect(checkConfig({ owner: "o", writeDelayMs: "100" }, {}).inputs).toEqual({
      owner: "o",
      writeDelayMs: "100",
    });
  });

  test("refuses what the stand-in lacks, and no owner", () => {
    const faults = (news: Properties) => checkConfig(news, {}).failures.map(({ property }) => property);
    expect(faults({ owner: "o", appAuth: "{}" })).toEqual(["appAuth"]);
    expect(faults({ owner: "o", baseUrl: "ftp://x" })).toEqual(["baseUrl"]);
    expect(faults({})).toEqual(["owner"]);
  });
});
