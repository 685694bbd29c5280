import { describe, expect, it } from "vitest";
import {
  type Expected,
  judge,
  type Observed,
  type Outcome,
  type Probe,
  violation,
} from "../../../../ops/privileges/probe";

const probe = (expected: Expected): Probe => ({
  title: "create a role",
  expected,
  refusedBy: ["42501"],
  letPastBy: ["3D000"],
});
const error = (code: string | undefined) => ({ error: { code, message: "permission\ndenied" } });

describe("judge", () => {
  it.each<[string, Expected, Observed, Outcome, boolean]>([
    ["no error", "allowed", {}, "allowed", true],
    ["no error", "refused", {}, "allowed", false],
    ["a refusal", "refused", error("42501"), "refused", true],
    ["a refusal", "allowed", error("42501"), "refused", false],
    ["an error that only comes after the check of rights", "refused", error("3D000"), "allowed", false],
    ["an error that only comes after the check of rights", "allowed", error("3D000"), "allowed", true],
    ["any other error", "refused", error("57P01"), "unclear", false],
    ["any other error", "allowed", error("57P01"), "unclear", false],
    ["a lost connection", "refused", error(undefined), "unclear", false],
    ["a lost connection", "allowed", error(undefined), "unclear", false],
    ["no finding", "refused", { findings: [] }, "refused", true],
    ["a finding", "refused", { findings: ["mo_idp"] }, "allowed", false],
  ])("%s where it must be %s", (_what, expected, observed, outcome, ok) => {
    expect(judge(probe(expected), observed)).toMatchObject({ outcome, ok });
  });

  it("keeps the server's own code and its words on one line", () => {
    expect(judge(probe("refused"), error("42501"))).toEqual({
      title: "create a role",
      expected: "refused",
      outcome: "refused",
      ok: true,
      code: "42501",
      detail: "permission; denied",
    });
  });
});

describe("violation", () => {
  it.each<[Expected, Observed, string | undefined]>([
    ["refused", error("42501"), undefined],
    ["refused", {}, "may create a role, but must not"],
    ["refused", error("3D000"), "may create a role, but must not"],
    ["refused", { findings: ["mo_idp", "ncy8"] }, "may create a role, but must not: mo_idp, ncy8"],
    ["allowed", error("42501"), "may not create a role, but must: 42501 permission; denied"],
    ["refused", error("57P01"), "could not tell whether it may create a role: 57P01 permission; denied"],
  ])("%s, %o", (expected, observed, words) => {
    expect(violation(judge(probe(expected), observed))).toBe(words);
  });
});
