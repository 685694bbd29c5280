import { MIGRATIONS } from "../kinds";
import { statementsOf } from "../migration-text";
import { object } from "../plain";
import { resourceRule } from "../rule";

export const securityDefinerPinned = resourceRule({
  name: "security-definer-pinned",
  description: "A function with its owner's rights has a search_path of its own, with pg_temp last.",
  severity: "critical",
  remediationSteps:
    "Add `SET search_path = pg_catalog, pg_temp` to the function and qualify every name in it.",
  types: [MIGRATIONS],
  *faults({ props }) {
    for (const [id, files] of Object.entries(object(props.migrations))) {
      const { up } = object(files);
      if (typeof up !== "string") continue;
      for (const statement of statementsOf(up)) {
        if (!/\bSECURITY\s+DEFINER\b/i.test(statement)) continue;
        const [, name] = /\b(?:FUNCTION|PROCEDURE)\s+([\w."]+)/i.exec(statement) ?? [];
        // MariaDB knows no search_path; its routines say SQL SECURITY DEFINER.
        if (name === undefined || /(?<!\bLANGUAGE\s+)\bSQL\s+SECURITY\b/i.test(statement)) continue;
        const [, path] =
          /\bSET\s+search_path\s*(?:=|\bTO\b)\s*((?:[\w$'"]+\s*,\s*)*[\w$'"]+)/i.exec(statement) ?? [];
        const schemas = (path ?? "").split(",").map((schema) => schema.trim().replaceAll(/['"]/g, ""));
        if (path === undefined) yield `${id}: ${name} is SECURITY DEFINER without SET search_path`;
        else if (schemas.at(-1) !== "pg_temp" || schemas.indexOf("pg_temp") < schemas.length - 1) {
          yield `${id}: the search_path of ${name} is ${path}: pg_temp comes last, or it is searched first`;
        }
      }
    }
  },
});
