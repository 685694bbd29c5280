import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ADMIN } from "../../components/plans/admin";
import { connectRedis, type RedisLogin, RedisServer } from "../../connect/redis";
import { clientAuthorityName } from "../../estate/client-certificates";
import type { ClientCertificateUse } from "../../estate/types";
import { checkAll } from "../../ops/reach/check";
import { connectAs } from "../../ops/reach/connectors";
import { type Identity, issueAuthority, issueClient } from "../../provider/kinds/client/issue";
import { clientCertificate } from "../../provider/kinds/client-certificate";
import type { UserInputs, UserState } from "../../provider/kinds/redis/acl";
import { redisUser as kind, type RedisConfig } from "../../provider/kinds/redis-user";
import type { AnyKind, Call, Properties } from "../../provider/wire/kind";
import { newPassword } from "../support/certified";
import { type Asks, type RedisEngine, startRedis } from "../support/engines-redis";
import { spokenTo } from "../support/tls-ticket";

const minutes = 60_000;
const HOUR = 3_600_000;
const now = { from: Date.now() - HOUR, until: Date.now() + 24 * HOUR };
const pem = ({ privateKey, certificate }: Identity) => privateKey + certificate;

const REFUSALS = {
  "no certificate": /alert certificate required.*lets nobody in without a certificate/s,
  "an unknown authority": /alert unknown ca.*does not take the login's own certificate/s,
  "its end": /alert certificate expired.*does not take the login's own certificate/s,
  "another password": /WRONGPASS/,
};

const issuer = clientCertificate() as AnyKind;
const quiet = { config: {}, urn: "urn", signal: new AbortController().signal };

/** What the kind makes for one login, and makes again. */
class Certificates {
  private inputs: Properties = {};
  state: Properties = {};
  constructor(readonly service: string) {}

  async next(leaked = false): Promise<void> {
    const { service, inputs, state } = this;
    const first = state.certificates === undefined;
    const generation = first ? 1 : Number(inputs.generation) + 1;
    const news = { service, logins: [service], generation, leaked };
    const checked = issuer.check(news, undefined, { urn: "" }).inputs;
    this.state = first
      ? ((await issuer.create(quiet, checked)).state as Properties)
      : await issuer.update(quiet, service, { inputs, state }, checked);
    this.inputs = checked;
  }
  get shown(): string {
    return (this.state.certificates as Record<string, string>)[this.service] ?? "";
  }
  get authorities(): string {
    return (this.state.authorities as string[]).join("");
  }
  get authority(): Identity {
    const [certificate = ""] = this.state.authorities as string[];
    return { certificate, privateKey: String(this.state.authorityKey) };
  }
}

const asksFor = (use: ClientCertificateUse | undefined): Asks => (use === "required" ? "yes" : (use ?? "no"));

describe.each(["7.0", "8.0"] as const)("client certificates on Redis %s", { timeout: minutes }, (version) => {
  let engine: RedisEngine;
  let server: RedisServer;
  let call: Call<RedisConfig>;
  let inputs: UserInputs;
  let state: UserState;
  let one: RedisLogin & { password: string };
  const own = new Certificates("svc_one");
  const others = new Certificates("svc_two");
  const admins = new Certificates(ADMIN);

  const ask = (use: ClientCertificateUse | undefined) =>
    engine.ask(asksFor(use), own.authorities + admins.authorities);
  const declare = (password: string, use: ClientCertificateUse | undefined, refuse = false): UserInputs => {
    const news = {
      ...{ user: "svc_one", passwords: [password], formerPassword: refuse ? "refuse" : "keep" },
      ...{ keys: ["one:*"], channels: ["one:*"], commands: "-@all +@read +@connection -@dangerous" },
      ...(use && { clientCertificate: own.shown, requireClientCertificate: use === "required" }),
    };
    const checked = kind.check(news, undefined, { urn: "" });
    expect(checked.failures).toEqual([]);
    return checked.inputs as unknown as UserInputs;
  };
  const changed = async (use: ClientCertificateUse | undefined, password = newPassword(), refuse = false) => {
    const news = declare(password, use, refuse);
    state = await kind.update(call, "svc_one", { inputs, state }, news);
    inputs = news;
    one = { user: "svc_one", password, clientCertificate: own.shown };
  };
  const login = async (shown: RedisLogin) => {
    const connection = await connectRedis(engine, engine, shown);
    await connection.call("PING");
    await connection.close();
  };
  const refused = (shown: RedisLogin, why: keyof typeof REFUSALS) =>
    expect(login(shown)).rejects.toThrow(REFUSALS[why]);
  const bare = () => ({ ...one, clientCertificate: undefined });

  beforeAll(async () => {
    for (const each of [own, others, admins]) await each.next();
    const authorities = own.authorities + admins.authorities;
    engine = await startRedis(version, {
      aclFile: true,
      clients: { asks: "yes", authorities, admin: admins.shown },
    });
    server = new RedisServer(engine, engine, engine.admin, { [engine.port]: admins.shown });
    call = { config: { redis: server }, urn: "urn", signal: new AbortController().signal };
  }, 5 * minutes);
  afterAll(async () => {
    await server?.close();
    await engine?.stop();
  });

  beforeEach(async () => {
    await ask("required");
    const password = newPassword();
    inputs = declare(password, "required");
    ({ state } = await kind.create(call, inputs));
    one = { user: "svc_one", password, clientCertificate: own.shown };
  });

  test("password and certificate together open the instance", () => login(one));

  test("a password alone opens nothing, the admin's neither", async () => {
    await refused(bare(), "no certificate");
    await refused(engine.admin, "no certificate");
    await login({ ...engine.admin, clientCertificate: admins.shown });
  });

  test("a certificate alone opens nothing", () =>
    refused({ ...one, password: newPassword() }, "another password"));

  test("the certificate of another service opens nothing, where they are optional too", async () => {
    await refused({ ...one, clientCertificate: others.shown }, "an unknown authority");
    await ask("optional");
    await refused({ ...one, clientCertificate: others.shown }, "an unknown authority");
  });

  test("one of the right name, and its authority's too, that a stranger signed opens nothing", async () => {
    const stranger = await issueAuthority(clientAuthorityName("svc_one"), now);
    const forged = pem(await issueClient(stranger, "svc_one", now));
    await refused({ ...one, clientCertificate: forged }, "an unknown authority");
  });

  test("one that has ended opens nothing", async () => {
    const ended = { from: now.from - 48 * HOUR, until: now.from };
    const signed = async (validity: typeof now) => pem(await issueClient(own.authority, "svc_one", validity));
    await refused({ ...one, clientCertificate: await signed(ended) }, "its end");
    // For its age alone.
    await login({ ...one, clientCertificate: await signed(now) });
  });

  test("a rotation: what was published before goes on logging in, and so does what is published now", async () => {
    const before = one;
    await own.next();
    await ask("required");
    await changed("required");
    expect(one.clientCertificate).not.toBe(before.clientCertificate);
    for (const { password } of [before, one])
      for (const { clientCertificate } of [before, one]) await login({ ...one, password, clientCertificate });
  });

  test("after a leak no certificate of before opens anything, the new password beside it; sessions of the service end, others stay", async () => {
    const before = one;
    const [session, admin] = await Promise.all([
      connectRedis(engine, engine, one),
      connectRedis(engine, engine, { ...engine.admin, clientCertificate: admins.shown }),
    ]);
    await own.next(true);
    await ask("required");
    // What it trusts ends no session: the password that leaked does.
    expect(await session.call("PING")).toBe("PONG");
    await changed("required", newPassword(), true);
    await login(one);
    await refused({ ...one, clientCertificate: before.clientCertificate }, "an unknown authority");
    await refused({ ...before, clientCertificate: one.clientCertificate }, "another password");
    await expect(session.call("PING")).rejects.toThrow();
    expect(await admin.call("PING")).toBe("PONG");
    await Promise.all([session.close(), admin.close()]);
  });

  test("from none to optional to required and back: each step converges, and each lets in whom it should", async () => {
    for (const use of [undefined, "optional", "required", "optional", undefined] as const) {
      await ask(use);
      await changed(use, one.password);
      expect((await kind.read(call, "svc_one", { inputs, state }))?.inputs).toEqual(inputs);
      await login(one);
      if (use === "required") await refused(bare(), "no certificate");
      else await login(bare());
    }
  });

  test("open sessions stay when an instance asks for more", async () => {
    await ask("optional");
    const session = await connectRedis(engine, engine, bare());
    await ask("required");
    expect(await session.call("PING")).toBe("PONG");
    await session.close();
    await refused(bare(), "no certificate");
  });

  test.each([
    ["TLSv1.2", "optional"],
    ["TLSv1.2", "required"],
    ["TLSv1.3", "optional"],
    ["TLSv1.3", "required"],
  ] as const)("no session of TLS is resumed, nor outlives its certificate: %s, %s", async (version, use) => {
    await ask(use);
    const ticket = await spokenTo(engine, { shown: one.clientCertificate, version });
    await expect(spokenTo(engine, { ticket, version })).rejects.toThrow(/alert internal error/);
    await login(one);
  });

  test("an instance that does not ask for it is found out, and nothing is published", async () => {
    await ask("optional");
    await expect(changed("required")).rejects.toThrow(
      /the new password was written, but it logs in without its certificate/,
    );
  });

  test("a new one that the instance does not trust is not published", async () => {
    await own.next(true);
    await engine.ask("yes", admins.authorities);
    await expect(changed("required")).rejects.toThrow(/the new password was written, but .*unknown ca/);
    await ask("required");
    await changed("required");
    await login(one);
  });

  test("estate check logs in with it, and tells the days that it has left", async () => {
    const target = {
      ...{ kind: "redis" as const, name: "svc_one", server: "redis", engine: "redis" as const },
      ...{ endpoint: engine, trust: engine, keyPrefix: "one:" },
      expected: { loggedInAs: "svc_one", workingAs: "svc_one", database: undefined },
    };
    const options = { connect: connectAs({}), timeoutMs: 10_000, parallel: 1 };
    const [good] = await checkAll([{ ...target, ...one }], options);
    expect(good).toMatchObject({ reachable: true, clientCertificateDaysLeft: 199 });
    const [bad] = await checkAll([{ ...target, password: one.password }], options);
    expect(bad?.reason).toMatch(REFUSALS["no certificate"]);
  });
});
