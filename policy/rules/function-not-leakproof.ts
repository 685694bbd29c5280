import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";

export const functionNotLeakproof = resourceRule({
  name: "function-not-leakproof",
  description: "No migration makes a function LEAKPROOF, which is given rows that policies hide.",
  severity: "high",
  remediationSteps: "Leave LEAKPROOF out; an index that a policy needs is made without it.",
  types: [MIGRATIONS],
  *faults(resource) {
    for (const { id, line, does, what } of migrationFacts(resource).facts) {
      if (does === "leakproof") yield `${id}, line ${line}: ${what} is LEAKPROOF. Leave it out`;
    }
  },
});
