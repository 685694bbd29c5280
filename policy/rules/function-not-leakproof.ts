import { MIGRATIONS } from "../kinds";
import { statementsOf } from "../migration-text";
import { object } from "../plain";
import { resourceRule } from "../rule";

export const functionNotLeakproof = resourceRule({
  name: "function-not-leakproof",
  description: "No migration makes a function LEAKPROOF, which is given rows that policies hide.",
  severity: "high",
  remediationSteps: "Leave LEAKPROOF out; an index that a policy needs is made without it.",
  types: [MIGRATIONS],
  *faults({ props }) {
    for (const [id, files] of Object.entries(object(props.migrations))) {
      const { up } = object(files);
      if (typeof up !== "string") continue;
      for (const statement of statementsOf(up)) {
        if (!/(?<!\bNOT\s+)\bLEAKPROOF\b/i.test(statement)) continue;
        const [, name = "a function"] = /\b(?:FUNCTION|PROCEDURE)\s+([\w."]+)/i.exec(statement) ?? [];
        yield `${id}: ${name} is LEAKPROOF. Leave it out`;
      }
    }
  },
});
