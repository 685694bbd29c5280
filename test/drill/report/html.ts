import { type DrillReport, duration, type Finding, PROMISES, verdictOf } from "./model";
import { inOrder } from "./text";

/** One file that needs nothing else and prints well. */
export function renderHtml(report: DrillReport): string {
  const verdict = verdictOf(report);
  const { stages, databases, findings, notes } = report;
  const recovery = stages.filter((stage) => stage.recovery).reduce((sum, { seconds }) => sum + seconds, 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Disaster drill, ${escaped(report.began.slice(0, 10))}: ${WORDS[verdict]}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Disaster drill of stack ${escaped(report.stack)}</h1>
<p><span class="${verdict}">${WORDS[verdict]}</span> ${escaped(report.began)} to ${escaped(report.ended)}; ${duration(recovery)} from the disaster to the last proof of service.</p>
<h2>Stages</h2>
${table(
  ["stage", "time", "between disaster and service"],
  stages.map(({ name, seconds, recovery }) => [name, number(duration(seconds)), recovery ? "yes" : ""]),
)}
<h2>Databases</h2>
<p>Promised: back in less than ${PROMISES.rtoSeconds / 3600} h (RTO), with less than ${PROMISES.rpoSeconds / 3600} h of writes lost (RPO).</p>
${table(
  ["database", "server", "rows", "own restore", "RTO", "RPO"],
  databases.map(({ database, server, rows, restoreSeconds, rtoSeconds, rpoSeconds }) => [
    escaped(database),
    escaped(server),
    number(String(rows)),
    ...[restoreSeconds, rtoSeconds, rpoSeconds].map((seconds) =>
      number(seconds === undefined ? "-" : duration(seconds)),
    ),
  ]),
)}
<h2>What was proven</h2>
${table(["of", "what", "result", "seen"], inOrder(findings).map(findingRow))}
${notes.map((note) => `<p>${escaped(note)}</p>`).join("\n")}
</body>
</html>
`;
}

const WORDS = { passed: "passed", failed: "failed", unknown: "not proven" } as const;

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd }
th { font-weight: 600 } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; display: block }
pre { margin: 0; white-space: pre-wrap; font: inherit }
.passed { color: #0a6b2d } .failed { color: #b00020; font-weight: 600 } .unknown { color: #8a5a00; font-weight: 600 }
@media print { body { margin: 0; max-width: none; font-size: 11px } tr { break-inside: avoid } h2 { break-after: avoid } }
`;

function findingRow({ area, what, verdict, seen }: Finding): string[] {
  return [
    escaped(area),
    escaped(what),
    `<span class="${verdict}">${WORDS[verdict]}</span>`,
    `<pre>${escaped(seen)}</pre>`,
  ];
}

function table(heads: readonly string[], rows: readonly string[][]): string {
  const head = heads.map((text) => `<th>${text}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("\n");
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}

const number = (text: string) => `<span class="number">${escaped(text)}</span>`;

export function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
