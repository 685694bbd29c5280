import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Github, type GithubOptions } from "../../connect/github";
import { GithubAccess } from "../../connect/github-environment";
import { checkTarget } from "../../connect/github-target";
import { githubEnvironmentSecret } from "../../provider/kinds/github-environment-secret";
import { type Properties, UNKNOWN } from "../../provider/wire/kind";
import { type LoopbackGithub, startGithub, tokens } from "../support/github";

let github: LoopbackGithub;

beforeAll(async () => {
  github = await startGithub();
});
afterAll(() => github?.stop());
beforeEach(() => {
  github.api.faults.clear();
  github.api.requests.length = 0;
});

type SecretInputs = Parameters<typeof githubEnvironmentSecret.create>[1];
type SecretState = Awaited<ReturnType<typeof githubEnvironmentSecret.create>>["state"];

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
});

/** A provider instance's way to GitHub, hasty and with little patience. */
function call(more: Partial<GithubOptions> = {}) {
  const options = { token: tokens.write, timeoutMs: 300, maxRetries: 2, retryDelayMs: 10, ...more };
  return {
    config: { github: new GithubAccess(options, 0) },
    urn: "urn",
    signal: new AbortController().signal,
    warn: (text: string) => warnings.push(text),
  };
}

const secret = (secretName: string, value: string, more: Partial<SecretInputs> = {}): SecretInputs => ({
  repository: "owner/applications",
  environment: "staging",
  secretName,
  value,
  baseUrl: github.baseUrl,
  ...more,
});
const make = (inputs: SecretInputs, options?: Partial<GithubOptions>) =>
  githubEnvironmentSecret.create(call(options), inputs);
const asked = () => github.api.requests.map(({ method }) => method);
const diff = (state: SecretState, news: SecretInputs) => {
  const { repositoryId, writtenAt, changedAt, ...inputs } = state;
  return githubEnvironmentSecret.diff?.({ id: "id", inputs, state }, news as unknown as Properties);
};
const readAgain = async (state: SecretState) => {
  const read = await githubEnvironmentSecret.read(call(), "id", { inputs: state, state });
  return read?.state;
};
const stored = (name: string, environment = "staging") =>
  github.api.store.find("owner", "applications")?.environments[environment]?.secrets[name];

describe("a secret of an environment", () => {
  test("is sealed with the environment's key, and GitHub holds what was declared", async () => {
    const value = "p_. ü 0123456789".repeat(3);
    const { id, state } = await make(secret("MO_CRM_DB_PASS", value));
    expect(id).toBe("owner/applications:staging:MO_CRM_DB_PASS");
    expect(github.held("staging").MO_CRM_DB_PASS).toBe(value);
    expect(state.writtenAt).toBe(stored("MO_CRM_DB_PASS")?.updatedAt);
    expect(state).toMatchObject({ changedAt: state.writtenAt, repositoryId: 1000 });
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
    const after = await githubEnvironmentSecret.update(call(), "id", { inputs: state, state }, news);
    expect(github.held("staging").IN_PLACE).toBe("second");
    expect(asked()).toEqual(["GET", "GET", "PUT", "GET"]);
    expect(diff(after, news)).toEqual([]);
  });

  test("moves: it is written at its new place before it goes from the old one", async () => {
    const { state } = await make(secret("MOVED", "value"));
    const news = secret("MOVED", "value", { environment: "production" });
    expect(diff(state, news)).toEqual([{ path: "environment", kind: "update" }]);
    github.api.requests.length = 0;
    await githubEnvironmentSecret.update(call(), "id", { inputs: state, state }, news);
    expect(github.held("production").MOVED).toBe("value");
    expect(github.held("staging")).not.toHaveProperty("MOVED");
    expect(asked()).toEqual(["GET", "GET", "PUT", "GET", "DELETE"]);

    const elsewhere = { ...state, repositoryId: 1000, environment: "production" };
    github.api.faults.plan([{ kind: "status", status: 502, times: 99, method: "PUT" }]);
    const back = githubEnvironmentSecret.update(
      call(),
      "id",
      { inputs: elsewhere, state: elsewhere },
      secret("MOVED", "v"),
    );
    await expect(back).rejects.toThrow("(502)");
    expect(github.held("production").MOVED).toBe("value");
  });

  test("stays where it is when its repository was renamed", async () => {
    const { state } = await make(secret("RENAMED", "value"));
    const repository = github.api.store.find("owner", "applications");
    if (!repository) throw new Error("there is no repository");
    repository.name = "apps";
    try {
      const news = secret("RENAMED", "value", { repository: "owner/apps" });
      expect(await readAgain(state)).toEqual(state);
      const after = await githubEnvironmentSecret.update(call(), "id", { inputs: state, state }, news);
      expect(github.held("staging").RENAMED).toBe("value");
      expect(diff(after, news)).toEqual([]);
      expect(asked()).not.toContain("DELETE");
    } finally {
      repository.name = "applications";
    }
  });

  test("is left at a server of another address, which may be the same one, with a warning", async () => {
    const { state } = await make(secret("LEFT", "value"));
    const before = { ...state, baseUrl: "https://old.test/" };
    await githubEnvironmentSecret.update(
      call(),
      "id",
      { inputs: before, state: before },
      secret("LEFT", "value"),
    );
    expect(github.held("staging").LEFT).toBe("value");
    expect(warnings).toEqual(["LEFT was left at https://old.test/. Delete it there by hand"]);
  });

  test("that somebody changed shows after a read, and is written again in place", async () => {
    const inputs = secret("DRIFTED", "ours");
    const { state } = await make(inputs);
    expect(diff((await readAgain(state)) as SecretState, inputs)).toEqual([]);

    Object.assign(stored("DRIFTED") ?? {}, { value: "theirs", updatedAt: "2030-01-31T10:20:30Z" });
    const read = (await readAgain(state)) as SecretState;
    expect(read).toEqual({ ...state, changedAt: "2030-01-31T10:20:30Z" });
    expect(diff(read, inputs)).toEqual([{ path: "changedAt", kind: "update" }]);
    // A second look does not make it ours.
    expect(diff((await readAgain(read)) as SecretState, inputs)).toEqual([
      { path: "changedAt", kind: "update" },
    ]);

    const mended = await githubEnvironmentSecret.update(call(), "id", { inputs, state: read }, inputs);
    expect(github.held("staging").DRIFTED).toBe("ours");
    expect(diff(mended, inputs)).toEqual([]);
  });

  test("that somebody deleted is gone, and deleting it again is no error", async () => {
    const inputs = secret("DELETED", "value");
    const { id, state } = await make(inputs);
    await githubEnvironmentSecret.delete(call(), id, { inputs, state });
    expect(github.held("staging")).not.toHaveProperty("DELETED");
    expect(await readAgain(state)).toBeUndefined();
    await githubEnvironmentSecret.delete(call(), id, { inputs, state });
    const gone = { ...state, environment: "gone" };
    await githubEnvironmentSecret.delete(call(), id, { inputs, state: gone });
    expect(await readAgain(gone)).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test("of a repository that cannot be seen is not called gone, and a destroy goes on with a warning", async () => {
    const inputs = secret("UNSEEN", "value");
    const { id, state } = await make(inputs);
    const unseen = { ...state, repositoryId: 9999 };
    await expect(readAgain(unseen)).rejects.toThrow(
      "GITHUB_TOKEN may not see it: nothing is known of UNSEEN",
    );
    await githubEnvironmentSecret.delete(call(), id, { inputs, state: unseen });
    expect(warnings).toEqual([
      expect.stringContaining("delete the secret from its environment staging by hand"),
    ]);
    await expect(
      githubEnvironmentSecret.delete(call({ token: "wrong" }), id, { inputs, state }),
    ).rejects.toThrow("GITHUB_TOKEN is wrong or has expired");
    expect(github.held("staging").UNSEEN).toBe("value");
  });

  test("is imported by owner/name:environment:NAME, without its value, and then written", async () => {
    const value = "unknown to us";
    await make(secret("IMPORTED", value));
    await expect(githubEnvironmentSecret.read(call(), "a:b", undefined)).rejects.toThrow(
      "Use the form owner/name:environment:NAME",
    );
    // An import goes to github.com: here with this server's address in its place.
    const config = { github: new GithubAccess({ token: tokens.write }, 0) };
    const open = config.github.open.bind(config.github);
    config.github.open = (place, signal) => open({ ...place, baseUrl: github.baseUrl }, signal);
    const read = await githubEnvironmentSecret.read(
      { ...call(), config },
      "owner/applications:staging:IMPORTED",
      undefined,
    );
    expect(read).toMatchObject({ id: "owner/applications:staging:IMPORTED", inputs: { value: "" } });
    expect(JSON.stringify(read)).not.toContain(value);
    expect(diff(read?.state as SecretState, secret("IMPORTED", "ours", { baseUrl: null }))).toEqual([
      { path: "value", kind: "update" },
    ]);
  });

  test("may have a value that a preview does not know, and each fault names its field and no value", () => {
    const check = (news: object) =>
      githubEnvironmentSecret.check(news as Properties, undefined, { urn: "urn" }).failures;
    const fields = (news: object) => check(news).map(({ property }) => property);
    expect(fields({ ...secret("A", ""), value: UNKNOWN })).toEqual([]);
    expect(fields({ ...secret("A", "x"), baseUrl: undefined })).toEqual([]);
    expect(fields({ ...secret("A", "x"), plaintextValue: "x" })).toEqual(["plaintextValue"]);
    for (const name of ["GITHUB_TOKEN", "1_A", "a", "A/../B", ""])
      expect(fields(secret(name, "x"))).toEqual(["secretName"]);
    for (const repository of ["applications", "../x", "x/..", "a/b/c", "a/b?x"])
      expect(fields(secret("A", "x", { repository }))).toEqual(["repository"]);
    for (const baseUrl of ["ftp://x", "https://user:canary@x/", "https://x/?y"])
      expect(fields(secret("A", "x", { baseUrl }))).toEqual(["baseUrl"]);
    expect(fields({})).toEqual(["repository", "environment", "secretName", "value"]);
    const large = check(secret("A", "canary".repeat(10_000)));
    expect(large).toEqual([{ property: "value", reason: "must be a text of 1 to 49152 bytes" }]);
  });
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
    await expect(make(inputs, { maxRetries: 1, timeoutMs: 100 })).rejects.toThrow(
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
    await expect(make(secret("A", "b", { baseUrl: gone.baseUrl }), { maxRetries: 0 })).rejects.toThrow(
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

  test("the kind says it too: no repository, no environment, no rights", async () => {
    await expect(make(secret("A", "b", { repository: "owner/nothing" }))).rejects.toThrow(
      /there is no repository owner\/nothing at .*, or GITHUB_TOKEN may not see it/,
    );
    await expect(make(secret("A", "b", { environment: "none" }))).rejects.toThrow("has no environment none");
    await expect(make(secret("A", "b"), { token: tokens.read })).rejects.toThrow(
      /GITHUB_TOKEN is not allowed to do this \(403\)/,
    );
    expect(asked()).not.toContain("DELETE");
  });
});

test("an enterprise server has its API below api/v3", () => {
  const url = (baseUrl?: string) => new Github({ token: undefined, baseUrl }).baseUrl;
  expect(url()).toBe("https://api.github.com/");
  expect(url("https://g.test")).toBe("https://g.test/api/v3/");
  expect(url("https://g.test/api/v3/")).toBe("https://g.test/api/v3/");
  expect(url("https://api.acme.ghe.com/")).toBe("https://api.acme.ghe.com/");
});

test("a time that is none is no time", async () => {
  await make(secret("TIMELESS", "value"));
  Object.assign(stored("TIMELESS") ?? {}, { updatedAt: "soon" });
  const { state } = await make(secret("OTHER", "value"));
  const asIf = { ...state, secretName: "TIMELESS" };
  await expect(readAgain(asIf)).rejects.toThrow("does not say when TIMELESS was written");
});
