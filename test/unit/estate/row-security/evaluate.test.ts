import { describe, expect, it } from "vitest";
import { type Attempt, expected } from "../../../../estate/row-security/evaluate";
import { library } from "../../../support/row-security";

/** The matrix believes this oracle: what it says of each form of rule, by hand. */
const mine = { branch_id: "n", reader_id: "a", state: "wanted", returned: false };
const context = { tenant: "n", subject: "a" };

describe("what a declaration promises", () => {
  it.each<[what: string, Omit<Attempt, "table">, outcome: string]>([
    ["one's own row", { identity: "reader", command: "select", context, row: mine }, "allowed"],
    [
      "in capitals",
      { identity: "reader", command: "select", context, row: { ...mine, branch_id: "N" } },
      "allowed",
    ],
    [
      "another's of the tenant",
      { identity: "reader", command: "select", context, row: { ...mine, reader_id: "b" } },
      "hidden",
    ],
    [
      "of another tenant",
      { identity: "reader", command: "select", context, row: { ...mine, branch_id: "s" } },
      "hidden",
    ],
    [
      "of no tenant",
      { identity: "reader", command: "select", context, row: { ...mine, branch_id: null } },
      "hidden",
    ],
    ["without a context", { identity: "reader", command: "select", context: undefined, row: mine }, "hidden"],
    [
      "without a subject",
      { identity: "reader", command: "select", context: { tenant: "n" }, row: mine },
      "hidden",
    ],
    ["all, in a context", { identity: "service", command: "select", context: {}, row: mine }, "allowed"],
    ["all, without", { identity: "service", command: "select", context: undefined, row: mine }, "hidden"],
    ["a new row of one's own", { identity: "reader", command: "insert", context, row: mine }, "allowed"],
    [
      "of another tenant",
      { identity: "reader", command: "insert", context, row: { ...mine, branch_id: "s" } },
      "violates",
    ],
    [
      "in another state",
      { identity: "reader", command: "insert", context, row: { ...mine, state: "lent" } },
      "violates",
    ],
    [
      "with a column that is not granted",
      { identity: "reader", command: "insert", context, row: mine, columns: ["returned"] },
      "denied",
    ],
    ["a command without a rule", { identity: "reader", command: "delete", context, row: mine }, "denied"],
    [
      "a row moved on",
      { identity: "librarian", command: "update", context, row: mine, becomes: { ...mine, state: "lent" } },
      "allowed",
    ],
    [
      "a row that has moved on",
      { identity: "librarian", command: "update", context, row: { ...mine, state: "lent" } },
      "hidden",
    ],
    [
      "moved to another tenant",
      { identity: "librarian", command: "update", context, row: mine, becomes: { ...mine, branch_id: "s" } },
      "violates",
    ],
    ["deleted by its librarian", { identity: "librarian", command: "delete", context, row: mine }, "allowed"],
    [
      "deleted before it is returned",
      { identity: "service", command: "delete", context: {}, row: mine },
      "hidden",
    ],
    ["by nobody who is declared", { identity: "stranger", command: "select", context, row: mine }, "denied"],
  ])("%s", (_what, attempt, outcome) => {
    expect(expected(library, { table: "loans", ...attempt })).toBe(outcome);
  });

  it.each([
    ["the owner's functions, without a context", "log", "owner", "insert", undefined, {}, "allowed"],
    ["one of two alternatives", "notices", "reader", "select", context, { branch_id: null }, "allowed"],
    ["neither of them", "notices", "reader", "select", context, { branch_id: "s" }, "hidden"],
    [
      "no context for an alternative that asks for none",
      "notices",
      "reader",
      "select",
      undefined,
      { branch_id: null },
      "hidden",
    ],
    ["a table without row security", "languages", "reader", "select", undefined, {}, "allowed"],
    ["and a command on it that is not given", "languages", "reader", "insert", context, {}, "denied"],
  ] as const)("%s", (_what, table, identity, command, claims, row, outcome) => {
    expect(expected(library, { table, identity, command, context: claims, row })).toBe(outcome);
  });
});
