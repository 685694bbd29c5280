/** What the JSON reporter of vitest writes, as far as it is counted. */
export interface Report {
  testResults: readonly {
    /** Path of the file. */
    name: string;
    status: string;
    /** Why the file as a whole failed; empty where only tests of it did. */
    message?: string;
    /** Milliseconds since 1970. */
    startTime?: number;
    endTime?: number;
    assertionResults: readonly { fullName: string; status: string; failureMessages?: readonly string[] }[];
  }[];
}

/** One suite, or one check without tests of its own (types, lint). */
export interface Ran {
  name: string;
  exitCode: number;
  /** From its start to its end. */
  seconds?: number | undefined;
  /** "none": a check, which counts as one test. undefined: a suite that wrote no report, so it did not get to its tests. */
  report: Report | "none" | undefined;
}

export interface Tally {
  passed: number;
  failed: number;
  /** Not run, for whatever reason. */
  skipped: number;
  /** Everything that speaks against success, a line each. */
  faults: string[];
}

/**
 * Sums what ran. A test that did not run is neither passed nor forgotten: it needs a reason in `reasons`, by
 * `<suite>: <full name>`; a reason for a test that ran is a fault too.
 */
export function tallyOf(runs: readonly Ran[], reasons: Readonly<Record<string, string>>): Tally {
  const counts = runs.map(countsOf);
  const sum = (of: (counts: Counts) => number) => counts.reduce((total, each) => total + of(each), 0);
  const skipped = counts.flatMap((each) => each.skipped);
  const faults = [
    ...counts.flatMap((each) => [...each.failures, ...each.broken]),
    ...skipped.filter((name) => !(name in reasons)).map((name) => `not run: ${name}`),
    ...Object.keys(reasons)
      .filter((name) => !skipped.includes(name))
      .map((name) => `declared as not run, but it ran or is gone: ${name}`),
  ];
  return {
    passed: sum((each) => each.passed),
    failed: sum((each) => each.failures.length + each.broken.length),
    skipped: skipped.length,
    faults,
  };
}

export function isRed({ passed, failed, faults }: Tally): boolean {
  return passed === 0 || failed > 0 || faults.length > 0;
}

/** The closing line: `N passed, N failed, N skipped`. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

interface Counts {
  passed: number;
  /** Tests, and checks, each counted as one. */
  failures: string[];
  skipped: string[];
  /** What failed beside tests, each counted as one. */
  broken: string[];
}

function countsOf({ name, exitCode, report }: Ran): Counts {
  const none: Counts = { passed: 0, failures: [], skipped: [], broken: [] };
  if (report === "none")
    return exitCode === 0 ? { ...none, passed: 1 } : { ...none, failures: [`failed: ${name}`] };
  if (!report) return { ...none, broken: [`the suite ${name} ended with ${exitCode} before it ran a test`] };
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const counts: Counts = {
    passed: tests.filter(({ status }) => status === "passed").length,
    failures: tests
      .filter(({ status }) => status === "failed")
      .map((test) => `failed: ${name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`),
    // Skipped, pending, to do, or a word that a later vitest has: what has no outcome did not run.
    skipped: tests
      .filter(({ status }) => status !== "passed" && status !== "failed")
      .map(({ fullName }) => `${name}: ${fullName}`),
    // A file that does not load, or whose hook fails, fails without a failed test.
    broken: report.testResults
      .filter((file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"))
      .map((file) => `${name}: ${file.name} failed as a whole: ${firstLine(file.message)}`),
  };
  if (tests.length === 0 && counts.broken.length === 0) counts.broken.push(`the suite ${name} has no tests`);
  const told = counts.failures.length + counts.broken.length > 0;
  if (exitCode !== 0 && !told)
    counts.broken.push(`the suite ${name} ended with ${exitCode}, beside its tests`);
  return counts;
}

/** How long each suite took, how long its tests beside each other, and its slowest files, a line each. */
export function slowest(runs: readonly Ran[], most = 8): string[] {
  return runs.flatMap(({ name, report, seconds: elapsed }) => {
    const took = elapsed === undefined ? "" : `, ${elapsed} s`;
    if (!report || report === "none") return took ? [`${name}${took}`] : [];
    const files = report.testResults
      .map((file) => ({ file: file.name, ms: (file.endTime ?? 0) - (file.startTime ?? 0) }))
      .sort((one, other) => other.ms - one.ms);
    const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
    const total = files.reduce((sum, { ms }) => sum + ms, 0);
    return [
      `${name}${took}: ${files.length} files, ${seconds(total)} of tests`,
      ...files.slice(0, most).map(({ file, ms }) => `  ${seconds(ms)}  ${file.split("/test/").at(-1)}`),
    ];
  });
}

function firstLine(message = ""): string {
  return message.split("\n")[0]?.trim() || "see above";
}
