import { roleOf } from "../../../estate/row-security/roles";
import { HELD_SETTINGS } from "../../../provider/kinds/row-security/context-functions";
import { CONTEXT_SCHEMA } from "../../../provider/kinds/row-security/inputs";
import { type DatabaseFacts, type FunctionFact, superusersOf } from "../facts";
import type { DatabaseRule, Subject } from "../rule";

const at = ({ schema, signature }: FunctionFact) => `${schema}.${signature}`;

export const definerPathUnpinned: DatabaseRule = {
  id: "definer-path-unpinned",
  severity: "critical",
  requirement:
    "A function with its owner's rights has a search_path of its own, with pg_temp last and no schema in which somebody else may make something.",
  mend: "SET search_path = pg_catalog, pg_temp in its definition, by a migration, and qualify every name in it",
  scope: "everywhere",
  *faults({ facts }) {
    for (const each of facts.functions.filter(({ definer }) => definer)) {
      const { searchPath: path } = each;
      if (!path) yield { at: at(each), fault: "is SECURITY DEFINER without a search_path of its own" };
      else if (path.indexOf("pg_temp") !== path.length - 1)
        yield { at: at(each), fault: `its search_path is ${path.join(", ")}: pg_temp must be last` };
      else {
        for (const [schema, who] of others(facts, each, path))
          yield { at: at(each), fault: `its search_path has ${schema}, in which ${who} may make something` };
      }
    }
  },
};

/** Who but the owner and superusers may put something in the function's way. */
function others(facts: DatabaseFacts, { owner }: FunctionFact, path: readonly string[]): [string, string][] {
  const admins = superusersOf(facts);
  const database = facts.others.find((each) => each.at === "database")?.owner;
  const trusted = new Set([owner, ...admins]);
  return path.flatMap((schema): [string, string][] => {
    if (schema === "$user") return [[schema, "whoever calls it"]];
    return facts.creators
      .filter((each) => each.schema === schema)
      .map(({ role }) => (role === "pg_database_owner" ? (database ?? role) : role))
      .filter((role) => !trusted.has(role))
      .map((role) => [schema, role]);
  });
}

export const definerExecutable: DatabaseRule = {
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

export const functionLeakproof: DatabaseRule = {
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

/** A variable that holds what the context says: `subject CONSTANT uuid := context.subject();` */
const FROM_CONTEXT = /(\w+)\s+(?:constant\s+)?\w+(?:\.\w+)?\s*(?::=|=|default)\s*context\.\w+\(\)\s*;/gi;

export const guardComparesNull: DatabaseRule = {
  id: "guard-compares-null",
  severity: "high",
  requirement:
    "A trigger that compares with the context says what it does without one: NULL refuses nothing.",
  mend: "IS DISTINCT FROM or IS NOT DISTINCT FROM in place of <> and =, by a migration, and refuse where context.role() IS NULL and row_security_active()",
  scope: "row-security",
  *faults({ facts }) {
    for (const each of facts.functions.filter(
      ({ trigger, schema }) => trigger && schema !== CONTEXT_SCHEMA,
    )) {
      const body = each.body.replaceAll(/--.*$/gm, "");
      const names = [...body.matchAll(FROM_CONTEXT)].map(([, name]) => name);
      const said = [...names, "context\\.\\w+\\(\\)"].join("|");
      const rest = body.replaceAll(FROM_CONTEXT, "");
      const [compared] =
        new RegExp(`\\b(?:${said})\\s*(?:<>|!=|=)|(?<![:<>!])(?:<>|!=|=)\\s*(?:${said})(?!\\w)`, "i").exec(
          rest,
        ) ?? [];
      if (compared !== undefined)
        yield { at: at(each), fault: `compares by "${compared.trim()}", which is NULL without a context` };
    }
  },
};

export const settingNotHeld: DatabaseRule = {
  id: "setting-not-held",
  severity: "high",
  requirement:
    "A function reads no setting that a statement may change midway: those alone that the context holds.",
  mend: "use one of the settings in docs/row-level-security.md, or add it to HELD_SETTINGS of the provider",
  scope: "row-security",
  *faults({ facts }) {
    for (const each of facts.functions.filter(({ schema }) => schema !== CONTEXT_SCHEMA)) {
      const read = [...each.body.matchAll(/current_setting\s*\(\s*'([^']+\.[^']+)'/gi)].map(
        ([, name]) => name ?? "",
      );
      for (const name of new Set(
        read.filter((setting) => !(HELD_SETTINGS as readonly string[]).includes(setting)),
      ))
        yield { at: at(each), fault: `reads ${name}, which is what the statement has made of it` };
    }
  },
};
