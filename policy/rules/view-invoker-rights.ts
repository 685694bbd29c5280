import { MIGRATIONS } from "../kinds";
import { statementsOf } from "../migration-text";
import { object } from "../plain";
import { resourceRule } from "../rule";

/** `WITH (security_invoker = true)` on PostgreSQL, `SQL SECURITY INVOKER` on MariaDB. */
const INVOKER = /\bsecurity_invoker\b(?!\s*=\s*'?(?:false|off|no|0)\b)|\bSQL\s+SECURITY\s+INVOKER\b/i;

export const viewInvokerRights = resourceRule({
  name: "view-invoker-rights",
  description: "A view that a migration makes looks with the rights of who asks, not of its owner.",
  severity: "critical",
  remediationSteps:
    "Write CREATE VIEW ... WITH (security_invoker = true) AS; on MariaDB CREATE SQL SECURITY INVOKER VIEW.",
  types: [MIGRATIONS],
  *faults({ props }) {
    for (const [id, files] of Object.entries(object(props.migrations))) {
      const { up } = object(files);
      if (typeof up !== "string") continue;
      for (const statement of statementsOf(up)) {
        // What stands between its name and AS; a body may hold any word.
        const [head, name] =
          /^\s*CREATE\b[^()]*?\bVIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w."`]+)[\s\S]*?\bAS\b/i.exec(statement) ??
          [];
        if (head === undefined || /\bMATERIALIZED\s+VIEW\b/i.test(head) || INVOKER.test(head)) continue;
        yield `${id}: view ${name} shows what its owner sees. Add security_invoker`;
      }
    }
  },
});
