import type { Finding } from "../lint/lint";
import type { Linted } from "../lint/run";
import { renderJson } from "./json";
import { printableLine } from "./printable";
import { type Column, painter, renderTable } from "./table";

export interface LintReport {
  stack: string;
  results: readonly Linted[];
}

/** The table of databases, then every finding with how to mend it, the gravest first. */
export function renderLint({ results }: LintReport, { colour }: { colour: boolean }): string {
  const { good, bad } = painter(colour);
  const columns: Column<Linted>[] = [
    { head: "name", cell: ({ name }) => name },
    { head: "looked at", cell: ({ scope }) => scope },
    {
      head: "result",
      cell: ({ findings, error }) =>
        error !== undefined ? bad("UNKNOWN") : findings.length > 0 ? bad(counted(findings)) : good("clean"),
    },
  ];
  const errors = results.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${name}: ${printableLine(error)}`],
  );
  const texts = bySeverity(results.flatMap(({ findings }) => findings)).map(
    ({ severity, rule, at, fault, mend }) =>
      `${severity} ${rule}: ${printableLine(at)}\n  ${printableLine(fault)}\n  mend: ${printableLine(mend)}`,
  );
  const below = [...errors, ...texts].map((text) => `${text}\n`).join("\n");
  return `${renderTable(columns, results)}${below === "" ? "" : `\n${below}`}`;
}

function counted(findings: readonly Finding[]): string {
  return findings.length === 1 ? "1 finding" : `${findings.length} findings`;
}

const ORDER = ["critical", "high", "medium"];

function bySeverity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
}

export function renderLintJson({ stack, results }: LintReport): string {
  return renderJson({
    stack,
    ok: results.every(({ findings, error }) => findings.length === 0 && error === undefined),
    results,
  });
}
