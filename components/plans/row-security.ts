import { isInternal, policyName, roleOf, SERVICE } from "../../estate/row-security/roles";
import {
  alternatives,
  asksForContext,
  type CommandRule,
  commandRules,
  isAnyOf,
} from "../../estate/row-security/rules";
import type {
  ColumnCondition,
  IdentityName,
  RowRule,
  RowSecurityDeclaration,
} from "../../estate/row-security/types";
import type { PostgresEntry } from "../../estate/types";
import type { PostgresGrants, RowPolicy, RowSecurityPlan } from "../../provider/resources";
import { quoteIdentifier, quoteString } from "../../text/postgres";

/**
 * What a declaration makes of its database: roles, grants, policies, indexes. Pure. One permissive policy for each table,
 * identity and command, and each TO one role: PostgreSQL joins several by OR, and an OR loses the index. No RESTRICTIVE
 * tenant floor below them: a second comparison with the tenant would tell the planner that a hundredth of a hundredth of the
 * rows is left, and it would pick nested loops for thousands of rows. What a floor would catch, a policy added by hand, is
 * drift that a refresh shows.
 */
export function planRowSecurity(
  declaration: RowSecurityDeclaration,
  { owner, service }: Pick<PostgresEntry, "owner" | "service">,
): RowSecurityPlan {
  const { database, schema } = declaration;
  const identities = Object.keys(declaration.identities);
  const taken = identities.filter(
    (identity) => identity !== SERVICE && roleOf(declaration, identity) !== owner,
  );
  return {
    database,
    schema,
    owner,
    service,
    identities: Object.fromEntries(
      taken.map((identity) => [
        roleOf(declaration, identity),
        { members: isInternal(declaration, identity) ? [] : [service] },
      ]),
    ),
    tables: {
      ...Object.fromEntries(Object.keys(declaration.tables).map((table) => [table, "forced" as const])),
      ...Object.fromEntries(Object.keys(declaration.exceptions).map((table) => [table, "off" as const])),
    },
    exceptions: Object.fromEntries(
      Object.entries(declaration.exceptions).map(([table, { reason }]) => [table, reason]),
    ),
    policies: policies(declaration),
    indexes: indexes(declaration),
    views: Object.fromEntries(
      Object.keys(declaration.views).map((view) => [view, "security_invoker" as const]),
    ),
    grants: grants(declaration, owner),
  };
}

/** The roles that the service takes, one a transaction. */
export function takenRoles(declaration: RowSecurityDeclaration, entry: PostgresEntry): string[] {
  const { identities } = planRowSecurity(declaration, entry);
  return Object.keys(identities).filter((role) => identities[role]?.members.includes(entry.service));
}

/** Each rule of each identity on each table with row security. */
function everyRule(
  declaration: RowSecurityDeclaration,
): { table: string; identity: IdentityName; rule: CommandRule }[] {
  return Object.entries(declaration.tables).flatMap(([table, { access }]) =>
    Object.entries(access).flatMap(([identity, rules]) =>
      commandRules(rules).map((rule) => ({ table, identity, rule })),
    ),
  );
}

function policies(declaration: RowSecurityDeclaration): Record<string, RowPolicy> {
  return Object.fromEntries(
    everyRule(declaration).map(({ table, identity, rule }) => {
      const role = roleOf(declaration, identity);
      const asks = isInternal(declaration, identity) ? undefined : role;
      const { command } = rule;
      const policy: RowPolicy = {
        table,
        name: policyName(identity, command),
        for: command,
        to: [role],
        ...(command === "insert" ? {} : { using: expression(rule.rows, asks) }),
        ...(command === "insert" ? { withCheck: expression(rule.rows, asks) } : {}),
        ...(command === "update" ? { withCheck: expression(rule.becomes, asks) } : {}),
      };
      return [`${table}.${identity}.${command}`, policy];
    }),
  );
}

/**
 * The sub-select makes it an InitPlan: computed once a query and not once a row. The role is a constant of the policy: by the time that it is
 * computed, the transaction may have another one.
 */
const context = (name: "tenant" | "subject" | "verified", role: string) =>
  `(SELECT context.${name}(${quoteString(role)}))`;

/**
 * A rule as SQL, in a policy of `role`; undefined: an internal one, which asks for no context. A comparison with a NULL tenant or subject
 * finds no row; what compares with neither asks for a context.
 */
export function expression(rule: RowRule, role: string | undefined): string {
  const options = alternatives(rule);
  const always = role === undefined ? "true" : context("verified", role);
  if (!options) return always;
  const texts = options.map((option) => {
    const conditions = Object.entries(option).map(([column, condition]) => compare(column, condition, role));
    return [...conditions, ...(role === undefined || asksForContext(option) ? [] : [always])].join(" AND ");
  });
  return texts.length === 1 ? texts.join("") : texts.map((text) => `(${text})`).join(" OR ");
}

function compare(column: string, condition: ColumnCondition, role: string | undefined): string {
  const name = quoteIdentifier(column);
  if (condition === "tenant" || condition === "subject") {
    if (role === undefined)
      throw new Error(`an internal identity has no ${condition} to compare ${column} with`);
    return `${name} = ${context(condition, role)}`;
  }
  if ("isNull" in condition) return `${name} IS ${condition.isNull ? "" : "NOT "}NULL`;
  const { is } = condition;
  return `${name} = ${typeof is === "string" ? quoteString(is) : String(is)}`;
}

/**
 * For each table the columns of which one has to lead an index, `team_id` or `team_id | user_id`: those that its rules compare
 * with the context. An `anyOf` has given its index up.
 */
function indexes(declaration: RowSecurityDeclaration): Record<string, string[]> {
  const needed = new Map<string, Set<string>>();
  for (const { table, rule } of everyRule(declaration)) {
    if (rule.command === "insert" || isAnyOf(rule.rows)) continue;
    for (const option of alternatives(rule.rows) ?? []) {
      const columns = Object.entries(option).flatMap(([column, condition]) =>
        condition === "tenant" || condition === "subject" ? [column] : [],
      );
      if (columns.length > 0) needed.set(table, (needed.get(table) ?? new Set()).add(columns.join(" | ")));
    }
  }
  // An index on one column serves the rules that compare it with another one besides.
  return Object.fromEntries(
    [...needed].map(([table, entries]) => [
      table,
      [...entries]
        .filter(
          (entry) => !entry.includes(" | ") || !entry.split(" | ").some((column) => entries.has(column)),
        )
        .sort(),
    ]),
  );
}

const PRIVILEGE = { select: "SELECT", insert: "INSERT", update: "UPDATE", delete: "DELETE" } as const;

function grants(declaration: RowSecurityDeclaration, owner: string): PostgresGrants {
  const { schema } = declaration;
  const found: PostgresGrants = {};
  const grant = (identity: IdentityName, object: string, privileges: readonly string[]) => {
    const role = roleOf(declaration, identity);
    if (role === owner) return;
    const key = `${role} on ${object}`;
    found[key] = [...(found[key] ?? []), ...privileges];
  };
  for (const identity of Object.keys(declaration.identities)) {
    grant(identity, `schema ${schema}`, ["USAGE"]);
    grant(identity, "schema context", ["USAGE"]);
    grant(identity, "functions in context", ["EXECUTE"]);
  }
  for (const { table, identity, rule } of everyRule(declaration)) {
    const privilege = PRIVILEGE[rule.command];
    const columns = rule.columns?.map((column) => `${privilege} (${column})`);
    grant(identity, `table ${schema}.${table}`, columns ?? [privilege]);
  }
  for (const [table, { readers }] of Object.entries(declaration.exceptions)) {
    for (const identity of readers) grant(identity, `table ${schema}.${table}`, [PRIVILEGE.select]);
  }
  const each = (
    kinds: Record<string, IdentityName[]>,
    object: (name: string) => string,
    privilege: string,
  ) => {
    for (const [name, identities] of Object.entries(kinds)) {
      for (const identity of identities) grant(identity, object(name), [privilege]);
    }
  };
  each(declaration.views, (view) => `table ${schema}.${view}`, "SELECT");
  each(declaration.sequences ?? {}, (sequence) => `sequence ${schema}.${sequence}`, "USAGE");
  each(declaration.functions, (signature) => `function ${schema}.${signature}`, "EXECUTE");
  return found;
}
