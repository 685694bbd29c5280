/** What is tried as a service, and what its outcome says. Pure; the engines' lists are data in *-probes.ts. */

export type Expected = "allowed" | "refused";

export interface Probe {
  /** What is tried, completing "may" and "may not": `create a role`. */
  title: string;
  expected: Expected;
  /** The server's own codes for "you may not": SQLSTATE, MariaDB error number, first word of a Redis error. */
  refusedBy: readonly string[];
  /**
   * Codes that only those meet who were let past the check of rights: the attempt is written so that it then fails on
   * something that does not exist, and so leaves no trace even where it should have been refused.
   */
  letPastBy?: readonly string[];
}

/** A probe in SQL. The last statement decides, those before it must work. */
export interface SqlProbe extends Probe {
  statements: readonly string[];
  /**
   * The last statement is a question whose rows (column `finding`) are each something that the service has and must
   * not have; no rows: refused.
   */
  findings?: true;
  /** Run whatever happened, their errors ignored: takes a scratch object away. */
  cleanup?: readonly string[];
}

/** What happened: no error, or the server's. */
export interface Observed {
  error?: { code: string | undefined; message: string };
  /** Answers to a question for findings. */
  findings?: readonly string[];
}

export type Outcome = "allowed" | "refused" | "unclear";

/** One probe's outcome. Holds no secret. */
export interface ProbeResult {
  title: string;
  expected: Expected;
  outcome: Outcome;
  /** As expected. */
  ok: boolean;
  /** The server's own error code. */
  code?: string;
  /** What was found, or the server's words. */
  detail?: string;
}

export function judge(probe: Probe, { error, findings }: Observed): ProbeResult {
  const outcome = outcomeOf(probe, error, findings);
  const { title, expected } = probe;
  const result: ProbeResult = { title, expected, outcome, ok: outcome === expected };
  if (error?.code !== undefined) result.code = error.code;
  const detail = error?.message ?? findings?.join(", ");
  if (detail) result.detail = detail.replaceAll("\n", "; ");
  return result;
}

function outcomeOf(probe: Probe, error: Observed["error"], findings: Observed["findings"]): Outcome {
  if (!error) return findings?.length === 0 ? "refused" : "allowed";
  if (error.code !== undefined && probe.refusedBy.includes(error.code)) return "refused";
  if (error.code !== undefined && probe.letPastBy?.includes(error.code)) return "allowed";
  return "unclear";
}

/** `may create a role (must not)`: one violation in words, undefined where there is none. */
export function violation({ title, outcome, ok, code, detail }: ProbeResult): string | undefined {
  if (ok) return undefined;
  const words = [code, detail].filter(Boolean).join(" ");
  if (outcome === "unclear") return `could not tell whether it may ${title}: ${words || "no answer"}`;
  if (outcome === "refused") return `may not ${title}, but must: ${words}`;
  // An error here only shows how far the attempt came.
  return `may ${title}, but must not${detail && code === undefined ? `: ${detail}` : ""}`;
}
