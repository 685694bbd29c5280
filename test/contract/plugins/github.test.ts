import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Github } from "../../../connect/github";
import { checkTarget } from "../../../connect/github-target";
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

  test("is replaced in another repository, environment or under another name", async () => {
    const { state } = await make(secret("MOVED", "value"));
    for (const change of [{ repository: "x" }, { environment: "production" }, { secretName: "Y" }]) {
      const [path] = Object.keys(change);
      expect(diff(state, { ...secret("MOVED", "value"), ...change })).toEqual([
        { path, kind: "update", replaces: true },
      ]);
    }
  });

  test("that somebody changed shows after a read, and is written again in place", async () => {
    const inputs = secret("DRIFTED", "ours");
    const { id, state } = await make(inputs);
    const there = github.api.store.find("owner", "applications")?.environments.staging?.secrets.DRIFTED;
    if (!there) throw new Error("the secret was not written");
    const unchanged = await actionsEnvironmentSecret.read(call(), id, { inputs, state });
    expect(diff(unchanged?.state as SecretState, inputs)).toEqual([]);

    Object.assign(there, { value: "theirs", updatedAt: "2030-01-31T10:20:30Z" });
    const read = await actionsEnvironmentSecret.read(call(), id, { inputs, state });
    expect(read?.state).toEqual({ ...state, remoteUpdatedAt: "2030-01-31 10:20:30 +0000 UTC" });
    expect(read?.inputs).toEqual(inputs);
    expect(diff(read?.state as SecretState, inputs)).toEqual([{ path: "updatedAt", kind: "update" }]);

    const old = { inputs, state: read?.state as SecretState };
    const mended = await actionsEnvironmentSecret.update(call(), id, old, inputs);
    expect(github.held("staging").DRIFTED).toBe("ours");
    expect(diff(mended, inputs)).toEqual([]);
  });

  test("that somebody deleted is gone, and deleting it again is no error", async () => {
    const inputs = secret("DELETED", "value");
    const { id, state } = await make(inputs);
    await actionsEnvironmentSecret.delete(call(), id, { inputs, state });
    expect(github.held("staging")).not.toHaveProperty("DELETED");
    expect(await actionsEnvironmentSecret.read(call(), id, { inputs, state })).toBeUndefined();
    await actionsEnvironmentSecret.delete(call(), id, { inputs, state });
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

describe("when GitHub fails", () => {
  test("twice with 500, the third request is answered", async () => {
    github.api.faults.plan([{ kind: "status", status: 500, times: 2, method: "PUT" }]);
    await make(secret("PATIENT", "value"));
    expect(github.held("staging").PATIENT).toBe("value");
    expect(asked().filter((method) => method === "PUT")).toHaveLength(3);
  });

  test("for good, there is one clear error, and the next run finishes", async () => {
    github.api.faults.plan([{ kind: "status", status: 502, times: 99, method: "PUT" }]);
    const attempt = make(secret("LATER", "value"));
    await expect(attempt).rejects.toThrow(/PUT http:.*\/LATER: GitHub is out of order \(502\)\. Try again/);
    await expect(attempt).rejects.not.toThrow(/value|a-token/);
    expect(asked().filter((method) => method === "PUT")).toHaveLength(3);
    expect(github.held("staging")).not.toHaveProperty("LATER");
    github.api.faults.clear();
    await make(secret("LATER", "value"));
    expect(github.held("staging").LATER).toBe("value");
  });

  test("with a rate limit, the time it names is waited for", async () => {
    github.api.faults.plan([
      { kind: "limit", retryAfter: 1, method: "PUT" },
      { kind: "limit", status: 403, retryAfter: 1, method: "PUT" },
    ]);
    const begun = Date.now();
    await make(secret("LIMITED", "value"));
    expect(Date.now() - begun).toBeGreaterThan(1_000);
    expect(github.held("staging").LIMITED).toBe("value");
  });

  test("with a rate limit longer than our patience, the error says until when", async () => {
    github.api.faults.plan([{ kind: "limit", retryAfter: 3_000, times: 99, method: "PUT" }]);
    await expect(make(secret("TOO_LONG", "value"))).rejects.toThrow(
      /rate limit is reached \(429\)\. Try again after \d\d:\d\d:\d\d UTC/,
    );
    expect(asked().filter((method) => method === "PUT")).toHaveLength(1);
  });

  test.each(["hang", "drop"] as const)("with an answer lost (%s), the write is done again", async (kind) => {
    const name = `LOST_${kind.toUpperCase()}`;
    github.api.faults.plan([{ kind, method: "PUT", done: true }]);
    await make(secret(name, "value"));
    expect(github.held("staging")[name]).toBe("value");
    expect(asked().filter((method) => method === "PUT")).toHaveLength(2);
  });

  test("with no answer at all, the error says so and the next run finishes", async () => {
    github.api.faults.plan([{ kind: "hang", times: 99, method: "PUT", done: true }]);
    const inputs = secret("HUNG", "first");
    await expect(make(inputs, account({ maxRetries: 1 }, 100))).rejects.toThrow(
      /GitHub cannot be reached: no answer within 0\.1 s/,
    );
    github.api.faults.clear();
    const { state } = await make({ ...inputs, value: "second" });
    expect(github.held("staging").HUNG).toBe("second");
    expect(diff(state, { ...inputs, value: "second" })).toEqual([]);
  });

  test("by not being there, the error names the address", async () => {
    const gone = await startGithub();
    await gone.stop();
    const nobody = account({ baseUrl: gone.baseUrl, maxRetries: 0 });
    await expect(make(secret("A", "b"), nobody)).rejects.toThrow(
      /GET http:\/\/127\.0\.0\.1:\d+\/.*: GitHub cannot be reached: .*ECONNREFUSED/,
    );
  });

  test("only what does no harm twice is asked twice", async () => {
    github.api.faults.plan([{ kind: "status", status: 500, method: "POST" }]);
    const client = new Github({ token: tokens.write, baseUrl: github.baseUrl, retryDelayMs: 10 });
    await expect(client.ask("POST", "repos/owner/applications/issues", { title: "x" })).rejects.toThrow(
      "(500)",
    );
    expect(asked()).toEqual(["POST"]);
  });
});

describe("what is wrong is said before anything is written", () => {
  const target = { repository: "owner/applications", environment: "staging" };
  const check = (change: Partial<typeof target>, token: string | undefined) =>
    checkTarget({ ...target, baseUrl: github.baseUrl, ...change }, { token, maxRetries: 0 });

  test("nothing is", async () => {
    await check({}, tokens.write);
    expect(new Set(asked())).toEqual(new Set(["GET"]));
  });

  test.each([
    [
      "an unknown repository",
      { repository: "owner/nothing" },
      tokens.write,
      /github\.repository is "owner\/nothing"/,
    ],
    [
      "an unknown environment",
      { environment: "prod" },
      tokens.write,
      /github\.environment is "prod": owner\/appl/,
    ],
    ["a token that only reads", {}, tokens.read, /may not write secrets of the environment staging/],
    ["a token without rights", {}, tokens.outside, /may not write secrets of the environment staging/],
    ["a wrong token", {}, "wrong", /GITHUB_TOKEN is wrong or has expired/],
    ["no token", {}, undefined, /GITHUB_TOKEN is not set/],
  ])("%s", async (_what, change, token, message) => {
    await expect(check(change, token)).rejects.toThrow(message);
    await expect(check(change, token)).rejects.toMatchObject({ passing: false });
  });

  test("what may pass by itself is told apart", async () => {
    github.api.faults.plan([{ kind: "status", status: 503 }]);
    await expect(check({}, tokens.write)).rejects.toMatchObject({ passing: true, status: 503 });
  });

  test("the kinds say it too: no repository, no environment, no rights", async () => {
    await expect(make({ ...secret("A", "b"), repository: "nothing" })).rejects.toThrow(
      "there is no repository owner/nothing, or GITHUB_TOKEN may not see it",
    );
    await expect(make({ ...secret("A", "b"), environment: "none" })).rejects.toThrow(
      "has no environment none",
    );
    await expect(make(secret("A", "b"), account({ token: tokens.read }))).rejects.toThrow(
      /GITHUB_TOKEN is not allowed to do this \(403\)/,
    );
    expect(asked()).not.toContain("DELETE");
  });
});

describe("the configuration", () => {
  test("comes from the environment as the real plugin's does, and lies below api/v3 on a server of one's own", () => {
    const config = githubConfig(
      {},
      { GITHUB_OWNER: "o", GITHUB_TOKEN: "t", GITHUB_BASE_URL: "https://g.test/" },
    );
    expect(config).toMatchObject({ owner: "o", token: "t", maxRetries: 3, writeDelayMs: 1_000 });
    const url = (baseUrl?: string) => new Github({ token: undefined, baseUrl }).baseUrl;
    expect(url()).toBe("https://api.github.com/");
    expect(url("https://g.test")).toBe("https://g.test/api/v3/");
    expect(url("https://g.test/api/v3/")).toBe("https://g.test/api/v3/");
    expect(url("https://api.acme.ghe.com/")).toBe("https://api.acme.ghe.com/");
  });

  test("refuses what the stand-in lacks, and no owner", () => {
    const faults = (news: Properties) => checkConfig(news, {}).failures.map(({ property }) => property);
    expect(faults({ owner: "o", appAuth: "{}" })).toEqual(["appAuth"]);
    expect(faults({ owner: "o", baseUrl: "ftp://x" })).toEqual(["baseUrl"]);
    expect(faults({})).toEqual(["owner"]);
  });
});
