import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redisCommands } from "../../components/plans/privileges";
import { connectRedis, RedisServer } from "../../connect/redis";
import { NO_PASSWORD, NOT_OURS, type UserInputs, type UserState } from "../../provider/kinds/redis/acl";
import { redisUser as kind, type RedisConfig } from "../../provider/kinds/redis-user";
import type { Call } from "../../provider/wire/kind";
import { type RedisEngine, startRedis } from "../support/engines-redis";

const secrets: string[] = [];
function newPassword(): string {
  const password = `Canary-${randomBytes(24).toString("base64url")}`;
  secrets.push(password);
  return password;
}

describe.each(["7.0", "8.0"] as const)("redis:User on Redis %s", { timeout: 60_000 }, (version) => {
  let engine: RedisEngine;
  let server: RedisServer;
  let call: Call<RedisConfig>;
  let count = 0;

  const login = (user: string, password: string) => connectRedis(engine, engine, { user, password });

  function declare(change: Partial<UserInputs> = {}): UserInputs {
    const news = {
      user: `svc_${++count}`,
      passwords: [newPassword()],
      keys: ["crm:*"],
      channels: ["crm.events.*"],
      commands: "-@all +@read +@write +@connection +PUBLISH -@dangerous",
      ...change,
    };
    const { inputs, failures } = kind.check(news, undefined, { urn: "" });
    expect(failures).toEqual([]);
    expect(kind.check(inputs, undefined, { urn: "" })).toEqual({ inputs, failures: [] });
    return inputs as unknown as UserInputs;
  }

  interface Existing {
    id: string;
    inputs: UserInputs;
    state: UserState;
  }

  async function created(change: Partial<UserInputs> = {}): Promise<Existing> {
    const inputs = declare(change);
    return { ...(await kind.create(call, inputs)), inputs };
  }

  const read = (existing: Existing) => kind.read(call, existing.id, existing);

  beforeAll(async () => {
    engine = await startRedis(version);
    server = new RedisServer(engine, engine, engine.admin);
    call = { config: { redis: server }, urn: "urn", signal: new AbortController().signal };
  }, 300_000);

  afterAll(async () => {
    await server?.close();
    await engine?.stop();
  });

  test("creates a user that reaches its keys and no others, over TLS", async () => {
    const { inputs } = await created();
    const connection = await login(inputs.user, inputs.passwords[0] ?? "");
    expect(await connection.serverInfo()).toEqual({
      version: engine.version,
      tlsProtocol: "TLSv1.3",
      certificateNotAfter: expect.stringMatching(/\d{4}/),
    });
    expect(await connection.call("SET", "crm:a", "1")).toBe("OK");
    await expect(connection.call("GET", "other:a")).rejects.toThrow(/NOPERM/);
    await expect(connection.call("PUBLISH", "other", "x")).rejects.toThrow(/NOPERM/);
    await expect(connection.call("KEYS", "crm:*")).rejects.toThrow(/NOPERM/);
    await connection.close();
  });

  test.each([
    "-@all +@read +@write +@connection -@dangerous",
    "+@all -@admin -@dangerous",
    "+@all -@admin -@dangerous +info",
    "+get +set +client|setname -get",
    "-@all +ping",
    redisCommands("cache"),
    redisCommands("queue"),
  ])("%s reads back as declared", async (commands) => {
    const existing = await created({ commands });
    const found = await read(existing);
    expect(found?.inputs).toEqual(existing.inputs);
    expect(found?.state).toEqual(existing.state);
  });

  test.each([
    "cache",
    "queue",
  ] as const)("a service of a %s runs scripts, and holds its instance by no debugger of them, nor a copy of it", async (use) => {
    const { inputs } = await created({ commands: redisCommands(use) });
    const connection = await login(inputs.user, inputs.passwords[0] ?? "");
    expect(await connection.call("EVAL", "return 1", "0")).toBe(1);
    for (const how of ["YES", "SYNC", "NO"])
      await expect(connection.call("SCRIPT", "DEBUG", how)).rejects.toThrow(/NOPERM/);
    await connection.close();
  });

  test("two key patterns and two passwords read back in order", async () => {
    const existing = await created({ keys: ["web:*", "crm:*"], passwords: [newPassword(), newPassword()] });
    expect((await read(existing))?.inputs).toEqual(existing.inputs);
  });

  test("a user without channels has none, also where the server gives new users all", async () => {
    await server.call("CONFIG", "SET", "acl-pubsub-default", "allchannels");
    try {
      const existing = await created({ channels: [] });
      expect((await read(existing))?.inputs).toEqual(existing.inputs);
    } finally {
      await server.call("CONFIG", "SET", "acl-pubsub-default", "resetchannels");
    }
  });

  test("creating again changes nothing", async () => {
    const existing = await created();
    await kind.create(call, existing.inputs);
    expect((await read(existing))?.inputs).toEqual(existing.inputs);
  });

  test("takes over a user that somebody made by hand", async () => {
    const inputs = declare();
    await server.call("ACL", "SETUSER", inputs.user, "on", "nopass", "~*", "&*", "+@all");
    const intruder = await login(inputs.user, "anything");
    const { id, state } = await kind.create(call, inputs);
    expect((await read({ id, inputs, state }))?.inputs).toEqual(inputs);
    await expect(intruder.call("PING")).rejects.toThrow();
    await expect(login(inputs.user, "anything")).rejects.toThrow(/WRONGPASS/);
  });

  test("import by name reads everything but the passwords", async () => {
    const { id, inputs } = await created({ commands: "-@all +get" });
    expect((await kind.read(call, id, undefined))?.inputs).toEqual({ ...inputs, passwords: [NOT_OURS] });
    expect(await kind.read(call, "nobody", undefined)).toBeUndefined();
  });

  test("survives a restart of the server without a change", async () => {
    const existing = await created();
    await engine.restart();
    expect((await read(existing))?.inputs).toEqual(existing.inputs);
    expect((await read(existing))?.state).toEqual(existing.state);
    await (await login(existing.inputs.user, existing.inputs.passwords[0] ?? "")).close();
  });

  test.each<[string, string[], Partial<UserInputs>]>([
    ["a command", ["-get"], { commands: expect.stringMatching(/ -get( |$)/) as unknown as string }],
    ["a key pattern", ["~other:*"], { keys: ["crm:*", "other:*"] }],
    ["all keys", ["allkeys"], { keys: ["*"] }],
    ["a read-only key pattern", ["%R~other:*"], { keys: ["%R~other:*", "crm:*"] }],
    ["a channel", ["&other"], { channels: ["crm.events.*", "other"] }],
    ["no password asked for", ["nopass"], { passwords: [NO_PASSWORD] }],
    ["another password", ["resetpass", ">set by hand"], { passwords: [NOT_OURS] }],
    ["switched off", ["off"], { enabled: false }],
    ["a selector", ["(+@all ~other:*)"], { selectors: ["+@all ~other:*"] }],
  ])("drift: %s is seen and mended", async (_what, rules, expected) => {
    const existing = await created();
    await server.call("ACL", "SETUSER", existing.id, ...rules);
    const drifted = await read(existing);
    expect(drifted?.inputs).toEqual({ ...existing.inputs, ...expected });
    expect(drifted?.inputs).not.toEqual(existing.inputs);
    if (!drifted) throw new Error("gone");
    expect((await read(drifted))?.inputs).toEqual(drifted.inputs);
    const state = await kind.update(call, existing.id, drifted, existing.inputs);
    expect((await read({ ...existing, state }))?.inputs).toEqual(existing.inputs);
    await (await login(existing.inputs.user, existing.inputs.passwords[0] ?? "")).close();
  });

  test("rotation: both passwords log in, retiring the old one leaves sessions alone", async () => {
    const existing = await created();
    const { id, inputs } = existing;
    const [old = ""] = inputs.passwords;
    const session = await login(id, old);
    const both = { ...inputs, passwords: [newPassword(), old] };
    const state = await kind.update(call, id, existing, both);
    for (const password of both.passwords) await (await login(id, password)).close();
    const retired = { ...inputs, passwords: [both.passwords[0] ?? ""] };
    await kind.update(call, id, { inputs: both, state }, retired);
    expect(await session.call("GET", "crm:a")).not.toBeUndefined();
    await session.close();
    await expect(login(id, old)).rejects.toThrow(/WRONGPASS/);
  });

  test("replacing a password outright (a leak) ends the sessions", async () => {
    const existing = await created();
    const session = await login(existing.id, existing.inputs.passwords[0] ?? "");
    await kind.update(call, existing.id, existing, { ...existing.inputs, passwords: [newPassword()] });
    await expect(session.call("PING")).rejects.toThrow();
  });

  test("what is taken away holds for open sessions at once", async () => {
    const existing = await created();
    const session = await login(existing.id, existing.inputs.passwords[0] ?? "");
    await kind.update(call, existing.id, existing, { ...existing.inputs, keys: ["web:*"] });
    await expect(session.call("GET", "crm:a")).rejects.toThrow(/NOPERM/);
    await session.close();
  });

  test("delete ends sessions and leaves nothing behind, in memory or in the ACL file", async () => {
    const existing = await created();
    expect(engine.aclFile()).toContain(`user ${existing.id} `);
    const session = await login(existing.id, existing.inputs.passwords[0] ?? "");
    await kind.delete(call, existing.id, existing);
    await expect(session.call("PING")).rejects.toThrow();
    expect(await read(existing)).toBeUndefined();
    expect(engine.aclFile()).not.toContain(`user ${existing.id} `);
    await kind.delete(call, existing.id, existing);
  });

  test("an unknown command is named with what to do", async () => {
    const inputs = declare({ commands: "-@all +nosuch" });
    await expect(kind.create(call, inputs)).rejects.toThrow(/svc_\d+: .*'\+nosuch'.*Correct `commands`/);
  });

  test("the ACL file holds hashes only", () => {
    expect(secrets.length).toBeGreaterThan(10);
    for (const secret of secrets) expect(engine.aclFile().includes(secret)).toBe(false);
  });

  test("a full disk is explained, and the next run saves what this one could not", async () => {
    const inputs = declare();
    await expect(engine.withFullDisk(() => kind.create(call, inputs))).rejects.toThrow(
      /save the ACLs.*Its disk is full, .*make room on its host, then run `pulumi up`$/,
    );
    expect(engine.aclFile()).not.toContain(`user ${inputs.user} `);
    await kind.create(call, inputs);
    expect(engine.aclFile()).toContain(`user ${inputs.user} `);
  });

  test("a server without an ACL file is explained", async () => {
    const bare = await startRedis(version, { aclFile: false });
    const redis = new RedisServer(bare, bare, bare.admin);
    try {
      await expect(kind.create({ ...call, config: { redis } }, declare())).rejects.toThrow(/set `aclfile /);
    } finally {
      await redis.close();
      await bare.stop();
    }
  });
});
