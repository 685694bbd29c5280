import { EXIT, type ExitCode } from "../../../ops/exit";
/** `unknown`: it could not be found out, which is never a pass. */
export type Verdict = "passed" | "failed" | "unknown";

/** One thing that a restored estate must be able to show. */
export interface Finding {
  area: Area;
  what: string;
  verdict: Verdict;
  /** What was seen; of a failure every line of it. */
  seen: string;
}

export const AREAS = [
  "backup",
  "rebuilt hosts",
  "restore",
  "point in time",
  "data",
  "security",
  "refusals",
  "runbooks",
  "afterwards",
] as const;
export type Area = (typeof AREAS)[number];

export interface Stage {
  name: string;
  seconds: number;
  /** It stands between the disaster and the services' return. */
  recovery: boolean;
}

export interface DatabaseResult {
  database: string;
  server: string;
  rows: number;
  /** Of its own restore. */
  restoreSeconds: number | undefined;
  /** From the disaster until it was restored. */
  rtoSeconds: number | undefined;
  /** What was written in the last so many seconds before the disaster is lost. */
  rpoSeconds: number | undefined;
}

export interface DrillReport {
  stack: string;
  began: string;
  ended: string;
  stages: Stage[];
  databases: DatabaseResult[];
  findings: Finding[];
  notes: string[];
}

/** What was promised: seconds. */
export const PROMISES = { rtoSeconds: 4 * 3600, rpoSeconds: 24 * 3600 } as const;

/** The whole of it: failed wins, and what nobody could find out is never a pass. Nothing found is nothing known. */
export function verdictOf({ findings }: Pick<DrillReport, "findings">): Verdict {
  if (findings.some(({ verdict }) => verdict === "failed")) return "failed";
  if (findings.length === 0 || findings.some(({ verdict }) => verdict === "unknown")) return "unknown";
  return "passed";
}

export const EXIT_CODES: Readonly<Record<Verdict, ExitCode>> = {
  passed: EXIT.done,
  failed: EXIT.failed,
  unknown: EXIT.unknown,
};

/** Whether the promises were kept: the worst database counts. */
export function promiseFindings(databases: readonly DatabaseResult[]): Finding[] {
  const judged = (what: string, key: "rtoSeconds" | "rpoSeconds"): Finding => {
    const missing = databases.filter((each) => each[key] === undefined).map(({ database }) => database);
    const worst = Math.max(...databases.map((each) => each[key] ?? 0));
    const promised = `promised: less than ${PROMISES[key] / 3600} h`;
    const finding = (verdict: Verdict, seen: string): Finding => ({ area: "restore", what, verdict, seen });
    if (databases.length === 0) return finding("unknown", "no database was measured");
    if (missing.length > 0) return finding("unknown", `not measured: ${missing.join(", ")}`);
    return finding(worst < PROMISES[key] ? "passed" : "failed", `at most ${duration(worst)} (${promised})`);
  };
  return [
    judged("time until every database is back", "rtoSeconds"),
    judged("time of writes that are lost", "rpoSeconds"),
  ];
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
