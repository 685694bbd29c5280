import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadStackConfig } from "../../../estate/load";
import type { RotationOutput } from "../../../estate/outputs";
import { EXIT } from "../../../ops/exit";
import { run } from "../../../ops/program";
import { renderRotation } from "../../../ops/render/rotation";
import { withForced } from "../../../ops/rotate/force";
import { statusOf } from "../../../ops/rotate/status";
import { projectDir, recordedIo } from "./support";

const entry = { database: "mo_crm", at: "2026-11-21T12:00:00Z", reason: 'in a ticket: "#7"' };
const key = "database-estate:rotation";

describe("withForced", () => {
  it.each([
    "local",
    "staging",
    "prod",
  ])("adds an entry to Pulumi.%s.yaml and leaves the rest as it is", (stack) => {
    const text = readFileSync(path.join(projectDir, `Pulumi.${stack}.yaml`), "utf8");
    const lines = (yaml: string) =>
      yaml.split("\n").filter((line) => !/rotation|days:|anchor:|graceDays:/.test(line));
    const once = withForced(text, key, [entry]);
    const added = lines(once).filter((line) => !lines(text).includes(line));
    expect(added.map((line) => line.trim())).toEqual([
      "forced:",
      "- database: mo_crm",
      // Quoted: Pulumi's own reader makes times of bare moments and days.
      'at: "2026-11-21T12:00:00Z"',
      'reason: "in a ticket: \\"#7\\""',
    ]);
    expect(lines(text).every((line) => lines(once).includes(line))).toBe(true);
    const twice = withForced(once, key, [{ ...entry, database: "svc_crm" }]);
    expect(twice.startsWith(once.slice(0, once.indexOf("forced:")))).toBe(true);
    expect(twice.match(/- database:/g)).toHaveLength(2);
  });

  it("keeps a block with its comments, wherever it stands", () => {
    const text =
      '# top\nconfig:\n    a:b: [x]   # odd\n    p:rotation:\n        days: 90 # a quarter\n        # from\n        anchor: "2026-01-01"\n    # after\n    c: 1\n';
    expect(withForced(text, "p:rotation", [entry])).toBe(
      '# top\nconfig:\n    a:b: [x]   # odd\n    p:rotation:\n        days: 90 # a quarter\n        # from\n        anchor: "2026-01-01"\n' +
        '        forced:\n          - database: mo_crm\n            at: "2026-11-21T12:00:00Z"\n            reason: "in a ticket: \\"#7\\""\n    # after\n    c: 1\n',
    );
  });

  it("refuses a file without the setting, or one that is no YAML", () => {
    expect(() => withForced("config: {}\n", key, [entry])).toThrow(
      /has no database-estate:rotation.*Nothing was written/,
    );
    expect(() => withForced("config: [\n", key, [entry])).toThrow(/cannot be read/);
  });
});

describe("estate rotate --now", () => {
  let project: string;
  const env = { ESTATE_CLOCK: "2026-11-21T12:00:00Z" };
  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), "estate-rotate-"));
    symlinkSync(path.join(projectDir, "policy"), path.join(project, "policy"));
  });
  beforeEach(() => {
    for (const file of ["package.json", "Pulumi.yaml", "Pulumi.prod.yaml"])
      cpSync(path.join(projectDir, file), path.join(project, file));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  const rotate = async (...args: string[]) => {
    const io = recordedIo({ projectDir: project, env });
    const code = await run(["rotate", "--stack", "prod", ...args], io);
    return { code, ...io };
  };

  it("writes the leak down and names the command, with the stack's policies", async () => {
    const { code, stdout, stderr } = await rotate("--now", "mo_crm", "svc_n8n", "--reason", " ticket ");
    expect([code, stderr]).toEqual([EXIT.done, ""]);
    expect(stdout).toBe(
      "Pulumi.prod.yaml now says that mo_crm, svc_n8n leaked. No password has changed yet. Run:\n" +
        "  pulumi up --stack prod --policy-pack policy --policy-pack-config policy/config.prod.json\n",
    );
    expect(loadStackConfig("prod", project).rotation.forced).toEqual([
      { database: "mo_crm", at: "2026-11-21T12:00:00Z", reason: "ticket" },
      { database: "svc_n8n", at: "2026-11-21T12:00:00Z", reason: "ticket" },
    ]);
  });

  it("says the same as JSON", async () => {
    const { stdout } = await rotate("--now", "mo_idp", "--reason", "r", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      stack: "prod",
      forced: [{ database: "mo_idp", at: "2026-11-21T12:00:00Z", reason: "r" }],
      next: expect.stringMatching(/^pulumi up --stack prod/),
    });
  });

  it.each([
    [
      ["--now", "mo_crn", "--reason", "r"],
      /--now names what is not declared here: mo_crn \(did you mean mo_crm\?\)/,
    ],
    [["--now", "mo_crm"], /--now needs --reason/],
    [["--now", "mo_crm", "--reason", " "], /--now needs --reason/],
    [["--now", "mo_crm", "--status", "--reason", "r"], /--now or --status, not both/],
    [[], /give --status, or --now/],
  ])("%j writes nothing and says why", async (args, message) => {
    const before = readFileSync(path.join(project, "Pulumi.prod.yaml"), "utf8");
    const { code, stdout, stderr } = await rotate(...args);
    expect([code, stdout]).toEqual([EXIT.unknown, ""]);
    expect(stderr).toMatch(message);
    expect(readFileSync(path.join(project, "Pulumi.prod.yaml"), "utf8")).toBe(before);
  });

  it("leaves a stack with a fault alone", async () => {
    const file = path.join(project, "Pulumi.prod.yaml");
    const faulty = readFileSync(file, "utf8").replace("days: 90", "days: 91");
    writeFileSync(file, faulty);
    const { code, stderr } = await rotate("--now", "mo_crm", "--reason", "r");
    expect(code).toBe(EXIT.unknown);
    expect(stderr).toMatch(/rotation\.days is 91: rotate at least every 90 days/);
    expect(readFileSync(file, "utf8")).toBe(faulty);
  });
});

describe("estate rotate --status", () => {
  const rotation = (change: Partial<RotationOutput> = {}): RotationOutput => ({
    server: "postgres",
    service: "svc_idp",
    generation: 2,
    since: "2026-11-01",
    due: "2026-12-27",
    leaked: false,
    published: "2026-11-01",
    formerValid: false,
    ...change,
  });
  const rotations = {
    mo_crm: rotation({ server: "mariadb", service: "svc_crm", formerValid: true }),
    mo_forum: rotation({ server: "plesk", service: "svc_forum", generation: 1, due: "2026-11-20" }),
    mo_idp: rotation({ formerValid: true }),
    svc_crm: rotation({ server: "redis", service: "svc_crm", leaked: true }),
  };
  const connections = { mo_idp: { user: "svc_idp_b" }, mo_crm: { user: "svc_crm" } };
  const sessions = new Map([
    ["svc_idp_a", 3],
    ["svc_idp_b", 9],
  ]);

  it("tells age, due day, and who is still on the former password where the server knows", () => {
    const found = statusOf(rotations, connections, 7, "2026-11-21", sessions);
    expect(
      renderRotation({ stack: "prod", today: "2026-11-21", rotations: found }, { colour: false }),
    ).toMatchInlineSnapshot(`
        "name      server    generation  since       age days  due                 former password
        mo_crm    mariadb            2  2026-11-01        20  2026-12-27          valid until 2026-11-08
        mo_forum  plesk              1  2026-11-01        20  2026-11-20 OVERDUE  -
        mo_idp    postgres           2  2026-11-01        20  2026-12-27          valid until 2026-11-08, 3 sessions
        svc_crm   redis              2  2026-11-01        20  2026-12-27          leaked, retired

        4 passwords on 2026-11-21: 1 overdue, 2 with a former one that still logs in
        "
      `);
    expect(found.map(({ overdue }) => overdue)).toEqual([false, true, false, false]);
  });

  it("does not guess where nobody was asked", () => {
    const found = statusOf(rotations, connections, 7, "2026-11-21", undefined);
    expect(found.map(({ formerSessions }) => formerSessions)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
