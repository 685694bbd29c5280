import { CONTEXT_SCHEMA } from "../../../provider/kinds/row-security/inputs";
import {
  columnName,
  columnsOf,
  comparison,
  conjuncts,
  constantTruth,
  disjuncts,
  type Expression,
  functionCalls,
  literal,
  type Node,
  part,
  visit,
} from "../expressions";
import type { PolicyFact } from "../facts";
import { type DatabaseRule, declaredRule, isInternalPolicy, policyAt, type Subject } from "../rule";

interface Clause {
  word: "USING" | "WITH CHECK";
  expression: Expression;
}

function clauses({ using, check }: PolicyFact): Clause[] {
  return [
    ...(using ? [{ word: "USING" as const, expression: using }] : []),
    ...(check ? [{ word: "WITH CHECK" as const, expression: check }] : []),
  ];
}

/** A rule that looks at one clause of a policy after the other. */
function clauseRule(
  rule: Omit<DatabaseRule, "faults" | "scope"> & {
    clauseFaults(clause: Clause, policy: PolicyFact, subject: Subject): Iterable<string>;
  },
): DatabaseRule {
  const { clauseFaults, ...rest } = rule;
  return {
    ...rest,
    scope: "everywhere",
    *faults(subject) {
      for (const policy of subject.facts.policies) {
        for (const clause of clauses(policy)) {
          for (const fault of new Set(clauseFaults(clause, policy, subject)))
            yield { at: policyAt(policy), fault: `${clause.word} ${fault}` };
        }
      }
    },
  };
}

/** Restrictive ones only take away. */
const opens = (policy: PolicyFact, subject: Subject) =>
  policy.permissive && !isInternalPolicy(subject, policy);

const asksContext = ({ name }: { name: string }) => name.startsWith(`${CONTEXT_SCHEMA}.`);

export const policyAlwaysTrue = clauseRule({
  id: "policy-always-true",
  severity: "critical",
  requirement:
    "No policy is true whatever the row and the context, but those of identities that no session becomes.",
  mend: "say which rows; a whole table is `all` in estate/row-security, which asks for a signed context",
  *clauseFaults({ expression }, policy, subject) {
    if (!opens(policy, subject)) return;
    if (constantTruth(expression.tree) === true) yield `is always true: ${expression.text}`;
    else if ([...visit(expression.tree)].some(({ node }) => isOrTrue(node)))
      yield `holds an OR that is always true: ${expression.text}`;
  },
});

const isOrTrue = (node: Node) => part(node, "BoolExpr")?.boolop === "OR_EXPR" && constantTruth(node) === true;

export const policyWithoutContext = clauseRule({
  id: "policy-without-context",
  severity: "critical",
  requirement:
    "Every way through a policy asks for the signed context; a setting alone is no authentication.",
  mend: "compare with (SELECT context.tenant('role')) or (SELECT context.subject('role')), or ask for (SELECT context.verified('role'))",
  *clauseFaults({ expression }, policy, subject) {
    if (!subject.declaration || !opens(policy, subject)) return;
    if (constantTruth(expression.tree) === undefined && !everyWayAsks(expression.tree))
      yield `lets through who shows no signed context: ${expression.text}`;
  },
});

/** A role may be changed between the choice of a policy and what it asks. */
export const policyOfAnyRole = clauseRule({
  id: "policy-any-role",
  severity: "critical",
  requirement: "A policy asks for the context of its own role, which it names as a constant.",
  mend: "give the function of schema context the policy's role, such as (SELECT context.tenant('ncy8_member'))",
  *clauseFaults({ expression }, policy, subject) {
    if (!opens(policy, subject)) return;
    for (const { name, args } of functionCalls(expression).filter(asksContext)) {
      const [role, ...more] = args.map(literal);
      if (more.length > 0 || role === undefined || policy.roles.some((each) => each !== role))
        yield `asks ${name}() for ${role === undefined ? "any role" : `the role ${role}`}: ${expression.text}`;
    }
  },
});

/** Of what AND joins one part is enough, of what OR joins each must ask. */
function everyWayAsks(tree: Node): boolean {
  const ways = disjuncts(tree);
  if (ways.length > 1) return ways.every(everyWayAsks);
  const parts = conjuncts(tree);
  if (parts.length > 1) return parts.some(everyWayAsks);
  return functionCalls({ text: "", tree }).some(asksContext);
}

export const policyOpenWithoutContext = clauseRule({
  id: "policy-open-without-context",
  severity: "critical",
  requirement: "No policy is open where the context is missing.",
  mend: "leave the test for a missing context out: a comparison with NULL finds no row, which is right",
  *clauseFaults({ expression }) {
    for (const { node } of visit(expression.tree)) {
      if (opensWhenMissing(node)) yield `holds where the context is missing: ${expression.text}`;
    }
  },
});

/** `context IS NULL`, `context IS NOT TRUE`, `context = ''`, `coalesce(context, column)`. */
function opensWhenMissing(node: Node): boolean {
  const nullTest = part(node, "NullTest");
  if (nullTest?.nulltesttype === "IS_NULL") return isContext(nullTest.arg as Node);
  const booleanTest = part(node, "BooleanTest");
  if (booleanTest && ["IS_NOT_TRUE", "IS_UNKNOWN", "IS_FALSE"].includes(String(booleanTest.booltesttype)))
    return isContext(booleanTest.arg as Node);
  const bool = part(node, "BoolExpr");
  if (bool?.boolop === "NOT_EXPR") return (bool.args as Node[]).some(isContext);
  const coalesce = part(node, "CoalesceExpr");
  if (coalesce) {
    const [first, ...rest] = coalesce.args as Node[];
    return isContext(first as Node) && rest.some((each) => columnsOf(each).length > 0);
  }
  const compared = comparison(node);
  if (compared?.operator !== "=" || compared.kind !== "AEXPR_OP") return false;
  return [[compared.left, compared.right] as const, [compared.right, compared.left] as const].some(
    ([one, other]) => literal(one) === "" && isContext(other),
  );
}

const isContext = (tree: Node) =>
  columnsOf(tree).length === 0 &&
  functionCalls({ text: "", tree }).some(
    (call) => asksContext(call) || call.name === "pg_catalog.current_setting",
  );

export const policyWithoutColumn = clauseRule({
  id: "policy-without-column",
  severity: "high",
  requirement: "A policy looks at the row: at a column of its own. Whole tables are declared as `all`.",
  mend: "compare a column with the context; or declare `all` in estate/row-security",
  *clauseFaults({ expression }, policy, subject) {
    if (!opens(policy, subject) || columnsOf(expression.tree).length > 0) return;
    const rule = declaredRule(subject, policy);
    if (rule && (rule.rows === "all" || rule.becomes === "all")) return;
    yield `looks at no column of ${policy.table}: ${expression.text}`;
  },
});

export const policyFunctionPerRow = clauseRule({
  id: "policy-function-per-row",
  severity: "high",
  requirement: "A function that policies ask is computed once a query: in a sub-select, an InitPlan.",
  mend: "write (SELECT f()) in place of f()",
  *clauseFaults({ expression }, _policy, { facts }) {
    for (const { name, wrapped } of functionCalls(expression)) {
      if (!wrapped && facts.volatility.get(name) === "stable")
        yield `asks ${name}() for every row: ${expression.text}`;
    }
  },
});

export const policyVolatile = clauseRule({
  id: "policy-volatile",
  severity: "high",
  requirement:
    "No policy asks a VOLATILE function: it is computed for every row, and may answer differently.",
  mend: "ask a STABLE function, in a sub-select",
  *clauseFaults({ expression }, _policy, { facts }) {
    for (const { name } of functionCalls(expression)) {
      if (facts.volatility.get(name) === "volatile") yield `asks the VOLATILE ${name}(): ${expression.text}`;
    }
  },
});

export const policySettingUnsafe = clauseRule({
  id: "policy-setting-unsafe",
  severity: "high",
  requirement: "A setting that may be missing or empty is no error: missing_ok, and nullif before a cast.",
  mend: "nullif(current_setting('...', true), ''); better, ask a function of schema context",
  *clauseFaults({ expression }) {
    for (const { name, args, above } of functionCalls(expression)) {
      if (name !== "pg_catalog.current_setting") continue;
      if (literal(args[1]) !== "true") {
        yield `fails where the setting is missing: ${expression.text}`;
        continue;
      }
      const emptied = above.some((each) => comparison(each)?.kind === "AEXPR_NULLIF");
      const cast = above.some((each) => part(each, "TypeCast") !== undefined);
      if (cast && !emptied) yield `fails where the setting is empty, without nullif: ${expression.text}`;
    }
  },
});

const USERS = new Set(["SVFOP_CURRENT_USER", "SVFOP_USER", "SVFOP_CURRENT_ROLE", "SVFOP_SESSION_USER"]);

export const policyCurrentUser = clauseRule({
  id: "policy-current-user",
  severity: "high",
  requirement: "No policy compares with current_user: many people share the service's role.",
  mend: "compare with (SELECT context.subject('role'))",
  *clauseFaults({ expression }) {
    for (const { node } of visit(expression.tree)) {
      if (USERS.has(String(part(node, "SQLValueFunction")?.op)))
        yield `asks for the database's user, whom many share: ${expression.text}`;
    }
  },
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const policyLiteralTenant = clauseRule({
  id: "policy-literal-tenant",
  severity: "high",
  requirement: "No policy names a tenant: tenants are rows.",
  mend: "compare with (SELECT context.tenant('role'))",
  *clauseFaults({ expression }, policy, { declaration }) {
    const tenant = declaration?.tables[policy.table]?.tenantColumn;
    for (const { node } of visit(expression.tree)) {
      const compared = comparison(node);
      if (!compared) continue;
      const { left, right } = compared;
      const column = columnName(left) ?? columnName(right);
      const value = literal(right) ?? literal(left);
      if (column === undefined || value === undefined) continue;
      if (column === tenant || UUID.test(value)) yield `names one tenant: ${expression.text}`;
    }
  },
});

export const policyIndexMissing: DatabaseRule = {
  id: "policy-index-missing",
  severity: "high",
  requirement:
    "A column that a policy compares with the context leads an index, and no OR keeps the planner from it.",
  mend: "pulumi up makes the index of a declared policy; split an OR into policies of two roles, or declare `anyOf` with its reason",
  scope: "everywhere",
  *faults(subject) {
    for (const policy of subject.facts.policies) {
      const { using } = policy;
      if (!using || !policy.permissive) continue;
      const ways = disjuncts(using.tree);
      const compared = ways.map(contextColumns);
      if (compared.every((columns) => columns.length === 0)) continue;
      const rule = declaredRule(subject, policy);
      if (ways.length > 1) {
        const excused = rule && typeof rule.rows === "object" && "anyOf" in rule.rows;
        if (!excused)
          yield { at: policyAt(policy), fault: `joins by OR, which loses the index: ${using.text}` };
        continue;
      }
      const columns = compared.flat();
      const served = subject.facts.indexes.some(
        (index) =>
          index.schema === policy.schema &&
          index.table === policy.table &&
          index.whole &&
          columns.includes(index.columns[0] ?? ""),
      );
      if (!served)
        yield {
          at: policyAt(policy),
          fault: `no index of ${policy.table} begins with ${columns.join(" or ")}`,
        };
    }
  },
};

/** Columns that one way through a policy compares with what is computed once: all of them must hold, so one index is enough. */
function contextColumns(way: Node): string[] {
  return [...visit(way)].flatMap(({ node, above }) => {
    const compared = comparison(node);
    if (compared?.operator !== "=" || above.some((each) => part(each, "SubLink"))) return [];
    const { left, right } = compared;
    const column = columnName(left) ?? columnName(right);
    const other = columnName(left) === undefined ? left : right;
    return column !== undefined && functionCalls({ text: "", tree: other }).length > 0 ? [column] : [];
  });
}
