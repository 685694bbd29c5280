import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import { exitCodeForPrivileges } from "../../../../ops/commands/check";
import { EXIT } from "../../../../ops/exit";
import { checkPrivileges, type Privileges, type Prove, sound } from "../../../../ops/privileges/check";
import type { ProbeResult } from "../../../../ops/privileges/probe";
import { renderPrivileges, renderPrivilegesJson } from "../../../../ops/render/privileges";
import { target } from "../support";

const good: ProbeResult = { title: "create a table", expected: "allowed", outcome: "allowed", ok: true };
const refused: ProbeResult = {
  title: "create a role",
  expected: "refused",
  outcome: "refused",
  ok: true,
  code: "42501",
};
const bad: ProbeResult = { ...refused, outcome: "allowed", ok: false, detail: "mo_idp" };
const options = (prove: Prove, changes = {}) => ({
  prove,
  databases,
  timeoutMs: 1_000,
  parallel: 4,
  ...changes,
});

function privileges(changes: Partial<Privileges> = {}): Privileges {
  return {
    kind: "database",
    name: "mo_idp",
    server: "postgres",
    engine: "postgres",
    user: "svc_idp_a",
    profile: "application",
    probes: [good, refused],
    ...changes,
  };
}

describe("checkPrivileges", () => {
  it("tells who was tried, with which profile and what came of it", async () => {
    const results = await checkPrivileges(
      [target()],
      options(async () => [good]),
    );
    expect(results).toEqual([privileges({ probes: [good] })]);
  });

  it("goes on after a failed login, in the targets' order, and takes the password out", async () => {
    const prove: Prove = async ({ name, password }) => {
      if (name === "first") {
        await sleep(10);
        throw new Error(`refused\nfor ${password}`);
      }
      return [{ ...good, detail: `said ${password}` }];
    };
    const results = await checkPrivileges([target({ name: "first" }), target()], options(prove));
    expect(results.map(({ fault }) => fault)).toEqual(["refused; for ***", undefined]);
    expect(JSON.stringify(results)).not.toContain("canary-password");
  });

  it("counts what has no login in the outputs as failed", async () => {
    const missing = { kind: "database", name: "ncy8", server: "postgres", engine: "postgres" } as const;
    const [result] = await checkPrivileges(
      [missing],
      options(async () => [good]),
    );
    expect(result?.fault).toContain("not in the stack's outputs");
  });

  it("ends with a server that never answers", async () => {
    const [result] = await checkPrivileges(
      [target()],
      options(() => new Promise(() => {}), { timeoutMs: 2 }),
    );
    expect(result?.fault).toBe("not through within 0.02 s");
  });

  it("never has more services under way than asked for", async () => {
    let open = 0;
    let most = 0;
    const prove: Prove = async () => {
      most = Math.max(most, ++open);
      await sleep(2);
      open--;
      return [good];
    };
    await checkPrivileges(
      Array.from({ length: 9 }, () => target()),
      options(prove, { parallel: 3 }),
    );
    expect(most).toBe(3);
  });
});

describe("the verdict", () => {
  it.each<[string, Privileges[], number]>([
    ["all as expected", [privileges()], EXIT.done],
    ["one violation", [privileges(), privileges({ probes: [good, bad] })], EXIT.failed],
    ["one unclear", [privileges({ probes: [{ ...refused, outcome: "unclear", ok: false }] })], EXIT.failed],
    ["no login", [privileges({ probes: [], fault: "no answer" })], EXIT.failed],
    ["a service for which nothing was tried", [privileges({ probes: [] })], EXIT.failed],
    ["nothing at all", [], EXIT.unknown],
  ])("%s", (_what, results, code) => {
    expect(exitCodeForPrivileges(results)).toBe(code);
    expect(results.length > 0 && results.every(sound)).toBe(code === EXIT.done);
  });
});

describe("rendering", () => {
  const results = [
    privileges({ probes: [good, bad] }),
    privileges({ name: "ncy8", user: "svc_ncy8_a", profile: "program", probes: [refused, bad] }),
    privileges({
      kind: "redis",
      name: "svc_crm",
      server: "redis",
      engine: "redis",
      user: "svc_crm",
      profile: undefined,
    }),
    privileges({ name: "mo_grafana", probes: [], fault: "cannot log in" }),
  ];

  it("shows a line for each service, each violation once, and the counts", () => {
    expect(renderPrivileges({ stack: "prod", results }, { colour: false })).toMatchInlineSnapshot(`
      "service of  server    logs in as  profile      may  may not  result
      mo_idp      postgres  svc_idp_a   application  1/1      0/1  FAILED
      ncy8        postgres  svc_ncy8_a  program        -      1/2  FAILED
      svc_crm     redis     svc_crm     -            1/1      1/1  ok
      mo_grafana  postgres  svc_idp_a   application    -        -  FAILED

      mo_idp, ncy8: may create a role, but must not
      mo_grafana: cannot log in

      1/4 services as declared, 4/6 probes as expected
      "
    `);
  });

  it("gives every probe as JSON", () => {
    const report = JSON.parse(renderPrivilegesJson({ stack: "prod", results }));
    expect(report).toMatchObject({
      stack: "prod",
      ok: false,
      services: { sound: 1, total: 4 },
      probes: { asExpected: 4, total: 6 },
    });
    expect(report.results[0].probes[1]).toMatchObject({
      title: "create a role",
      expected: "refused",
      outcome: "allowed",
    });
  });
});
