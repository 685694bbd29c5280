import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";
import { isSentence } from "../sentence";

interface Config {
  dropped: Record<string, string>;
}

export const migrationRowSecurityKept = resourceRule<Config>({
  name: "migration-row-security-kept",
  description: "No migration takes row security, a policy or a guarding trigger away from a table.",
  severity: "critical",
  remediationSteps:
    "Leave it out: row security is declared in estate/row-security. A trigger that is no guard: name it in `dropped`.",
  config: {
    dropped: {
      type: "object",
      additionalProperties: { type: "string" },
      default: {},
      description: "Triggers that a step may drop, `users.touch`, each with a sentence that says why",
    },
  },
  types: [MIGRATIONS],
  *faults(resource, { dropped }) {
    for (const { id, line, does, what, detail, rollback } of migrationFacts(resource).facts) {
      // A rollback takes back what its own step made. Another trigger may have been a guard: somebody says that it was none.
      const own =
        /^(?:DROP|CREATE OR REPLACE) TRIGGER$/.test(detail ?? "") &&
        !what.split(".").at(-1)?.startsWith("context_");
      if (own && (rollback || isSentence(dropped[what] ?? ""))) continue;
      if (does === "guard-off") yield `${id}, line ${line}: ${detail} on ${what}. Leave it out`;
    }
  },
});
