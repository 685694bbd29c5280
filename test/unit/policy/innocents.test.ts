import { describe, expect, it } from "vitest";
import { rules } from "../../../policy/rules";
import { innocents } from "../../support/innocents";
import { judge } from "../../support/pack";

// Of the stack as a whole much is missing here.
const resourceRules = rules.filter((rule) => "validateResource" in rule);

describe("what is added in good faith", () => {
  it.each(innocents)("passes: $is", ({ members, config }) => {
    expect(judge(members, { rules: resourceRules, ...(config && { config }) })).toEqual([]);
    const exposed = judge(members).filter(({ rule }) => rule === "secret-not-exposed");
    expect(exposed).toEqual([]);
  });
});
