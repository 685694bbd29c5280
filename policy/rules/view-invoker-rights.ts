import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";

export const viewInvokerRights = resourceRule({
  name: "view-invoker-rights",
  description: "A view that a migration makes looks with the rights of who asks, not of its owner.",
  severity: "critical",
  remediationSteps:
    "Write CREATE VIEW ... WITH (security_invoker = true) AS; on MariaDB CREATE SQL SECURITY INVOKER VIEW.",
  types: [MIGRATIONS],
  *faults(resource) {
    for (const { id, line, does, what } of migrationFacts(resource).facts) {
      if (does === "view-as-owner")
        yield `${id}, line ${line}: view ${what} shows what its owner sees. Add security_invoker`;
    }
  },
});
