import { describe, expect, it } from "vitest";
import { BUDGET, renderRowSecurity } from "../../../bench/row-security";
import type { Comparison } from "../../../bench/row-security/measure";
import { operations } from "../../../bench/row-security/operations";
import { judge } from "../../../bench/row-security/plan";

const INIT_PLAN = {
  "Node Type": "Result",
  "Parent Relationship": "InitPlan",
  Output: ["context.tenant()"],
};
const scan = (details: object) => ({
  "Node Type": "Index Scan",
  "Relation Name": "tasks",
  "Index Name": "tasks_project_id_idx",
  "Index Cond": "(t.organization_id = (InitPlan 1).col1)",
  ...details,
});
const plan = (...plans: object[]) =>
  ({ "Node Type": "Aggregate", Plans: plans }) as Parameters<typeof judge>[0];

describe("a plan under row security", () => {
  it("computes the context once and reads the big table by an index", () => {
    expect(judge(plan(INIT_PLAN, scan({})), "SELECT")).toEqual({
      initPlans: 1,
      indexes: ["tasks_project_id_idx"],
    });
    expect(judge(plan(INIT_PLAN), "INSERT INTO public.tasks")).toEqual({ initPlans: 1, indexes: [] });
  });

  it.each([
    ["no InitPlan", plan(scan({})), /^no InitPlan/],
    [
      "a call for every row beside an InitPlan",
      plan(INIT_PLAN, scan({ Filter: "(t.assignee_id = context.subject())" })),
      /^Index Scan computes the context for every row/,
    ],
    [
      "the table as a whole",
      plan(INIT_PLAN, { "Node Type": "Seq Scan", "Relation Name": "tasks" }),
      /^tasks is read as a whole/,
    ],
    ["no index", plan(INIT_PLAN, { "Node Type": "Values Scan" }), /^tasks is read by no index/],
  ])("with %s ends the measurement", (_what, root, message) => {
    expect(() => judge(root, "SELECT")).toThrow(message);
  });
});

describe("the comparison", () => {
  it("is between the same statements, and the one without row security names its tenant", () => {
    for (const { kind, guarded, plain } of operations("00000000-0000-4000-8000-000000000001")) {
      const named = plain.replace(/[tp]\.organization_id = '[0-9a-f-]{36}' AND /g, "");
      expect(named).toBe(guarded);
      if (kind !== "INSERT") expect(plain).not.toBe(guarded);
    }
  });

  it("says which operations are over the budget, and prints the estimates beside what was measured", () => {
    const comparison = (ratio: number, changes: Partial<Comparison> = {}): Comparison => ({
      kind: "SELECT",
      size: "page",
      rows: 2,
      plainMs: 10,
      guardedMs: 10 * ratio,
      ratio: 9,
      serverRatio: ratio,
      plan: { initPlans: 1, indexes: ["i"] },
      ...changes,
    });
    const shown = (...comparisons: Comparison[]) =>
      renderRowSecurity({ version: "17.5 (Debian)", comparisons, contextUs: 15, requestMs: 0.06 });
    expect(shown(comparison(BUDGET))).toMatch(/Every operation is within 1\.1\.$/);
    const over = shown(comparison(1.2), comparison(1.5, { kind: "UPDATE", size: "row" }));
    expect(over).toMatch(/Over 1\.1: SELECT \(page\) 1\.20, UPDATE \(row\) 1\.50\.$/);
    expect(over).toMatch(/SELECT\s+│ 5\s+│ 15\s+│ 8\s+│ 10\.0\s+│ 12\.0/);
  });
});
