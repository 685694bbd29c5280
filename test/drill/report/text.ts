import { painter, renderTable } from "../../../ops/render/table";
import { AREAS, type DrillReport, duration, EXIT_CODES, type Finding, PROMISES, verdictOf } from "./model";

export function renderText(report: DrillReport, { colour }: { colour: boolean }): string {
  const { good, bad } = painter(colour);
  const word = ({ verdict }: Pick<Finding, "verdict">) =>
    verdict === "passed" ? good("passed") : bad(verdict === "failed" ? "FAILED" : "NOT PROVEN");
  const stages = renderTable(
    [
      { head: "stage", cell: ({ name }) => name },
      { head: "time", cell: ({ seconds }) => duration(seconds), align: "right" },
      { head: "", cell: ({ recovery }) => (recovery ? "recovery" : "") },
    ],
    report.stages,
  );
  const promised = (key: keyof typeof PROMISES) => `< ${PROMISES[key] / 3600} h`;
  const time = (seconds: number | undefined) => (seconds === undefined ? "-" : duration(seconds));
  const databases = renderTable(
    [
      { head: "database", cell: ({ database }) => database },
      { head: "server", cell: ({ server }) => server },
      { head: "rows", cell: ({ rows }) => String(rows), align: "right" },
      { head: "restore", cell: ({ restoreSeconds }) => time(restoreSeconds), align: "right" },
      { head: `RTO ${promised("rtoSeconds")}`, cell: ({ rtoSeconds }) => time(rtoSeconds), align: "right" },
      { head: `RPO ${promised("rpoSeconds")}`, cell: ({ rpoSeconds }) => time(rpoSeconds), align: "right" },
    ],
    report.databases,
  );
  const findings = renderTable(
    [
      { head: "of", cell: ({ area }) => area },
      { head: "what", cell: ({ what }) => what },
      { head: "result", cell: word },
      { head: "seen", cell: ({ seen }) => firstLine(seen) },
    ],
    inOrder(report.findings),
  );
  const open = report.findings.filter(({ verdict, seen }) => verdict !== "passed" && seen.includes("\n"));
  const details = open.map(({ what, seen }) => `${what}:\n${seen.replace(/^/gm, "  ")}\n`).join("\n");
  const notes = report.notes.map((note) => `${note}\n`).join("");
  const verdict = verdictOf(report);
  const last = `drill of stack ${report.stack}: ${word({ verdict })} (exit code ${EXIT_CODES[verdict]})\n`;
  return [stages, databases, findings, details, notes, last].filter((part) => part !== "").join("\n");
}

export function inOrder(findings: readonly Finding[]): Finding[] {
  return AREAS.flatMap((area) => findings.filter((finding) => finding.area === area));
}

const firstLine = (text: string) => text.split("\n")[0]?.slice(0, 150) ?? "";
