import { expression } from "../../../components/plans/row-security";
import { isInternal, policyName, roleOf } from "../../../estate/row-security/roles";
import {
  alternatives,
  COMMANDS,
  type CommandRule,
  commandRules,
  isAnyOf,
} from "../../../estate/row-security/rules";
import type { IdentityName, RowRule, RowSecurityDeclaration } from "../../../estate/row-security/types";
import { CONTEXT_FUNCTIONS } from "../../../provider/kinds/row-security/context-sql";
import type { Mutant } from "./run";

/**
 * Every way in which a policy of a table might be missing or too weak, one at a time, and row security itself. A mutant that
 * says the same as what is declared is left out: nothing could tell the two apart.
 */
export function mutantsOf(declaration: RowSecurityDeclaration, table: string): Mutant[] {
  const access = declaration.tables[table]?.access ?? {};
  const identities = Object.keys(declaration.identities);
  return [
    { name: "row security off", sql: `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY` },
    { name: "row security not forced", sql: `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY` },
    { name: "a policy for everybody", sql: extra(table, "ALL", "PUBLIC") },
    ...identities.flatMap((identity) => {
      const rules = commandRules(access[identity] ?? {});
      return COMMANDS.flatMap((command) => {
        const rule = rules.find((each) => each.command === command);
        return [
          ...added(declaration, table, identity, command, rule),
          ...weakened(declaration, table, identity, rule),
        ];
      });
    }),
  ].map((mutant) => ({ ...mutant, name: `${declaration.database}.${table}: ${mutant.name}` }));
}

/** A check of the signed context that is left out, of each function that policies ask. */
export function contextMutants(): Mutant[] {
  const checks: Record<string, [text: string, without: string]> = {
    "the role": [" OR part[3] <> current_setting('role')", ""],
    "the key": ["IF NOT FOUND", "IF false"],
    "the signature": ["IF sha256(", "IF false AND sha256("],
    "the end": ["IF part[6]::bigint", "IF false AND part[6]::bigint"],
  };
  return ["tenant()", "subject()", "verified()"].flatMap((name) =>
    Object.entries(checks).map(([what, [text, without]]) => {
      const declared = CONTEXT_FUNCTIONS.get(name) ?? "";
      const sql = declared.replace(text, without);
      if (sql === declared) throw new Error(`context.${name} has no check of ${what}`);
      return { name: `context.${name} without a check of ${what}`, sql };
    }),
  );
}

/** One more policy of the identity, that asks for nothing. */
function added(
  declaration: RowSecurityDeclaration,
  table: string,
  identity: IdentityName,
  command: string,
  rule: CommandRule | undefined,
): Mutant[] {
  if (rule && isAlways(declaration, identity, rule.rows)) return [];
  const role = roleOf(declaration, identity);
  return [
    { identity, name: `${identity} may ${command} more`, sql: extra(table, command.toUpperCase(), role) },
  ];
}

function extra(table: string, command: string, role: string): string {
  const clauses = [
    ...(command === "INSERT" ? [] : ["USING (true)"]),
    ...(command === "SELECT" || command === "DELETE" ? [] : ["WITH CHECK (true)"]),
  ];
  return `CREATE POLICY extra ON ${table} FOR ${command} TO ${role} ${clauses.join(" ")}`;
}

function weakened(
  declaration: RowSecurityDeclaration,
  table: string,
  identity: IdentityName,
  rule: CommandRule | undefined,
): Mutant[] {
  if (!rule) return [];
  const { command, rows, becomes } = rule;
  const policy = policyName(identity, command);
  const internal = isInternal(declaration, identity);
  const alter = (what: string, clauses: string): Mutant => ({
    identity,
    name: `${policy} ${what}`,
    sql: `ALTER POLICY ${policy} ON ${table} ${clauses}`,
  });
  const checks = command === "insert" || command === "update";
  const reads = command !== "insert";
  const mutants: Mutant[] = [
    { identity, name: `${policy} dropped`, sql: `DROP POLICY ${policy} ON ${table}` },
    { name: `${policy} for everybody`, sql: `ALTER POLICY ${policy} ON ${table} TO PUBLIC` },
  ];
  if (!isAlways(declaration, identity, rows)) {
    if (reads) mutants.push(alter("USING (true)", "USING (true)"));
    else mutants.push(alter("WITH CHECK (true)", "WITH CHECK (true)"));
  }
  if (command === "update" && !isAlways(declaration, identity, becomes)) {
    mutants.push(alter("USING (true) WITH CHECK (true)", "USING (true) WITH CHECK (true)"));
    // Of `all`, what a row becomes is checked by the same words that found it: without a context there is none.
    if (becomes !== "all") mutants.push(alter("WITH CHECK (true)", "WITH CHECK (true)"));
  }
  if (checks && (command === "insert" || expression(rows, internal) !== expression(becomes, internal))) {
    mutants.push(uncheckedMutant(declaration, table, identity, rule));
  }
  for (const [what, less] of reads ? lessOf(rows) : []) {
    mutants.push(alter(`USING without ${what}`, `USING (${expression(less, internal)})`));
  }
  for (const [what, less] of checks ? lessOf(becomes) : []) {
    mutants.push(alter(`WITH CHECK without ${what}`, `WITH CHECK (${expression(less, internal)})`));
  }
  return mutants;
}

/** Without a WITH CHECK an UPDATE falls back upon its USING, and an INSERT writes nothing. */
function uncheckedMutant(
  declaration: RowSecurityDeclaration,
  table: string,
  identity: IdentityName,
  { command, rows }: CommandRule,
): Mutant {
  const policy = policyName(identity, command);
  const using = command === "insert" ? "" : `USING (${expression(rows, isInternal(declaration, identity))})`;
  const to = roleOf(declaration, identity);
  return {
    identity,
    name: `${policy} without WITH CHECK`,
    sql: `DROP POLICY ${policy} ON ${table}; CREATE POLICY ${policy} ON ${table} FOR ${command.toUpperCase()} TO ${to} ${using}`,
  };
}

/** The rule without one of its comparisons, by what is left out. */
function lessOf(rule: RowRule): [string, RowRule][] {
  const options = alternatives(rule) ?? [];
  return options.flatMap((option, index) =>
    Object.keys(option).map((column): [string, RowRule] => {
      const { [column]: _left, ...rest } = option;
      const name = isAnyOf(rule) ? `${column} in alternative ${index + 1}` : column;
      if (Object.keys(rest).length === 0) return [name, "all"];
      if (!isAnyOf(rule)) return [name, rest];
      return [name, { ...rule, anyOf: options.map((each, at) => (at === index ? rest : each)) }];
    }),
  );
}

/** Asks for nothing at all: an identity without a context, every row. */
function isAlways(declaration: RowSecurityDeclaration, identity: IdentityName, rule: RowRule): boolean {
  return rule === "all" && isInternal(declaration, identity);
}
