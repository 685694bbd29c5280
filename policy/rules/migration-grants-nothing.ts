import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";

export const migrationGrantsNothing = resourceRule({
  name: "migration-grants-nothing",
  description: "No migration grants anything: who may do what is declared.",
  severity: "critical",
  remediationSteps:
    "Leave it out: rights are declared in components/plans/privileges.ts and estate/row-security.",
  types: [MIGRATIONS],
  *faults(resource) {
    for (const { id, line, does, what, detail } of migrationFacts(resource).facts) {
      if (does === "grant") yield `${id}, line ${line}: GRANT on ${what} to ${detail}. Leave it out`;
    }
  },
});
