import { describe, expect, it } from "vitest";
import { renderHtml } from "../../drill/report/html";
import {
  type DatabaseResult,
  type DrillReport,
  EXIT_CODES,
  type Finding,
  promiseFindings,
  type Verdict,
  verdictOf,
} from "../../drill/report/model";
import { renderText } from "../../drill/report/text";

const finding = (verdict: Verdict, more: Partial<Finding> = {}): Finding => ({
  area: "data",
  what: "every table has its rows",
  verdict,
  seen: "3 tables",
  ...more,
});
const database = (more: Partial<DatabaseResult> = {}): DatabaseResult => ({
  database: "mo_crm",
  server: "mariadb",
  rows: 3000,
  restoreSeconds: 4.2,
  rtoSeconds: 150,
  rpoSeconds: 30,
  ...more,
});
const report = (...findings: Finding[]): DrillReport => ({
  stack: "local",
  began: "2026-01-31T12:00:00Z",
  ended: "2026-01-31T12:05:00Z",
  stages: [{ name: "restore", seconds: 61, recovery: true }],
  databases: [database()],
  findings,
  notes: ["a note"],
});
const code = (...verdicts: Verdict[]) =>
  EXIT_CODES[verdictOf({ findings: verdicts.map((each) => finding(each)) })];

describe("the verdict of a drill", () => {
  it("is passed where everything is: 0", () => expect(code("passed", "passed")).toBe(0));
  it("is failed where one thing is, whatever else is not known: 1", () =>
    expect(code("unknown", "failed", "passed")).toBe(1));
  it("is not proven where one thing could not be found out: 2", () =>
    expect(code("passed", "unknown")).toBe(2));
  it("is not proven where nothing was looked at: 2", () => expect(code()).toBe(2));
});

describe("the promises", () => {
  it("hold for the slowest database, and tell its time", () => {
    const [rto, rpo] = promiseFindings([database(), database({ rtoSeconds: 200, rpoSeconds: 90 })]);
    expect(rto).toMatchObject({ verdict: "passed", seen: "at most 3 min 20 s (promised: less than 4 h)" });
    expect(rpo).toMatchObject({ verdict: "passed", seen: "at most 90 s (promised: less than 24 h)" });
  });

  it("are broken by one database that takes as long as was promised", () => {
    const [rto, rpo] = promiseFindings([database(), database({ rtoSeconds: 4 * 3600, rpoSeconds: 86_400 })]);
    expect([rto?.verdict, rpo?.verdict]).toEqual(["failed", "failed"]);
  });

  it("are not proven by a database that was not measured, nor by none", () => {
    expect(promiseFindings([database({ rtoSeconds: undefined })])[0]).toMatchObject({
      verdict: "unknown",
      seen: "not measured: mo_crm",
    });
    expect(promiseFindings([]).map(({ verdict }) => verdict)).toEqual(["unknown", "unknown"]);
  });
});

describe("the report in a terminal", () => {
  it("has stages, databases, findings, notes, and ends with the verdict", () => {
    const failed = finding("failed", { what: "canary", seen: "mo_crm: other bytes\nmo_n8n: other bytes" });
    expect(renderText(report(finding("passed"), failed), { colour: false })).toBe(`stage    time
restore  61 s  recovery

database  server   rows  restore   RTO < 4 h  RPO < 24 h
mo_crm    mariadb  3000    4.2 s  2 min 30 s        30 s

of    what                      result  seen
data  every table has its rows  passed  3 tables
data  canary                    FAILED  mo_crm: other bytes

canary:
  mo_crm: other bytes
  mo_n8n: other bytes

a note

drill of stack local: FAILED (exit code 1)
`);
  });
});

describe("the report as a page", () => {
  const page = renderHtml(report(finding("unknown", { seen: `<script>alert("x")</script> & more` })));

  it("needs nothing else: no script, no address of another file", () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(/);
  });

  it("shows what was seen as text, and the verdict", () => {
    expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more");
    expect(page).toContain("<title>Disaster drill, 2026-01-31: not proven</title>");
  });

  it("sets measured times beside what was promised, and can be printed", () => {
    expect(page).toContain("back in less than 4 h (RTO), with less than 24 h of writes lost (RPO)");
    expect(page).toContain("2 min 30 s");
    expect(page).toContain("@media print");
  });
});
