import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redisGuarded } from "../../components/plans/guarded";
import { redisCommands } from "../../components/plans/privileges";
import { REDIS_LIMITS, redisConfig } from "../../components/plans/redis-config";
import { redisSizing } from "../../components/plans/sizing";
import { TLS } from "../../components/plans/tls";
import { connectRedis, type RedisConnection, RedisServer } from "../../connect/redis";
import { redisUsers } from "../../estate/catalogue";
import { instanceName } from "../../estate/redis";
import type { RedisUse, RedisUserEntry } from "../../estate/types";
import { proveRedis } from "../../ops/privileges/redis";
import type { EstateConfig } from "../../provider/config";
import { hostCertificate } from "../../provider/kinds/host-certificate";
import { hostRedisInstance as kind } from "../../provider/kinds/host-redis-instance";
import { redisUser } from "../../provider/kinds/redis-user";
import { formerOnRedis } from "../../provider/kinds/retirement/redis";
import type { Call, Kind, Properties } from "../../provider/wire/kind";
import { freePort } from "../support/free-port";

import { bootMachine, type SystemdMachine } from "../support/systemd-machine";

type Inputs = Parameters<typeof kind.create>[1];

const ADMIN = "estate_admin";
const MEMORY_MIB = 512;
const secret = () => randomBytes(24).toString("base64url");

/** Instances of Redis as the program declares them, on a machine with real systemd. */
describe("instances of Redis on their host", { timeout: 120_000 }, () => {
  let machine: SystemdMachine;
  let call: Call<EstateConfig>;
  let adminPassword = secret();
  let authority: string;
  let admin: RedisServer;
  const passwords = new Map<string, string>();
  const entries: Record<string, RedisUserEntry> = {};

  const entry = (user: string) => entries[user] as RedisUserEntry;
  const checked = <I extends object>(of: Kind<never, I>, news: Properties): I => {
    const { inputs, failures } = of.check(news, undefined, { urn: "" });
    expect(failures).toEqual([]);
    return inputs as unknown as I;
  };
  /** As components/redis-server.ts declares it. */
  const declared = (user: string, change: { use?: RedisUse; memoryShare?: number } = {}): Inputs => {
    const { use, port, memoryShare } = { ...entry(user), ...change };
    const sizing = redisSizing(MEMORY_MIB, memoryShare);
    const plan = { ...TLS.redis, user, use, listen: "127.0.0.1", port, sizing };
    return checked(kind, {
      ...{ name: instanceName(user), address: "127.0.0.1", port, configuration: redisConfig(plan) },
      limits: { process: sizing.process, ...REDIS_LIMITS },
      effective: redisGuarded(plan),
      admin: { user: ADMIN, password: adminPassword },
    });
  };
  const create = (user: string) => kind.create(call, declared(user));
  const old = (inputs: Inputs) => ({ inputs, state: inputs });
  const update = (user: string, before: Inputs, news: Inputs) =>
    kind.update(call, instanceName(user), old(before), news);
  const found = async (user: string) =>
    (await kind.read(call, instanceName(user), old(declared(user))))?.inputs;
  const endpoint = (user: string) => ({ host: "127.0.0.1" as const, port: entry(user).port });
  const trust = () => ({ caCertificate: authority, serverName: "localhost" });
  const login = (user: string, at = user, timeoutMs?: number) =>
    connectRedis(endpoint(at), trust(), { user, password: passwords.get(user) }, timeoutMs);
  const started = (user: string) =>
    machine.exec(
      "systemctl",
      "show",
      "--property",
      "InvocationID",
      "--value",
      `redis-server@${instanceName(user)}`,
    );
  const adminAt = (user: string) => admin.at(entry(user).port);

  const certificateInputs = () =>
    checked(hostCertificate() as Kind<never, Parameters<ReturnType<typeof hostCertificate>["create"]>[1]>, {
      ...{ name: "localhost", directory: "/etc/redis/tls", owner: "redis", renewBefore: 60 },
      ...{ engine: "redis", address: "127.0.0.1", admin: { user: ADMIN, password: adminPassword } },
      instances: { crm: entry("svc_crm").port, n8n: entry("svc_n8n").port },
    });

  /** As components/redis-user.ts declares it. */
  const userInputs = (user: string, at: string) => {
    const { keyPrefix, use } = entry(user);
    const password = passwords.get(user) ?? secret();
    passwords.set(user, password);
    return checked(redisUser as Kind<never, Parameters<typeof redisUser.create>[1], never>, {
      ...{ user, port: entry(at).port, passwords: [password], commands: redisCommands(use) },
      ...{ keys: [`${keyPrefix}*`], channels: [`${keyPrefix}*`] },
    });
  };
  const addUser = (user: string, at = user) =>
    redisUser.create({ ...call, config: { redis: admin } }, userInputs(user, at));

  beforeAll(async () => {
    machine = await bootMachine(["redis-server", "redis-tools"]);
    call = { config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal };
    for (const user of ["svc_crm", "svc_n8n"]) {
      const one = redisUsers.find(({ name }) => name === user) as RedisUserEntry;
      entries[user] = { ...one, memoryShare: 15, port: await freePort() };
    }
    // What Debian's package starts: one instance, with whatever was in it.
    const shared = await freePort();
    await machine.exec(
      ...["sh", "-ec"],
      `sed -i 's/^port 6379/port ${shared}/' /etc/redis/redis.conf; chown -R redis:redis /etc/redis; install -d -o redis -g redis /var/log/redis; systemctl enable --now redis-server; redis-cli -p ${shared} SET old 1; redis-cli -p ${shared} SAVE`,
    );
    const certificate = await hostCertificate().create(call, certificateInputs());
    authority = certificate.state.authority;
    admin = new RedisServer(endpoint("svc_crm"), trust(), { user: ADMIN, password: adminPassword });
    // As the engine does: side by side.
    await Promise.all(["svc_crm", "svc_n8n"].map(create));
    for (const user of ["svc_crm", "svc_n8n"]) await addUser(user);
  }, 300_000);

  afterAll(async () => {
    await admin?.close();
    await machine?.stop();
  });

  describe("are made", () => {
    test("as declared, and a second run changes and restarts nothing", async () => {
      for (const user of ["svc_crm", "svc_n8n"]) {
        expect(await found(user)).toEqual(declared(user));
        const before = await started(user);
        await create(user);
        expect(await started(user)).toBe(before);
      }
    });

    test("in place of the one that was shared, whose data stays for nobody", async () => {
      const state = await machine.exec(
        "sh",
        "-c",
        "systemctl is-enabled redis-server; systemctl is-active redis-server; ls /var/lib/redis",
      );
      expect(state.split("\n")).toEqual(expect.arrayContaining(["masked", "inactive", "dump.rdb"]));
    });

    test("so that none sees another's files", async () => {
      const seen = await machine.exec(
        ...["sh", "-ec"],
        `cd "/proc/$(systemctl show --property MainPID --value redis-server@crm)/root"
         ls var/lib/redis etc/redis; touch var/lib/redis/x etc/redis/x 2>&1 || true`,
      );
      expect(seen).toContain("crm");
      expect(seen).not.toMatch(/n8n|dump\.rdb|redis\.conf/);
      expect(seen.match(/Read-only file system/g)).toHaveLength(2);
    });

    test("so that each service does what it must and nothing else, and has no login at the other's", async () => {
      for (const user of ["svc_crm", "svc_n8n"]) {
        const target = {
          ...{
            kind: "redis" as const,
            name: user,
            server: "redis",
            engine: "redis" as const,
            endpoint: endpoint(user),
          },
          ...{ trust: trust(), password: passwords.get(user) ?? "", keyPrefix: entry(user).keyPrefix },
          expected: { loggedInAs: user, workingAs: user, database: undefined },
        };
        const results = await proveRedis(target, entry(user), Object.values(entries), 10_000);
        expect(results.filter(({ ok }) => !ok)).toEqual([]);
        expect(results.map(({ title }) => title)).toContain(
          `log in to the instance of ${user === "svc_crm" ? "svc_n8n" : "svc_crm"}`,
        );
      }
    });

    test("so that KEYS, SCAN, SELECT and INFO tell of its own alone", async () => {
      const [crm, n8n] = await Promise.all([login("svc_crm"), login("svc_n8n")]);
      try {
        await crm.call("SET", "crm:session:1", "a", "EX", "600");
        await n8n.call("SET", "n8n:job:1", "b");
        expect(await crm.call("KEYS", "*")).toEqual(["crm:session:1"]);
        expect(await crm.call("SCAN", "0", "MATCH", "crm:*")).toEqual(["0", ["crm:session:1"]]);
        expect(await n8n.call("KEYS", "*")).toEqual(["n8n:job:1"]);
        expect(String(await crm.call("INFO", "keyspace"))).toContain("db0:keys=1,expires=1");
        expect(String(await crm.call("INFO", "commandstats"))).not.toContain("cmdstat_bull");
        expect(await crm.call("SELECT", "1")).toBe("OK");
        expect(await crm.call("KEYS", "*")).toEqual([]);
      } finally {
        await crm.close();
        await n8n.close();
      }
    });
  });

  describe("what one service does to its own", () => {
    /** The attacker is svc_crm; the victim svc_n8n works at its own instance, or, as before there were any, in the attacker's. */
    const places = { "in one instance": "svc_crm", "in its own": "svc_n8n" } as const;
    const numbers: string[] = [];
    beforeAll(() => addUser("svc_n8n", "svc_crm"));
    afterAll(async () => {
      await adminAt("svc_crm").call("ACL", "DELUSER", "svc_n8n");
      await adminAt("svc_crm").call("ACL", "SAVE");
      console.log(numbers.join("\n"));
    });

    /** Longest time that a GET takes, its tries included, while `attack` goes on; what it meets. */
    async function worstWhile(attack: Promise<unknown>, victim: RedisConnection): Promise<number> {
      let over = false;
      attack.then(
        () => (over = true),
        () => (over = true),
      );
      let worst = 0;
      while (!over) {
        const began = performance.now();
        while (
          await victim.call("GET", "n8n:session").then(
            () => false,
            () => true,
          )
        )
          await pause(20);
        worst = Math.max(worst, performance.now() - began);
        await pause(20);
      }
      return worst;
    }
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

    test("a script of three seconds holds nobody else", async () => {
      const worst: Record<string, number> = {};
      for (const [place, at] of Object.entries(places)) {
        const [attacker, victim] = await Promise.all([login("svc_crm"), login("svc_n8n", at)]);
        const script = "local t = os.clock() while os.clock() - t < 3 do end return 1";
        worst[place] = await worstWhile(attacker.call("EVAL", script, "0"), victim);
        await Promise.all([attacker.close(), victim.close()]);
      }
      numbers.push(`script of 3 s: a GET of the other service takes ${shown(worst)} at most`);
      expect(worst["in one instance"]).toBeGreaterThan(2000);
      expect(worst["in its own"]).toBeLessThan(1000);
    });

    test("a long script may be ended by the service itself", async () => {
      const [attacker, other] = await Promise.all([login("svc_crm"), login("svc_crm")]);
      const endless = attacker.call("EVAL", "while true do end", "0").catch((error: Error) => error.message);
      await pause(1300);
      await expect(other.call("GET", "crm:a")).rejects.toThrow(/BUSY/);
      await other.call("SCRIPT", "KILL");
      expect(await endless).toMatch(/killed by user/);
      await Promise.all([attacker.close(), other.close()]);
    });

    test("keys without end evict nothing of another's", async () => {
      const stays: Record<string, boolean> = {};
      for (const [place, at] of Object.entries(places)) {
        const [attacker, victim] = await Promise.all([login("svc_crm"), login("svc_n8n", at)]);
        // Redis looks at a few keys only for one to evict: of one session it might not think.
        const sessions = Array.from({ length: 200 }, (_, session) => `n8n:session:${session}`);
        for (const session of sessions) await victim.call("SET", session, "logged in", "EX", "3600");
        const block = "x".repeat(1024 * 1024);
        for (let at = 0; at < 80; at++) await attacker.call("SET", `crm:fill:${at}`, block);
        stays[place] = Number(await victim.call("EXISTS", ...sessions)) === sessions.length;
        await attacker.call("FLUSHDB");
        await Promise.all([attacker.close(), victim.close()]);
      }
      numbers.push(`80 MiB without expiry: the other service's sessions stay: ${JSON.stringify(stays)}`);
      expect(stays).toEqual({ "in one instance": false, "in its own": true });
    });

    test("a full queue refuses the next job and loses none", async () => {
      const queue = await login("svc_n8n");
      const block = "x".repeat(1024 * 1024);
      let jobs = 0;
      const fill = async () => {
        for (; jobs < 80; jobs++) await queue.call("RPUSH", "n8n:jobs", block);
      };
      await expect(fill()).rejects.toThrow(/OOM command not allowed/);
      expect(jobs).toBeGreaterThan(20);
      expect(await queue.call("LLEN", "n8n:jobs")).toBe(jobs);
      await queue.call("DEL", "n8n:jobs");
      await queue.close();
    });

    test("connections without a login keep nobody else out", async () => {
      const flood: net.Socket[] = [];
      try {
        for (let at = 0; at < 300; at++) {
          const socket = net.connect(entry("svc_crm").port, "127.0.0.1").on("error", () => undefined);
          flood.push(socket);
          await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
        }
        const logsIn = (at: string) =>
          login("svc_n8n", at, 2000).then(
            async (connection) => {
              await connection.close();
              return true;
            },
            () => false,
          );
        const inside = { "in one instance": await logsIn("svc_crm"), "in its own": await logsIn("svc_n8n") };
        numbers.push(`300 connections without a login: the other service logs in: ${JSON.stringify(inside)}`);
        expect(inside).toEqual({ "in one instance": false, "in its own": true });
      } finally {
        for (const socket of flood) socket.destroy();
      }
    });

    const shown = (times: Record<string, number>) =>
      Object.entries(times)
        .map(([place, ms]) => `${ms.toFixed(0)} ms ${place}`)
        .join(", ");
  });

  describe("what was changed by hand", () => {
    test.each([
      ["maxmemory", "effective.maxmemory", () => adminAt("svc_crm").call("CONFIG", "SET", "maxmemory", "0")],
      [
        "the policy",
        "effective.maxmemory-policy",
        () => adminAt("svc_crm").call("CONFIG", "SET", "maxmemory-policy", "noeviction"),
      ],
      [
        "the nameless user",
        "effective.default_user",
        () => adminAt("svc_crm").call("ACL", "SETUSER", "default", "on", "nopass", "+@all", "~*"),
      ],
      [
        "the file",
        "configuration",
        () => machine.exec("sh", "-c", "echo 'maxclients 5' >>/etc/redis/redis-crm.conf"),
      ],
      [
        "the unit",
        "effective.unit",
        () =>
          machine.exec(
            "sh",
            "-c",
            "sed -i s/MemoryMax=.*/MemoryMax=infinity/ /etc/systemd/system/redis-server@crm.service.d/estate.conf",
          ),
      ],
      [
        "the start at boot",
        "effective.enabled",
        () => machine.exec("systemctl", "disable", "redis-server@crm"),
      ],
      [
        "the shared instance",
        "effective.shared",
        () => machine.exec("sh", "-c", "systemctl unmask redis-server; systemctl start redis-server"),
      ],
    ])("shows and is taken back: %s", async (_what, field, change) => {
      await change();
      const seen = (await found("svc_crm")) as unknown as Record<string, unknown>;
      const wanted = declared("svc_crm") as unknown as Record<string, unknown>;
      const value = (of: Record<string, unknown>) =>
        field.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], of);
      expect(value(seen)).not.toEqual(value(wanted));
      const other = await started("svc_n8n");
      await update("svc_crm", seen as unknown as Inputs, declared("svc_crm"));
      expect(await found("svc_crm")).toEqual(declared("svc_crm"));
      expect(await started("svc_n8n")).toBe(other);
      await (await login("svc_crm")).close();
    });

    test("a setting that only this run declares restarts this instance alone", async () => {
      const [crm, n8n] = [await started("svc_crm"), await started("svc_n8n")];
      const before = declared("svc_crm");
      entries.svc_crm = { ...entry("svc_crm"), memoryShare: 12 };
      await update("svc_crm", before, declared("svc_crm"));
      expect(await found("svc_crm")).toEqual(declared("svc_crm"));
      expect(await started("svc_crm")).not.toBe(crm);
      expect(await started("svc_n8n")).toBe(n8n);
    });
  });

  test("a configuration that does not start is named, and the former one is back", async () => {
    const before = declared("svc_crm");
    const wrong = { ...before, configuration: `${before.configuration}\nno-such-option 1` };
    await expect(update("svc_crm", before, wrong)).rejects.toThrow(
      /Redis instance crm: .*does not start with its declared configuration.*no-such-option.*The former configuration is back/s,
    );
    expect(await found("svc_crm")).toEqual(before);
  });

  test("another admin's password is taken, and the service's user stays", async () => {
    const before = declared("svc_crm");
    const former = adminPassword;
    adminPassword = secret();
    await update("svc_crm", before, declared("svc_crm"));
    expect(await found("svc_crm")).toEqual(declared("svc_crm"));
    await (await login("svc_crm")).close();
    await update("svc_crm", declared("svc_crm"), before);
    adminPassword = former;
    expect(await found("svc_crm")).toEqual(before);
  });

  test("a directory that was made a link is refused: root writes nothing where it leads", async () => {
    await machine.exec(
      "sh",
      "-ec",
      "systemctl stop redis-server@crm; mv /var/lib/redis/crm /var/lib/redis/away; ln -s /root /var/lib/redis/crm",
    );
    try {
      await expect(create("svc_crm")).rejects.toThrow(/\/var\/lib\/redis\/crm is a link/);
      expect(await machine.exec("ls", "-A", "/root")).not.toContain("users.acl");
    } finally {
      await machine.exec("sh", "-ec", "rm /var/lib/redis/crm; mv /var/lib/redis/away /var/lib/redis/crm");
      await create("svc_crm");
    }
  });

  test("one that is declared away stops and keeps its data, and goes on with it when it is declared again", async () => {
    const queue = await login("svc_n8n");
    await queue.call("RPUSH", "n8n:bull", "a job");
    await queue.close();
    await kind.delete(call, "n8n", old(declared("svc_n8n")));
    await expect(login("svc_n8n")).rejects.toThrow(/ECONNREFUSED/);
    expect(await machine.exec("ls", "/var/lib/redis/n8n")).toContain("appendonlydir");
    expect(await machine.exec("sh", "-c", "systemctl is-enabled redis-server@n8n; true")).not.toContain(
      "enabled\n",
    );
    expect(await found("svc_n8n")).toBeUndefined();
    await kind.delete(call, "n8n", old(declared("svc_n8n")));
    await create("svc_n8n");
    const again = await login("svc_n8n");
    expect(await again.call("LRANGE", "n8n:bull", "0", "-1")).toEqual(["a job"]);
    await again.close();
  });

  test("a user of the one that was shared is taken to its own instance in place, with its password", async () => {
    const [before, after] = [userInputs("svc_n8n", "svc_crm"), userInputs("svc_n8n", "svc_n8n")];
    const users = { ...call, config: { redis: admin } };
    await adminAt("svc_n8n").call("ACL", "DELUSER", "svc_n8n");
    // The former provider's own port: nothing was said of one.
    const shared = { ...before, port: null };
    const { state } = await redisUser.create(users, shared);
    const moved = await redisUser.update(users, "svc_n8n", { inputs: shared, state }, after);
    await (await login("svc_n8n")).close();
    const read = await redisUser.read(users, "svc_n8n", { inputs: after, state: moved });
    expect(read?.inputs).toEqual(after);
    await adminAt("svc_crm").call("ACL", "DELUSER", "svc_n8n");
    await adminAt("svc_crm").call("ACL", "SAVE");
  });

  test("a former password is found and retired at the service's own instance", async () => {
    const before = userInputs("svc_n8n", "svc_n8n");
    const former = passwords.get("svc_n8n") ?? "";
    passwords.set("svc_n8n", secret());
    const after = { ...userInputs("svc_n8n", "svc_n8n"), formerPassword: "keep" as const };
    const users = { ...call, config: { redis: admin } };
    await redisUser.update(
      users,
      "svc_n8n",
      { inputs: before, state: { ...before, appliedCommands: "" } },
      after,
    );
    const of = formerOnRedis(admin, { svc_n8n: entry("svc_n8n").port });
    const newest = { service: "svc_n8n", login: "svc_n8n", password: passwords.get("svc_n8n") ?? "" };
    expect([...(await of.existing([newest]))]).toEqual(["svc_n8n"]);
    await of.retire(newest, call.signal);
    expect([...(await of.existing([newest]))]).toEqual([]);
    await (await login("svc_n8n")).close();
    const gone = connectRedis(endpoint("svc_n8n"), trust(), { user: "svc_n8n", password: former });
    await expect(gone).rejects.toThrow(/WRONGPASS/);
  });

  test("a renewed certificate is shown by all of them, and none restarts", async () => {
    const before = await Promise.all(["svc_crm", "svc_n8n"].map(started));
    await machine.exec("rm", "/etc/redis/tls/server.crt");
    const { state } = await hostCertificate().create(call, certificateInputs());
    const shown = async (user: string) =>
      (
        await machine.exec(
          ...["sh", "-c"],
          `openssl s_client -connect 127.0.0.1:${entry(user).port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`,
        )
      ).trim();
    for (const user of ["svc_crm", "svc_n8n"]) expect(await shown(user)).toContain(state.fingerprint);
    expect(await Promise.all(["svc_crm", "svc_n8n"].map(started))).toEqual(before);
  });

  /** The commands that the page gives in a section, the last of its blocks. */
  const commandsOf = async (section: string) => {
    const page = await readFile(join(__dirname, "../../docs/redis.md"), "utf8");
    const text = page.split("\n## ").find((each) => each.startsWith(section)) ?? "";
    return [...text.matchAll(/```sh\n(.*?)```/gs)].at(-1)?.[1] ?? "";
  };

  test("a queue that is killed loses nothing that is older than a second, and no half of a save stays on the disk", async () => {
    const queue = await login("svc_n8n");
    for (const job of Array.from({ length: 20 }, (_, number) => `n8n:job:${number}`))
      await queue.call("SET", job, "waits");
    await adminAt("svc_n8n").call("CONFIG", "SET", "rdb-key-save-delay", "1000000");
    await adminAt("svc_n8n").call("BGSAVE");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const halves = () => machine.exec("find", "/var/lib/redis/n8n", "-name", "temp-*");
    expect(await halves()).not.toBe("");
    const before = await started("svc_n8n");
    await machine.exec("systemctl", "kill", "--signal=KILL", "redis-server@n8n");
    await queue.close();
    for (let round = 0; round < 100 && (await started("svc_n8n")) === before; round++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const again = await retried(() => login("svc_n8n"));
    expect(await again.call("GET", "n8n:job:9")).toBe("waits");
    expect(await halves()).toBe("");
    await again.close();
  });

  test("a service that takes every connection keeps its admin out until root takes its user away; then another password is all there is", async () => {
    const before = userInputs("svc_n8n", "svc_n8n");
    const held: RedisConnection[] = [];
    const fill = async () => {
      for (;;) held.push(await login("svc_n8n"));
    };
    await expect(fill()).rejects.toThrow(/cannot log in/);
    const users = {
      ...call,
      config: {
        redis: new RedisServer(endpoint("svc_n8n"), trust(), { user: ADMIN, password: adminPassword }),
      },
    };
    const former = passwords.get("svc_n8n") ?? "";
    passwords.set("svc_n8n", secret());
    const after = { ...userInputs("svc_n8n", "svc_n8n"), formerPassword: "refuse" as const };
    const rotate = () =>
      redisUser.update(
        users,
        "svc_n8n",
        { inputs: before, state: { ...before, appliedCommands: "" } },
        after,
      );
    await expect(rotate()).rejects.toThrow(/cannot log in as estate_admin/);
    await machine.exec("bash", "-euc", await commandsOf("When an instance keeps its admin out"));
    await expect(
      connectRedis(endpoint("svc_n8n"), trust(), { user: "svc_n8n", password: former }),
    ).rejects.toThrow(/WRONGPASS/);
    await rotate();
    await (await login("svc_n8n")).close();
    expect(await found("svc_n8n")).toEqual(declared("svc_n8n"));
    await Promise.all(held.map((connection) => connection.close()));
    await users.config.redis.close();
  });

  test("a flood that goes on is named by `up`, and not as settings that somebody changed", async () => {
    const flood = new Set<net.Socket>();
    const hold = () => {
      const socket = net.connect(entry("svc_n8n").port, "127.0.0.1").on("error", () => undefined);
      flood.add(socket);
      socket.once("close", () => flood.delete(socket) && setTimeout(hold, 5));
    };
    for (let at = 0; at < 300; at++) hold();
    try {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const seen = (await found("svc_n8n")) as Inputs;
      await expect(update("svc_n8n", seen, declared("svc_n8n"))).rejects.toThrow(
        /Redis instance n8n runs, and does not let its admin in/,
      );
    } finally {
      const held = [...flood];
      flood.clear();
      for (const socket of held) socket.destroy();
    }
    await (await retried(() => login("svc_n8n"))).close();
    expect(await found("svc_n8n")).toEqual(declared("svc_n8n"));
  });

  test("one that does not end by itself is ended: a script without end that has written, and a last copy that finds no room", async () => {
    const attacker = await login("svc_n8n");
    const script = "redis.call('SET', KEYS[1], 1) while true do end";
    const endless = attacker.call("EVAL", script, "1", "n8n:x").catch((error: Error) => error.message);
    const copy = "/var/lib/redis/crm/dump.rdb";
    await machine.exec("sh", "-ec", `rm -f ${copy}; install -d -o redis -g redis ${copy}/in-the-way`);
    const cache = await login("svc_crm");
    await cache.call("SET", "crm:a", "1");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const refused = await adminAt("svc_n8n")
      .call("SCRIPT", "KILL")
      .catch((error: Error) => error.message);
    expect(refused).toMatch(/UNKILLABLE/);
    const seen = (await found("svc_n8n")) as Inputs;
    await Promise.all([
      update("svc_n8n", seen, declared("svc_n8n")),
      machine.exec("systemctl", "stop", "redis-server@crm"),
    ]);
    expect(await endless).not.toBeNull();
    await attacker.close();
    await cache.close();
    expect(await found("svc_n8n")).toEqual(declared("svc_n8n"));
    await machine.exec("sh", "-ec", `rm -r ${copy}; systemctl start redis-server@crm`);
    await (await login("svc_crm")).close();
  });

  test("a script that writes to the log as fast as it computes does not fill the journal of its host", async () => {
    const lines = async () =>
      Number(
        await machine.exec(
          "sh",
          "-c",
          "journalctl --output cat --unit redis-server@n8n | grep -c xxxx || true",
        ),
      );
    const attacker = await login("svc_n8n");
    await attacker.call(
      "EVAL",
      "for i = 1, 20000 do redis.log(redis.LOG_WARNING, string.rep('x', 1000)) end",
      "0",
    );
    await attacker.close();
    await machine.exec("journalctl", "--sync");
    const written = await lines();
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(2500);
  });
});

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
