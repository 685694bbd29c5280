import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Project, type Thing } from "./project";

const password = "canary-password-1";
const thing = (overrides: Partial<Thing> = {}): Thing => ({
  name: "a",
  limits: { connections: 10 },
  grants: { "svc_x on tables in public": ["INSERT", "SELECT"] },
  password,
  ...overrides,
});

async function gone(pids: number[], timeoutMs: number): Promise<number[]> {
  const end = Date.now() + timeoutMs;
  let left = pids;
  while (left.length > 0 && Date.now() < end) {
    left = left.filter(alive);
    await sleep(50);
  }
  return left;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** One story on one stack: each step starts from what the one before left. */
describe("the wire and the language host under the real engine", { timeout: 120_000 }, () => {
  let project: Project;

  beforeAll(async () => {
    project = new Project();
    await project.init();
  }, 600_000);

  afterAll(() => project.remove());

  it("creates nothing in a preview", async () => {
    project.declare({ one: thing() });
    expect(await project.preview()).toEqual({ one: { op: "create", fields: {} } });
    expect(project.journal()).toEqual([]);
  });

  it("creates, with configuration and computed outputs", async () => {
    await project.up();
    expect(project.thing("a")).toMatchObject({ ...thing(), serial: 7 });
    const outputs = JSON.parse(await project.pulumi("stack", "output", "--json"));
    expect(outputs).toEqual({ serials: [7], greeting: "hello", password: "[secret]" });
    expect(project.journal()).toEqual(["create a", "close"]);
  });

  it("keeps secrets as ciphertext only in the state", async () => {
    const { text, resources } = await project.state();
    for (const secret of [password, "token-of-a", "canary-config", project.server]) {
      expect(text).not.toContain(secret);
    }
    const one = resources.find((resource) => resource.type === "fixture:index:Thing");
    expect(one?.inputs.password).toHaveProperty("ciphertext");
    expect(one?.outputs.password).toHaveProperty("ciphertext");
    expect(one?.outputs.token).toHaveProperty("ciphertext");
  });

  it("sees no change where there is none", async () => {
    expect(await project.preview()).toEqual({});
    expect(await project.up()).toMatch(/3 unchanged/);
  });

  it("names each drifted field after a refresh, and mends it in place", async () => {
    const before = project.thing("a");
    project.setThing("a", {
      ...before,
      limits: { connections: 99 },
      grants: { "svc_x on tables in public": ["INSERT", "SELECT"], "svc_y on database": ["CONNECT"] },
    });
    await project.pulumi("refresh", "--yes");
    expect(await project.preview()).toEqual({
      one: {
        op: "update",
        fields: { "limits.connections": "update", 'grants["svc_y on database"]': "delete" },
      },
    });
    await project.up();
    expect(project.thing("a")).toEqual(before);
    expect((await project.state()).text).not.toContain(password);
  });

  it("changes in place what can be, without touching the server in the preview", async () => {
    project.declare({ one: thing({ password: "canary-password-2" }) });
    const journal = project.journal();
    expect(await project.preview()).toEqual({ one: { op: "update", fields: { password: "update" } } });
    expect(project.journal()).toEqual(journal);
    const printed = await project.pulumi("preview", "--diff");
    expect(printed).toContain("[secret]");
    expect(printed).not.toContain("canary-password");
    await project.up();
    expect(project.thing("a").password).toBe("canary-password-2");
  });

  it("replaces where the identity changes, the old one first", async () => {
    project.declare({ one: thing({ name: "b" }) });
    const { one } = await project.preview();
    expect(one?.fields).toEqual({ name: "update-replace", password: "update" });
    await project.up();
    expect(project.journal().filter((line) => line !== "close")).toEqual([
      "create a",
      "update a",
      "update a",
      "delete a",
      "create b",
    ]);
  });

  it("imports what is there already, secrets sealed", async () => {
    project.setThing("c", { ...thing({ name: "c" }), serial: 8, token: "token-of-c" });
    project.declare({ one: thing({ name: "b" }), two: thing({ name: "c", import: "c" }) });
    await project.up();
    const { text, resources } = await project.state();
    expect(resources.filter((resource) => resource.type === "fixture:index:Thing")).toHaveLength(2);
    expect(text).not.toContain(password);
    expect(text).not.toContain("token-of-c");
    expect(project.journal()).not.toContain("create c");
  });

  it("tells the user in words what is wrong", async () => {
    project.declare({ one: thing({ name: "%" }) });
    const checked = await project.attempt("preview");
    expect(checked.code).not.toBe(0);
    expect(checked.output).toContain('name: "%" is any thing; name one, for example "a"');
    expect(checked.output).not.toContain("canary-password");

    project.declare({ one: thing({ name: "b" }), two: thing({ name: "c" }), bad: thing({ name: "broken" }) });
    const failed = await project.attempt("up", "--yes", "--skip-preview");
    expect(failed.code).not.toBe(0);
    expect(failed.output).toContain("the thing is broken: mend it first");
    expect(failed.output).not.toMatch(/^\s+at .*\.ts/m);

    project.declare({ one: thing({ name: "b" }), bad: thing({ type: "fixture:index:Other" }) });
    const unknown = await project.attempt("preview");
    expect(unknown.output).toContain(
      'the provider "fixture" has no resource kind "fixture:index:Other". It has: fixture:index:Thing',
    );
  });

  it("leaves no process behind a kill -9, and converges after it", async () => {
    const slow = thing({ name: "d", delay: 60_000 });
    project.declare({ one: thing({ name: "b" }), two: thing({ name: "c" }), slow });
    const engine = project.start("up", "--yes", "--skip-preview");
    while (!project.journal().includes("create d")) await sleep(50);
    const pids = project.processes().filter(alive);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    engine.kill("SIGKILL");
    expect(await gone(pids, 10_000)).toEqual([]);

    await project.pulumi("cancel", "--yes");
    project.declare({ one: thing({ name: "b" }), two: thing({ name: "c" }), slow: thing({ name: "d" }) });
    await project.up();
    await project.pulumi("refresh", "--yes", "--clear-pending-creates");
    const { resources, pending } = await project.state();
    expect(resources.filter((resource) => resource.type === "fixture:index:Thing")).toHaveLength(3);
    expect(pending).toEqual([]);
    expect(await project.preview()).toEqual({});
  });

  it("ends the call in flight on Ctrl-C, well before it would have ended by itself", async () => {
    const kept = { one: thing({ name: "b" }), two: thing({ name: "c" }), slow: thing({ name: "d" }) };
    project.declare({ ...kept, late: thing({ name: "e", delay: 60_000 }) });
    const engine = project.start("up", "--yes", "--skip-preview");
    while (!project.journal().includes("create e")) await sleep(50);
    const pids = project.processes().filter(alive);
    engine.kill("SIGINT");
    await new Promise((resolve) => engine.once("close", resolve));
    expect(await gone(pids, 10_000)).toEqual([]);
    project.declare(kept);
    // The engine ended the call in an orderly way, so nothing is pending and no lock is left.
    expect((await project.state()).pending).toEqual([]);
    expect(await project.preview()).toEqual({});
  });

  it("runs a policy pack on what is declared", async () => {
    const refused = await project.attempt("preview", "--policy-pack", project.policyPack(5));
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("a thing has at most 5 connections, this one has 10");
    expect((await project.attempt("preview", "--policy-pack", project.policyPack(10))).code).toBe(0);
  });

  it("deletes", async () => {
    project.declare({});
    await project.up();
    expect(project.journal()).toEqual(expect.arrayContaining(["delete b", "delete c", "delete d"]));
    expect(await gone(project.processes(), 10_000)).toEqual([]);
  });
});
