import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectRedis } from "../../../connect/redis";
import type { ClientCertificateUse } from "../../../estate/types";
import { EngineProject } from "../../support/engine-project";
import { freePort } from "../../support/free-port";
import { findLeaks, privateKeyLines } from "../../support/leak";
import { newPassword } from "../../support/rotating";
import { bootMachine, type SystemdMachine } from "../../support/systemd-machine";

// Each test runs the engine several times.
vi.setConfig({ testTimeout: 300_000 });

interface Settings {
  ssh: SystemdMachine["ssh"];
  port: number;
  adminPassword: string;
  generation: { generation: number; leaked: boolean };
  use?: ClientCertificateUse | undefined;
  state: "live" | "retired";
}

/** One service on Redis as components/redis-server.ts and redis-user.ts declare it, on a host that is there already. */
const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { redisGuarded } from "#/components/plans/guarded";
import { REDIS_LIMITS, redisConfig } from "#/components/plans/redis-config";
import { redisSizing } from "#/components/plans/sizing";
import { TLS } from "#/components/plans/tls";
import { RedisClientCertificates } from "#/components/redis-client-certificates";
import { RedisUser } from "#/components/redis-user";
import { redisUsers } from "#/estate/catalogue";
import { ADMIN } from "#/estate/naming";
import { EstateProvider, HostCertificate, HostRedisInstance } from "#/provider/resources";
const { ssh, port, adminPassword, generation, use, state } = JSON.parse(readFileSync(__dirname + "/settings.json", "utf8"));
const [entry] = redisUsers
  .filter(({ name }) => name === "svc_crm")
  .map((entry) => ({ ...entry, port, state, clientCertificate: use }));
const at = pulumi.output(generation);
const certificates = new RedisClientCertificates([entry], () => at);
const certificate = certificates.of("svc_crm");
const host = new EstateProvider("host", { ssh: { ...ssh, privateKey: pulumi.secret(ssh.privateKey) } });
const admin = { user: ADMIN, password: pulumi.secret(adminPassword) };
const own = new HostCertificate(
  "certificate",
  { machine: "it", name: "localhost", directory: "/etc/redis/tls", owner: "redis", engine: "redis", address: "127.0.0.1", instances: { crm: port }, admin },
  { provider: host },
);
const plan = { ...TLS.redis, user: "svc_crm", use: entry.use, listen: "127.0.0.1", port, sizing: redisSizing(512, 15), clientCertificate: use };
const live = state === "live";
const instance = live && new HostRedisInstance(
  "instance",
  {
    machine: "it", name: "crm", address: "127.0.0.1", port, configuration: redisConfig(plan),
    limits: { process: 76, ...REDIS_LIMITS }, effective: redisGuarded(plan), admin,
    clientAuthorities: certificate?.authorities,
  },
  { provider: host, dependsOn: [own] },
);
const provider = new EstateProvider("redis", {
  redis: {
    host: "127.0.0.1", port, user: ADMIN, password: admin.password, caCertificate: own.authority, serverName: "localhost",
    clientCertificates: certificates.ofAdmin(),
  },
}, { dependsOn: [own] });
const user = live && new RedisUser("redis-svc_crm", { entry, server: { provider, instancesOf: () => [instance] }, generation: at, certificate });
export const login = user && pulumi.secret(pulumi.all([own.authority, user.password, user.clientCertificate ?? ""]));
`;

/** One story on one stack, over a real instance on a host with systemd, driven by the real engine. */
describe("the certificate of a service on Redis", () => {
  let machine: SystemdMachine;
  let project: EngineProject;
  let settings: Settings;
  /** All that the engine has printed. */
  const printed: string[] = [];
  const keys: string[] = [];

  const declare = (changes: Partial<Settings>) => {
    settings = { ...settings, ...changes };
    writeFileSync(path.join(project.directory, "settings.json"), JSON.stringify(settings));
  };
  const up = async (changes: Partial<Settings> = {}, ...args: string[]) => {
    declare(changes);
    printed.push(await project.up("--diff", ...args));
    for (const { type, outputs } of (await project.state()).resources) {
      if (type !== "estate:tls:ClientCertificate") continue;
      const texts = JSON.parse((outputs.certificates as { plaintext: string }).plaintext);
      for (const text of Object.values(texts)) keys.push(...privateKeyLines(String(text)));
    }
    expect(await project.preview()).toEqual({});
  };
  interface Login {
    authority: string;
    password: string;
    clientCertificate: string | undefined;
  }
  const published = async (): Promise<Login> => {
    const text = await project.succeed(["stack", "output", "login", "--json", "--show-secrets"]);
    const [authority, password, clientCertificate] = JSON.parse(text) as [string, string, string];
    return { authority, password, clientCertificate: clientCertificate || undefined };
  };
  const open = ({ authority, password, clientCertificate }: Login) =>
    connectRedis(
      { host: "127.0.0.1", port: settings.port },
      { caCertificate: authority, serverName: "localhost" },
      { user: "svc_crm", password, clientCertificate },
    );
  const letsIn = async (login: Login) => (await open(login)).close();
  const bare = (login: Login) => ({ ...login, clientCertificate: undefined });

  beforeAll(async () => {
    machine = await bootMachine(["redis-server", "redis-tools"]);
    project = new EngineProject();
    settings = {
      ...{ ssh: machine.ssh, port: await freePort(), adminPassword: newPassword() },
      ...{ generation: { generation: 1, leaked: false }, state: "live" },
    };
    project.declare(PROGRAM);
    await project.init();
    await up();
  }, 300_000);
  afterAll(async () => {
    project?.remove();
    await machine?.stop();
  });

  it("is made, trusted, tried and shown by the admin, all in the one run that asks for it", async () => {
    const before = await published();
    declare({ use: "optional" });
    const planned = await project.preview();
    expect(planned).toMatchObject({
      "redis-svc_crm-client-certificate": { op: "create" },
      "redis-svc_crm-admin-certificate": { op: "create" },
      instance: { op: "update" },
      "redis-svc_crm-user": { op: "update" },
    });
    await up();
    await letsIn(before);
    await letsIn(await published());
  });

  it("is required in the next, which ends no session", async () => {
    const login = await published();
    const session = await open(login);
    await up({ use: "required" });
    expect(await session.call("PING")).toBe("PONG");
    await session.close();
    await letsIn(login);
    await expect(letsIn(bare(login))).rejects.toThrow(/certificate required/);
  });

  it("changes with the password; the one before goes on", async () => {
    const before = await published();
    await up({ generation: { generation: 2, leaked: false } });
    const now = await published();
    expect(now.clientCertificate).not.toBe(before.clientCertificate);
    await letsIn(now);
    await letsIn(before);
  });

  it("after a leak is of another authority, in one run: what was before opens nothing, and its session has ended", async () => {
    const before = await published();
    const session = await open(before);
    await up({ generation: { generation: 3, leaked: true } });
    const now = await published();
    await letsIn(now);
    await expect(session.call("PING")).rejects.toThrow();
    await expect(letsIn({ ...now, clientCertificate: before.clientCertificate })).rejects.toThrow(
      /unknown ca/,
    );
    await expect(letsIn({ ...before, clientCertificate: now.clientCertificate })).rejects.toThrow(
      /WRONGPASS/,
    );
  });

  it("stays when the admin's is replaced, whose authority is another then; a refresh finds nothing", async () => {
    const login = await published();
    const { resources } = await project.state();
    const admin = resources.find(({ urn }) => urn.endsWith("redis-svc_crm-admin-certificate"));
    await up({}, "--replace", String(admin?.urn));
    expect(await published()).toEqual(login);
    await letsIn(login);
    const now = (await project.state()).resources.find(({ urn }) => urn === admin?.urn);
    expect(now?.outputs.authorities).not.toEqual(admin?.outputs.authorities);
    printed.push(await project.succeed(["refresh", "--yes", "--diff", "--expect-no-changes"]));
  });

  it("shows what was changed by hand after a refresh, and the next run takes it back", async () => {
    await machine.exec(
      "sed",
      "-i",
      "s/^tls-auth-clients .*/tls-auth-clients no/",
      "/etc/redis/redis-crm.conf",
    );
    await machine.exec("systemctl", "restart", "redis-server@crm");
    printed.push(await project.succeed(["refresh", "--yes", "--diff"]));
    const planned = await project.preview();
    expect(planned.instance?.fields).toEqual(["configuration", 'effective["tls-auth-clients"]']);
    await up();
    await expect(letsIn(bare(await published()))).rejects.toThrow(/certificate required/);
  });

  it("is retired in one run and comes back in another, the admin's certificate the same", async () => {
    const admin = async () =>
      (await project.state()).resources.find(({ urn }) => urn.endsWith("redis-svc_crm-admin-certificate"))
        ?.outputs;
    const before = await admin();
    await up({ state: "retired" });
    expect(await machine.exec("sh", "-c", "systemctl is-active redis-server@crm || true")).toBe("inactive\n");
    expect(await admin()).toEqual(before);
    await up({ state: "live" });
    await letsIn(await published());
    await expect(letsIn(bare(await published()))).rejects.toThrow(/certificate required/);
  });

  it("goes back the same way", async () => {
    await up({ use: "optional" });
    await letsIn(bare(await published()));
    await up({ use: undefined });
    await letsIn(await published());
    expect((await project.state()).text).not.toContain("estate:tls:ClientCertificate");
  });

  it("leaves no key in anything that is printed, nor on the host", async () => {
    expect(keys.length).toBeGreaterThan(12);
    const named = new Map(keys.map((line, at) => [`line ${at}`, line]));
    const places = [...printed, await project.sealedState()].map((text, at) => ({ where: String(at), text }));
    expect(findLeaks(places, named)).toEqual([]);
    const found = "grep -rlF -f /dev/stdin /etc /var /tmp /run /root 2>/dev/null || true";
    const list = keys.map((line) => `'${line}'`).join(" ");
    expect(await machine.exec("sh", "-c", `printf '%s\\n' ${list} | ${found}`)).toBe("");
  });
});
