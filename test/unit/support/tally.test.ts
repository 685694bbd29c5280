import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { closingLine, isRed, type Ran, type Report, slowest, tallyOf } from "../../support/tally";

type File = Report["testResults"][number];

const file = (statuses: Record<string, string>, more: Partial<File> = {}): File => ({
  name: "a.test.ts",
  status: Object.values(statuses).includes("failed") ? "failed" : "passed",
  assertionResults: Object.entries(statuses).map(([fullName, status]) => ({ fullName, status })),
  ...more,
});
const suite = (exitCode: number, ...testResults: File[]): Ran => ({
  name: "unit",
  exitCode,
  report: { testResults },
});
const types = (exitCode: number): Ran => ({ name: "types", exitCode, report: "none" });

const told = (runs: Ran[], reasons: Record<string, string> = {}) => {
  const tally = tallyOf(runs, reasons);
  return { line: closingLine(tally), red: isRed(tally), faults: tally.faults };
};

describe("the tally of all suites", () => {
  it("sums tests and checks", () => {
    const runs = [types(0), suite(0, file({ a: "passed", b: "passed" })), suite(0, file({ c: "passed" }))];
    expect(told(runs)).toEqual({ line: "4 passed, 0 failed, 0 skipped", red: false, faults: [] });
  });

  it("is red by a failed test and by a failed check", () => {
    expect(told([types(1), suite(0, file({ a: "passed" }))])).toMatchObject({
      line: "1 passed, 1 failed, 0 skipped",
      red: true,
      faults: ["failed: types"],
    });
    const failed = suite(1, {
      ...file({ a: "passed" }),
      assertionResults: [{ fullName: "b", status: "failed", failureMessages: ["it is 1\n  at somewhere"] }],
    });
    expect(told([failed, suite(0, file({ a: "passed" }))])).toEqual({
      line: "1 passed, 1 failed, 0 skipped",
      red: true,
      faults: ["failed: unit: b: it is 1"],
    });
  });

  it("names the slowest files of each suite", () => {
    const took = (name: string, ms: number) => file({ a: "passed" }, { name, startTime: 0, endTime: ms });
    const files = [took("/x/test/unit/a.test.ts", 1_000), took("/x/test/unit/b.test.ts", 3_000)];
    expect(
      slowest(
        [
          { ...types(0), seconds: 30 },
          { ...suite(0, ...files), seconds: 3 },
        ],
        1,
      ),
    ).toEqual(["types, 30 s", "unit, 3 s: 2 files, 4 s of tests", "  3 s  unit/b.test.ts"]);
  });

  it.each(["skipped", "pending", "todo", "disabled", "queued"])("is red by a test that is %s", (status) => {
    expect(told([suite(0, file({ "the tunnel carries": status, b: "passed" }))])).toEqual({
      line: "1 passed, 0 failed, 1 skipped",
      red: true,
      faults: ["not run: unit: the tunnel carries"],
    });
  });

  it("takes a test that is not run where its reason is declared, and counts it all the same", () => {
    const runs = [suite(0, file({ a: "skipped", b: "passed" }))];
    expect(told(runs, { "unit: a": "needs a second machine" })).toEqual({
      line: "1 passed, 0 failed, 1 skipped",
      red: false,
      faults: [],
    });
    expect(told(runs, { "lab: a": "of another suite" }).red).toBe(true);
  });

  it("is red by a reason for a test that ran or is gone", () => {
    const runs = [suite(0, file({ a: "passed" }))];
    expect(told(runs, { "unit: a": "ran", "unit: z": "gone" })).toMatchObject({
      red: true,
      faults: [
        "declared as not run, but it ran or is gone: unit: a",
        "declared as not run, but it ran or is gone: unit: z",
      ],
    });
  });

  it("counts a file whose hook failed as one failure, and its tests as not run", () => {
    const message = "spawn /usr/sbin/sshd ENOENT\n  at somewhere";
    const hook = file({ a: "skipped", b: "skipped" }, { status: "failed", message });
    expect(told([suite(1, hook, file({ c: "passed" }))])).toEqual({
      line: "1 passed, 1 failed, 2 skipped",
      red: true,
      faults: [
        "unit: a.test.ts failed as a whole: spawn /usr/sbin/sshd ENOENT",
        "not run: unit: a",
        "not run: unit: b",
      ],
    });
  });

  it("counts a file that does not load as one failure", () => {
    expect(told([suite(1, file({}, { status: "failed" }), file({ c: "passed" }))])).toMatchObject({
      line: "1 passed, 1 failed, 0 skipped",
      red: true,
    });
  });

  it("counts a suite that cannot start, has no tests, or fails beside its tests as one failure", () => {
    const passed = suite(0, file({ a: "passed" }));
    for (const broken of [
      { name: "contract", exitCode: 1, report: undefined },
      suite(0),
      suite(1, file({ b: "passed" })),
    ]) {
      const { line, red } = told([passed, broken]);
      expect(line).toMatch(/^[12] passed, 1 failed, 0 skipped$/);
      expect(red).toBe(true);
    }
  });

  it("of nothing is red", () => {
    expect(told([])).toMatchObject({ line: "0 passed, 0 failed, 0 skipped", red: true });
  });
});

describe("test/tally.ts", () => {
  const program = (files: Record<string, string>, ...suites: string[]) => {
    const reports = mkdtempSync(join(tmpdir(), "tally-"));
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(reports, name), text);
      const args = ["--import", "tsx", join(__dirname, "../../tally.ts"), reports, ...suites];
      return spawnSync(process.execPath, args, { encoding: "utf8" });
    } finally {
      rmSync(reports, { recursive: true });
    }
  };
  const report = JSON.stringify({ testResults: [file({ a: "passed" })] });

  it("reads what test/run leaves, and closes with one line", () => {
    const { stdout, status } = program(
      { "types.code": "0\n", "unit.code": "0\n", "unit.json": report },
      "unit",
    );
    expect([stdout, status]).toEqual([
      "unit: 1 files, 0 s of tests\n  0 s  a.test.ts\n2 passed, 0 failed, 0 skipped\n",
      0,
    ]);
  });

  it("misses a suite that left nothing, and one that left no report", () => {
    const files = { "types.code": "2\n", "unit.code": "0\n", "unit.json": report, "lab.code": "1\n" };
    const { stdout, status } = program(files, "unit", "contract", "lab");
    expect(stdout).toBe(
      "unit: 1 files, 0 s of tests\n  0 s  a.test.ts\nfailed: types\nthe suite contract ended with 127 before it ran a test\n" +
        "the suite lab ended with 1 before it ran a test\n1 passed, 3 failed, 0 skipped\n",
    );
    expect(status).toBe(1);
  });
});
