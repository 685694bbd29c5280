import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN } from "../../components/plans/admin";
import { redisGuarded } from "../../components/plans/guarded";
import { redisCommands } from "../../components/plans/privileges";
import { REDIS_LIMITS, redisConfig } from "../../components/plans/redis-config";
import { redisSizing } from "../../components/plans/sizing";
import { TLS } from "../../components/plans/tls";
import { connectRedis, RedisServer } from "../../connect/redis";
import { redisUsers } from "../../estate/catalogue";
import { instanceName } from "../../estate/redis";
import type { ClientCertificateUse, RedisUserEntry } from "../../estate/types";
import { proveRedis } from "../../ops/privileges/redis";
import type { EstateConfig } from "../../provider/config";
import { clientCertificate } from "../../provider/kinds/client-certificate";
import { hostCertificate } from "../../provider/kinds/host-certificate";
import { hostRedisInstance as kind } from "../../provider/kinds/host-redis-instance";
import { redisUser } from "../../provider/kinds/redis-user";
import { diffInputs } from "../../provider/wire/diff";
import type { AnyKind, Call, Properties } from "../../provider/wire/kind";
import { newPassword } from "../support/certified";
import { freePort } from "../support/free-port";
import { bootMachine, type SystemdMachine } from "../support/systemd-machine";
import { spokenTo } from "../support/tls-ticket";

type Inputs = Parameters<typeof kind.create>[1];

const USERS = ["svc_crm", "svc_n8n"] as const;
type User = (typeof USERS)[number];

/** One instance that asks for certificates and one that does not, as the program declares them, on a machine with real systemd. */
describe("an instance of Redis that asks for certificates", { timeout: 120_000 }, () => {
  let machine: SystemdMachine;
  let call: Call<EstateConfig>;
  let adminPassword = newPassword();
  let authority: string;
  let admin: RedisServer;
  let use: ClientCertificateUse | undefined = "required";
  let service: Properties;
  let admins: Properties;
  const entries = {} as Record<User, RedisUserEntry>;
  const passwords = { svc_crm: newPassword(), svc_n8n: newPassword() };

  const checked = (of: unknown, news: Properties) => {
    const { inputs, failures } = (of as AnyKind).check(news, undefined, { urn: "" });
    expect(failures).toEqual([]);
    return inputs;
  };
  const issuer = clientCertificate() as AnyKind;
  const issue = async (name: string, leaked = false) => {
    const first = checked(issuer, { service: name, logins: [name], generation: 1, leaked: false });
    const { state } = await issuer.create(call, first);
    if (!leaked) return state as Properties;
    const next = checked(issuer, { service: name, logins: [name], generation: 2, leaked: true });
    return issuer.update(call, name, { inputs: first, state: state as Properties }, next);
  };
  const shownBy = (state: Properties, name: string) =>
    (state.certificates as Record<string, string>)[name] ?? "";
  const trusted = () => [service, admins].flatMap(({ authorities }) => authorities as string[]).join("");

  /** As components/redis-server.ts declares it. */
  const declared = (user: User): Inputs => {
    const { use: purpose, port, memoryShare } = entries[user];
    const sizing = redisSizing(512, memoryShare);
    const asks = user === "svc_crm" ? use : undefined;
    const plan = {
      ...TLS.redis,
      user,
      use: purpose,
      listen: "127.0.0.1",
      port,
      sizing,
      clientCertificate: asks,
    };
    return checked(kind, {
      ...{ name: instanceName(user), address: "127.0.0.1", port, configuration: redisConfig(plan) },
      limits: { process: sizing.process, ...REDIS_LIMITS },
      effective: redisGuarded(plan),
      ...(asks && { clientAuthorities: trusted() }),
      admin: { user: ADMIN, password: adminPassword },
    }) as unknown as Inputs;
  };
  const old = (inputs: Inputs) => ({ inputs, state: inputs });
  const found = async (user: User) => {
    const inputs = (await kind.read(call, instanceName(user), old(declared(user))))?.inputs;
    return inputs as Inputs;
  };
  /** The next run of the program, over what a refresh has found. */
  const up = async (user: User = "svc_crm", before?: Inputs) => {
    await kind.update(call, instanceName(user), old(before ?? (await found(user))), declared(user));
    expect(await found(user)).toEqual(declared(user));
  };
  const endpoint = (user: User) => ({ host: "127.0.0.1" as const, port: entries[user].port });
  const trust = () => ({ caCertificate: authority, serverName: "localhost" });
  const login = (user: User, clientCertificate?: string) =>
    connectRedis(endpoint(user), trust(), { user, password: passwords[user], clientCertificate });
  const letsIn = async (clientCertificate?: string) => (await login("svc_crm", clientCertificate)).close();
  const own = () => shownBy(service, "svc_crm");
  const started = (user: User) =>
    machine.exec(
      ...["systemctl", "show", "--property", "InvocationID", "--value", `redis-server@${instanceName(user)}`],
    );
  const certificateInputs = () =>
    checked(hostCertificate(), {
      ...{ name: "localhost", directory: "/etc/redis/tls", owner: "redis", renewBefore: 60 },
      ...{ engine: "redis", address: "127.0.0.1", admin: { user: ADMIN, password: adminPassword } },
      instances: Object.fromEntries(USERS.map((user) => [instanceName(user), entries[user].port])),
    }) as never;

  beforeAll(async () => {
    machine = await bootMachine(["redis-server", "redis-tools"]);
    call = { config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal };
    for (const user of USERS) {
      const entry = redisUsers.find(({ name }) => name === user) as RedisUserEntry;
      entries[user] = { ...entry, memoryShare: 15, port: await freePort() };
    }
    service = await issue("svc_crm");
    admins = await issue(ADMIN);
    authority = (await hostCertificate().create(call, certificateInputs())).state.authority;
    await Promise.all(USERS.map((user) => kind.create(call, declared(user))));
    const shown = { [entries.svc_crm.port]: shownBy(admins, ADMIN) };
    admin = new RedisServer(endpoint("svc_n8n"), trust(), { user: ADMIN, password: adminPassword }, shown);
    for (const user of USERS) {
      const { keyPrefix, use: purpose, port } = entries[user];
      const inputs = checked(redisUser, {
        ...{ user, port, passwords: [passwords[user]], commands: redisCommands(purpose) },
        ...{ keys: [`${keyPrefix}*`], channels: [`${keyPrefix}*`] },
        ...(user === "svc_crm" && { clientCertificate: own(), requireClientCertificate: true }),
      });
      await redisUser.create({ ...call, config: { redis: admin } }, inputs as never);
    }
  }, 300_000);

  afterAll(async () => {
    await admin?.close();
    await machine?.stop();
  });

  test("is made as declared, and a second run changes and restarts nothing", async () => {
    for (const user of USERS) {
      expect(await found(user)).toEqual(declared(user));
      const before = await started(user);
      await kind.create(call, declared(user));
      expect(await started(user)).toBe(before);
    }
  });

  test("lets its service in with its certificate, and beside it the other one without", async () => {
    await letsIn(own());
    await expect(letsIn()).rejects.toThrow(/certificate required/);
    await (await login("svc_n8n")).close();
  });

  test("is closed to the other service, as it shows by trying", async () => {
    for (const user of USERS) {
      const target = {
        ...{ kind: "redis" as const, name: user, server: "redis", engine: "redis" as const },
        ...{ endpoint: endpoint(user), trust: trust(), password: passwords[user] },
        ...(user === "svc_crm" && { clientCertificate: own() }),
        keyPrefix: entries[user].keyPrefix,
        expected: { loggedInAs: user, workingAs: user, database: undefined },
      };
      const all = [{ ...entries.svc_crm, clientCertificate: use }, entries.svc_n8n];
      const results = await proveRedis(target, entries[user], all, 10_000);
      expect(results.filter(({ ok }) => !ok)).toEqual([]);
      expect(results.filter(({ title }) => title.startsWith("log in to the instance"))).toHaveLength(1);
    }
  });

  test("is spoken to by its host through a socket that root and redis reach, and no other instance", async () => {
    const socket = "/var/lib/redis/crm/admin.sock";
    expect(await machine.exec("stat", "-c", "%a %U %F", socket)).toBe("700 redis socket\n");
    const nobody = `runuser -u nobody -- redis-cli -s ${socket} PING 2>&1 || true`;
    expect(await machine.exec("sh", "-c", nobody)).toContain("Permission denied");
    const others = `ls /proc/$(systemctl show --property MainPID --value redis-server@n8n)/root/var/lib/redis`;
    expect(await machine.exec("sh", "-c", others)).toBe("n8n\n");
    // Whoever gets there has no more than a password.
    expect(await machine.exec("redis-cli", "-s", socket, "PING")).toContain("NOAUTH");
    expect(await machine.exec("sh", "-c", "ls /var/lib/redis/n8n")).not.toContain("admin.sock");
  });

  test("asks for less and for more while it runs: no session ends", async () => {
    const [before, session] = [await started("svc_crm"), await login("svc_crm", own())];
    use = "optional";
    await up();
    await letsIn();
    await letsIn(own());
    const at = { port: entries.svc_crm.port, caCertificate: authority };
    const ticket = await spokenTo(at, {});
    await expect(spokenTo(at, { ticket })).rejects.toThrow(/alert internal error/);
    use = "required";
    await up();
    await expect(letsIn()).rejects.toThrow(/certificate required/);
    await expect(spokenTo(at, { ticket })).rejects.toThrow(/certificate required/);
    expect(await session.call("PING")).toBe("PONG");
    expect(await started("svc_crm")).toBe(before);
    await session.close();
  });

  test("takes another authority while it runs: what the one before has signed opens nothing, no session ends", async () => {
    const [before, former, session] = [await started("svc_crm"), own(), await login("svc_crm", own())];
    service = await issue("svc_crm", true);
    await up();
    await letsIn(own());
    await expect(letsIn(former)).rejects.toThrow(/unknown ca/);
    expect(await session.call("PING")).toBe("PONG");
    expect(await started("svc_crm")).toBe(before);
    await session.close();
  });

  test("reads authorities again that a run wrote and did not live to tell it of", async () => {
    service = await issue("svc_crm", true);
    await machine.exec("sh", "-c", `printf '%s' '${trusted()}' >/etc/redis/tls/clients-crm.crt`);
    await expect(letsIn(own())).rejects.toThrow(/unknown ca/);
    const seen = await found("svc_crm");
    expect(seen.clientAuthorities).toBeUndefined();
    await up("svc_crm", seen);
    await letsIn(own());
  });

  const set = (...words: string[]) => admin.at(entries.svc_crm.port).call("CONFIG", "SET", ...words);
  test.each([
    ["nobody is asked", 'effective["tls-auth-clients"]', () => set("tls-auth-clients", "no")],
    ["sessions are resumed", 'effective["tls-session-caching"]', () => set("tls-session-caching", "yes")],
    [
      "another authority is read",
      'effective["tls-ca-cert-file"]',
      () => set("tls-ca-cert-file", "/etc/redis/tls/ca.crt"),
    ],
    [
      "one more authority is in the file",
      "clientAuthorities",
      () => machine.exec("sh", "-c", "cat /etc/redis/tls/ca.crt >>/etc/redis/tls/clients-crm.crt"),
    ],
    [
      "the file of settings asks nobody",
      "configuration",
      () =>
        machine.exec(
          "sed",
          "-i",
          "s/^tls-auth-clients .*/tls-auth-clients optional/",
          "/etc/redis/redis-crm.conf",
        ),
    ],
  ])("shows what was changed by hand, and takes it back without a restart: %s", async (_what, field, change) => {
    const before = await started("svc_crm");
    await change();
    const seen = await found("svc_crm");
    const different = diffInputs(seen as never, declared("svc_crm") as never);
    expect(different.map(({ path }) => path)).toEqual([field]);
    await up("svc_crm", seen);
    expect(await started("svc_crm")).toBe(before);
    await letsIn(own());
    await expect(letsIn()).rejects.toThrow(/certificate required/);
  });

  test("shows a renewed certificate of its host, as the other does, and asks as before", async () => {
    const before = await Promise.all(USERS.map(started));
    await machine.exec("rm", "/etc/redis/tls/server.crt");
    const { state } = await hostCertificate().create(call, certificateInputs());
    for (const user of USERS) {
      const shown = await machine.exec(
        ...["sh", "-c"],
        `openssl s_client -connect 127.0.0.1:${entries[user].port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`,
      );
      expect(shown).toContain(state.fingerprint);
      expect(await found(user)).toEqual(declared(user));
    }
    expect(await Promise.all(USERS.map(started))).toEqual(before);
    await letsIn(own());
    await expect(letsIn()).rejects.toThrow(/certificate required/);
  });

  test("takes another password of the admin", async () => {
    const [before, former] = [declared("svc_crm"), adminPassword];
    adminPassword = newPassword();
    await up("svc_crm", before);
    await letsIn(own());
    adminPassword = former;
    await up();
  });

  test("asks nobody any more when it is declared so, and its host is let in as before", async () => {
    use = undefined;
    await up();
    await letsIn();
    const left = "ls /etc/redis/tls /var/lib/redis/crm";
    expect(await machine.exec("sh", "-c", left)).not.toMatch(/clients-crm|admin\.sock/);
    use = "required";
    await up();
    await expect(letsIn()).rejects.toThrow(/certificate required/);
    await letsIn(own());
  });
});
