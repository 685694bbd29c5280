import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyProject, type ProjectCopy } from "../../support/project";

describe("bad input", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyProject();
  });
  afterAll(() => project?.remove());

  it("is answered by one run of the engine with every fault and no stack trace", async () => {
    await project.edit("Pulumi.local.yaml", "memoryMiB: 1024", 'memoryMiB: "1024"\n      colour: red');
    await project.edit(
      "Pulumi.local.yaml",
      "certificateName: plesk",
      'accountHost: "%"\n      certificateName: plesk',
    );
    await project.edit(
      "estate/catalogue.ts",
      'mariadb("mo_hooks",     {',
      'plesk("mo_hooks", { secret: "MO_CRM_DB_PASS",',
    );
    const preview = await project.pulumi(["preview", "--stack", "local"]);
    expect(preview.code).not.toBe(0);
    expect(preview.output).toContain("the estate is not well declared: 5 faults");
    expect(preview.output).toContain('servers.plesk.accountHost is "%": give a host name');
    expect(preview.output).toContain('servers.mariadb.memoryMiB is "1024": give MiB as a whole number');
    expect(preview.output).toContain('servers.mariadb.colour is "red": no such key; known here: host,');
    expect(preview.output).toContain('databases.mo_hooks.server is "plesk": plesk takes 5 databases');
    expect(preview.output).toContain('mo_hooks.secret is "MO_CRM_DB_PASS": mo_crm has it already');
    expect(preview.output).not.toMatch(/^\s+at /m);
  });

  it("names every missing part of an empty configuration", async () => {
    await project.edit("Pulumi.local.yaml", /^config:[\s\S]*$/m, "config: {}\n");
    const preview = await project.pulumi(["preview", "--stack", "local"]);
    expect(preview.code).not.toBe(0);
    for (const key of ["servers", "access", "rotation", "backup", "tags"]) {
      expect(preview.output).toContain(`  ${key} is missing: add it`);
    }
  });
});

describe("a rotation that cannot be meant", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyProject();
  });
  afterAll(() => project?.remove());

  it.each([
    [
      "a period over 90 days",
      'anchor: "2026-01-01", days: 91',
      ["rotation.days is 91: rotate at least every 90 days"],
    ],
    [
      "an anchor in the future and an unknown database",
      'anchor: "2999-01-01", days: 90, forced: [{ database: mo_crn, at: "2026-01-01T00:00:00Z", reason: r }]',
      [
        'rotation.anchor is "2999-01-01": lies in the future: give a day up to',
        'rotation.forced.0.database is "mo_crn": no database and no Redis user has this name',
      ],
    ],
  ])("%s ends the run before it begins", async (_what, rotation, faults) => {
    await project.edit("Pulumi.local.yaml", /(?<=database-estate:rotation:) .*/, ` { ${rotation} }`);
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).not.toBe(0);
    expect(up.output).toContain(faults.length === 1 ? "1 fault" : `${faults.length} faults`);
    for (const fault of faults) expect(up.output).toContain(fault);
    expect(up.output).not.toMatch(/^ *[~+-]+ +(?!pulumi:pulumi:Stack)\S+:\S+/m);
    expect(up.output).not.toMatch(/^\s+at /m);
  });
});
