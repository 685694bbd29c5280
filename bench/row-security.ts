import Table from "cli-table3";
import { ROWS, startSecuredDatabase, TENANTS } from "./row-security/database";
import { type Comparison, measureRowSecurity, type RowSecurityTimes } from "./row-security/measure";
import { KINDS, type Kind } from "./row-security/operations";

/** The most that row security may cost the server: the same statement that names its tenant itself, times this. */
export const BUDGET = 1.1;

/** Milliseconds that the assessment of mcp_portal estimated: without row security, as it was then, as it could be. */
const ESTIMATES: Partial<Record<Kind, readonly [without: number, then: number, possible: number]>> = {
  SELECT: [5, 15, 8],
  JOIN: [20, 80, 35],
  aggregate: [50, 250, 100],
};

/** On a throw-away PostgreSQL 17 with a million rows; takes some minutes, most of them to make the rows. */
export async function rowSecurityBench(): Promise<RowSecurityTimes> {
  const database = await startSecuredDatabase();
  try {
    return await measureRowSecurity(database);
  } finally {
    await database.stop();
  }
}

const PLAIN = { style: { head: [], border: [] } };

export function renderRowSecurity(times: RowSecurityTimes): string {
  const { comparisons, version, contextUs, requestMs } = times;
  const over = comparisons.filter(({ serverRatio }) => serverRatio > BUDGET);
  return [
    `Row security on ${(ROWS / 1e6).toFixed(0)} million rows of ${TENANTS} tenants, PostgreSQL ${version.split(" ")[0]}`,
    renderComparisons(comparisons),
    renderEstimates(comparisons),
    `A look at the signed context: ${contextUs.toFixed(1)} us and what beginning it costs, once for each InitPlan, however many rows. ` +
      `Taking the identity, once a request: ${requestMs.toFixed(2)} ms.`,
    over.length === 0
      ? `Every operation is within ${BUDGET}.`
      : `Over ${BUDGET}: ${over.map(({ kind, size, serverRatio }) => `${kind} (${size}) ${serverRatio.toFixed(2)}`).join(", ")}.`,
  ].join("\n");
}

function renderComparisons(comparisons: readonly Comparison[]): string {
  const head = [
    "operation",
    "size",
    "rows",
    "without ms",
    "with ms",
    "more us",
    "client's ratio",
    "server's",
    "budget",
    "InitPlans",
    "index",
  ];
  const table = new Table({ head, ...PLAIN });
  for (const { kind, size, rows, plainMs, guardedMs, ratio, serverRatio, plan } of comparisons) {
    table.push([
      kind,
      size,
      rows,
      plainMs.toFixed(2),
      guardedMs.toFixed(2),
      ((guardedMs - plainMs) * 1000).toFixed(0),
      ratio.toFixed(2),
      serverRatio.toFixed(2),
      `<= ${BUDGET}`,
      plan.initPlans,
      plan.indexes.join(", "),
    ]);
  }
  return table.toString();
}

function renderEstimates(comparisons: readonly Comparison[]): string {
  const head = [
    "estimated, ms",
    "without",
    "with, then",
    "with, at best",
    "measured without",
    "measured with",
  ];
  const table = new Table({ head, ...PLAIN });
  for (const kind of KINDS) {
    const estimate = ESTIMATES[kind];
    const measured = comparisons.find((each) => each.kind === kind && each.size === "page");
    if (!estimate || !measured) continue;
    table.push([kind, ...estimate, measured.plainMs.toFixed(1), measured.guardedMs.toFixed(1)]);
  }
  return table.toString();
}
