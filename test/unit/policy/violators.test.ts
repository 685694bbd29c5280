import { describe, expect, it } from "vitest";
import { rules } from "../../../policy/rules";
import { judge } from "../../support/pack";
import type { Member } from "../../support/policy";
import { violators } from "../../support/violators";
import * as right from "../../support/violators/right";

const members = [...Object.values(right), ...Object.values(right.settings)].flatMap((one) =>
  isRight(one) && one.type !== "pulumi:pulumi:Stack" ? [{ ...one, name: "right" }] : [],
);

function isRight(one: unknown): one is Omit<Member, "name"> {
  return typeof one === "object" && one !== null && "type" in one && "props" in one;
}

describe("the violators", () => {
  it.each(violators)("$rule: $is", ({ rule, members: declared, config }) => {
    const said = judge(declared, { ...(config && { config }) });
    const messages = said.filter((one) => one.rule === rule).map(({ message }) => message);
    expect(messages).not.toEqual([]);
    expect(messages.join("\n")).not.toMatch(/never-write-a|canary-password/);
    // Lines of the program's own configurations move.
    expect(messages.map((message) => message.replace(/\bline \d+/g, "line N"))).toMatchSnapshot();
  });

  it("are told by every rule, and are many", () => {
    const told = new Set(violators.map(({ rule }) => rule));
    const silent = rules.filter(
      ({ name, enforcementLevel }) => enforcementLevel !== "advisory" && !told.has(name),
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
    expect(violators.length).toBeGreaterThan(600);
  });

  it.each(members)("are made from what is right: $type", (member) => {
    // Of the stack as a whole much is missing here.
    const resourceRules = rules.filter((rule) => "validateResource" in rule);
    expect(judge([member], { rules: resourceRules })).toEqual([]);
  });
});
