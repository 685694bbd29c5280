import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mariadbAdminSql } from "../../../components/plans/admin";
import { connectMariadb } from "../../../connect/mariadb";
import { MariadbServer } from "../../../connect/mariadb-server";
import { ADMIN } from "../../../estate/naming";
import { issueAuthority } from "../../../provider/kinds/client/issue";
import { EngineProject, type StateResource } from "../../support/engine-project";
import { type MariadbEngine, startMariadb } from "../../support/engines-mariadb";
import { findLeaks, privateKeyLines } from "../../support/leak";
import { newPassword } from "../../support/rotating";

// Each test runs the engine several times.
vi.setConfig({ testTimeout: 300_000 });

interface Settings {
  server: { host: string; port: number; user: string; password: string; caCertificate: string };
  generation: { generation: number; leaked: boolean };
  /** undefined: there is no account yet. */
  use: "optional" | "required" | undefined;
}

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { ClientCertificates } from "#/components/client-certificates";
import { ServiceUser } from "#/components/service-user";
import { databases } from "#/estate/catalogue";
import { EstateProvider } from "#/provider/resources";
const { server, generation, use } = JSON.parse(readFileSync(__dirname + "/settings.json", "utf8"));
const entries = databases
  .filter(({ name }) => name === "mo_hooks")
  .map((entry) => ({ ...entry, clientCertificate: use ?? "optional" }));
const at = pulumi.output(generation);
const certificates = new ClientCertificates({ databases: entries, redisUsers: [] }, () => at);
export const authorities = certificates.authoritiesOn("mariadb");
const provider = new EstateProvider("mariadb", { mariadb: { ...server, serverName: "localhost" } });
const parent = new pulumi.ComponentResource("small:index:Database", "database");
const user = use && new ServiceUser(
  "mo_hooks",
  {
    service: "svc_hooks",
    database: "mo_hooks",
    generation: at,
    connectionLimit: 5,
    certificate: certificates.of("mo_hooks"),
    account: { engine: "mariadb", host: "127.0.0.1", grants: [{ database: "mo_hooks", privileges: ["SELECT"] }] },
  },
  { parent, provider },
);
export const login = user && pulumi.secret(pulumi.all([user.password, user.clientCertificate]));
`;

/** One story on one stack, over a real server, driven by the real engine. */
describe("the certificate of a service", () => {
  let engine: MariadbEngine;
  let project: EngineProject;
  let settings: Settings;
  /** All that the engine has printed. */
  const printed: string[] = [];
  const keys: string[] = [];

  const declare = (changes: Partial<Settings>) => {
    settings = { ...settings, ...changes };
    writeFileSync(path.join(project.directory, "settings.json"), JSON.stringify(settings));
  };
  const up = async () => {
    printed.push(await project.up("--diff"));
    for (const text of Object.values(await certificates())) keys.push(...privateKeyLines(text));
  };
  const resource = async (type: string): Promise<StateResource> => {
    const { resources } = await project.state();
    const found = resources.find((each) => each.type === type);
    if (!found) throw new Error(`there is no ${type}`);
    return found;
  };
  const shown = (value: unknown): unknown => JSON.parse((value as { plaintext: string }).plaintext);
  const certificates = async () =>
    shown((await resource("estate:tls:ClientCertificate")).outputs.certificates) as Record<string, string>;
  const output = async (name: string) =>
    JSON.parse(await project.succeed(["stack", "output", name, "--json", "--show-secrets"]));
  const login = async (certified: boolean) => {
    const [password, clientCertificate] = (await output("login")) as [string, string];
    const connection = await connectMariadb(engine, engine, {
      user: "svc_hooks",
      password,
      database: "mo_hooks",
      ...(certified && { clientCertificate }),
    });
    await connection.close();
  };

  beforeAll(async () => {
    const hour = 3_600_000;
    const other = await issueAuthority("clients of nobody", {
      from: Date.now() - hour,
      until: Date.now() + hour,
    });
    engine = await startMariadb("11.8", { clientAuthorities: other.certificate });
    const root = new MariadbServer(engine, engine, engine.admin);
    const password = newPassword();
    for (const statement of mariadbAdminSql(password, "127.0.0.1").split(";\n")) await root.query(statement);
    await root.query("CREATE DATABASE mo_hooks");
    await root.close();
    project = new EngineProject();
    const { host, port, caCertificate } = engine;
    settings = {
      server: { host, port, user: ADMIN, password, caCertificate },
      generation: { generation: 1, leaked: false },
      use: undefined,
    };
    declare({});
    project.declare(PROGRAM);
    await project.init();
  }, 300_000);
  afterAll(async () => {
    project?.remove();
    await engine?.stop();
  });

  it("is made before the server is told whom to trust", async () => {
    await up();
    await engine.trustClients((await output("authorities")) as string);
    expect(await project.preview()).toEqual({});
  });

  it("goes to the account that shows it, is tried, and lets in", async () => {
    declare({ use: "required" });
    await up();
    await login(true);
    await expect(login(false)).rejects.toThrow(/Access denied/);
    expect(await project.preview()).toEqual({});
  });

  it("shows as due in a preview of the day, and is renewed; what the server trusts stays, and the preview knows", async () => {
    const { notAfter } = (await resource("estate:tls:ClientCertificate")).outputs;
    const due = new Date(Date.parse(String(notAfter)) - 60 * 86_400_000 + 1000);
    const clock = { ESTATE_CLOCK: due.toISOString() };
    const planned = await project.preview(clock);
    expect(planned["mo_hooks-client-certificate"]).toEqual({ op: "update", fields: ["notAfter"] });
    const text = await project.succeed(["preview", "--diff"], clock);
    printed.push(text);
    expect(text).not.toMatch(/authorities/);
  });

  it("changes with the password, under the authority that the server knows", async () => {
    const before = await output("authorities");
    declare({ generation: { generation: 2, leaked: false } });
    await up();
    expect(await output("authorities")).toBe(before);
    await login(true);
  });

  it("after a leak is of another authority: nothing is published that the server does not take yet", async () => {
    declare({ generation: { generation: 3, leaked: true } });
    const failed = await project.pulumi(["up", "--yes", "--skip-preview"]);
    printed.push(failed.output);
    expect(failed.output).toMatch(/does not take the login's own certificate/);
    // A run that failed gives no outputs.
    const { authorities } = (await resource("estate:tls:ClientCertificate")).outputs;
    await engine.trustClients((authorities as string[]).join(""));
    await up();
    await login(true);
  });

  it("leaves no key in anything that is printed, nor in the state as it is kept", async () => {
    printed.push(await project.succeed(["refresh", "--yes", "--diff"]));
    const { outputs } = await resource("estate:tls:ClientCertificate");
    keys.push(...privateKeyLines(String(shown(outputs.authorityKey))));
    expect(keys.length).toBeGreaterThan(6);
    const places = [...printed, await project.sealedState()].map((text, at) => ({ where: String(at), text }));
    const named = new Map(keys.map((line, at) => [`line ${at}`, line]));
    expect(findLeaks(places, named)).toEqual([]);
    // Where it is shown on demand it is found.
    expect(findLeaks([{ where: "shown", text: (await project.state()).text }], named)).not.toEqual([]);
  });
});
