import { roleOf } from "../../../estate/row-security/roles";
import { CONTEXT_SCHEMA } from "../../../provider/kinds/row-security/inputs";
import type { FunctionFact } from "../facts";
import type { LintRule, Subject } from "../rule";

const at = ({ schema, signature }: FunctionFact) => `${schema}.${signature}`;

export const definerPathUnpinned: LintRule = {
  id: "definer-path-unpinned",
  severity: "critical",
  requirement: "A function with its owner's rights has a search_path of its own, with pg_temp last.",
  mend: "SET search_path = pg_catalog, pg_temp in its definition, by a migration, and qualify every name in it",
  scope: "everywhere",
  *faults({ facts }) {
    for (const each of facts.functions.filter(({ definer }) => definer)) {
      const { searchPath: path } = each;
      if (!path) yield { at: at(each), fault: "is SECURITY DEFINER without a search_path of its own" };
      else if (path.indexOf("pg_temp") !== path.length - 1)
        yield { at: at(each), fault: `its search_path is ${path.join(", ")}: pg_temp must be last` };
    }
  },
};

export const definerExecutable: LintRule = {
  id: "definer-executable",
  severity: "critical",
  requirement: "A function with its owner's rights is called by those alone whom the declaration names.",
  mend: "REVOKE EXECUTE (pulumi up does), or declare who may call it in estate/row-security",
  scope: "row-security",
  *faults(subject) {
    for (const each of subject.facts.functions.filter(({ definer }) => definer)) {
      const declared = declaredCallers(subject, each);
      for (const caller of each.callers.filter((role) => !declared.includes(role)))
        yield { at: at(each), fault: `${caller} may call it and works as ${each.owner} there` };
    }
  },
};

/** Policies ask the functions of schema context as whoever queries. */
function declaredCallers({ declaration }: Subject, { schema, signature }: FunctionFact): string[] {
  if (!declaration) return [];
  const roles = (identities: readonly string[]) => identities.map((each) => roleOf(declaration, each));
  if (schema === CONTEXT_SCHEMA) return roles(Object.keys(declaration.identities));
  return schema === declaration.schema ? roles(declaration.functions[signature] ?? []) : [];
}

export const functionLeakproof: LintRule = {
  id: "function-leakproof",
  severity: "high",
  requirement: "No function of ours is LEAKPROOF: it would see rows before the policy does.",
  mend: "ALTER FUNCTION ... NOT LEAKPROOF",
  scope: "everywhere",
  *faults({ facts }) {
    for (const each of facts.functions.filter(({ leakproof }) => leakproof))
      yield { at: at(each), fault: "is LEAKPROOF: it is given rows that the policy hides" };
  },
};
