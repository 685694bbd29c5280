import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../drill/commands";
import type { DrillReport } from "../../drill/report/model";
import { live } from "../../support/declared";
import { plannedChanges } from "../../support/project";
import { type Finished, run } from "../../support/run";

const DRILL = ["--require", "./toolchain/start.cjs", "test/drill/main.ts"];

/** All of it once: three hosts are lost, and everything comes back from the bucket. */
describe("the disaster drill", () => {
  let directory: string;
  let finished: Finished;
  let report: DrillReport;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "estate-drill-test-"));
    finished = await run(process.execPath, [...DRILL, "--out", directory]);
    report = JSON.parse(await readFile(path.join(directory, "report.json"), "utf8")) as DrillReport;
  }, 900_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("proves everything", () => {
    expect(report.findings.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
    expect(report.findings.length, finished.output).toBeGreaterThan(40);
    expect(finished.code, finished.output).toBe(0);
  });

  it("measures every database against the promises", () => {
    expect(report.databases).toHaveLength(live.databases);
    for (const { database, rows, rtoSeconds = Infinity, rpoSeconds = Infinity } of report.databases) {
      expect(rows, database).toBeGreaterThan(2000);
      expect(rtoSeconds, database).toBeLessThan(4 * 3600);
      expect(rpoSeconds, database).toBeLessThan(24 * 3600);
    }
  });

  it("types every command of the runbooks", async () => {
    const log = await readFile(path.join(directory, "commands.log"), "utf8");
    for (const command of Object.values(COMMANDS)) expect(log).toContain(`$ ${command}`);
  });

  it("leaves the estate as it is declared", async () => {
    const check = await run("ops/estate", ["check", "--stack", "local", "--json"]);
    expect(JSON.parse(check.stdout)).toMatchObject({
      databases: { reachable: live.databases, total: live.databases },
    });
    expect(await plannedChanges()).toEqual([]);
  });
});
