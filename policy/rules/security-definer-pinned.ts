import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";

export const securityDefinerPinned = resourceRule({
  name: "security-definer-pinned",
  description: "A function with its owner's rights has a search_path of its own, with pg_temp last.",
  severity: "critical",
  remediationSteps:
    "Add `SET search_path = pg_catalog, pg_temp` to the function and qualify every name in it.",
  types: [MIGRATIONS],
  *faults(resource) {
    for (const { id, line, does, what, detail = "" } of migrationFacts(resource).facts) {
      if (does !== "definer") continue;
      const schemas = detail.split(", ");
      const where = `${id}, line ${line}: ${what}`;
      if (detail === "") yield `${where} works with its owner's rights without SET search_path`;
      else if (schemas.at(-1) !== "pg_temp" || schemas.indexOf("pg_temp") < schemas.length - 1) {
        yield `${where} searches ${detail}: pg_temp comes last, or it is searched first`;
      } else if (schemas.some((schema) => !/^[a-z_][a-z0-9_]*$/.test(schema))) {
        yield `${where} searches ${detail}: name each schema`;
      }
    }
  },
});
