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
import { CONTEXT_FUNCTIONS, HELD_SETTINGS } from "../../../provider/kinds/row-security/context-functions";
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
  const checks: Record<string, [text: string | RegExp, without: string]> = {
    "the role": [/ AND split_part\(token, '\.', 3\) = planned$/m, ""],
    "the key": ["WHERE k.id = split_part(token, '.', 2) AND", "WHERE"],
    "the signature": [/sha256\(convert_to\(split_part.*\n.*\n\s*AND /, ""],
    "the end": [/ AND split_part\(token, '\.', 6\)::bigint > .*$/m, ""],
  };
  return ["tenant(text)", "subject(text)", "verified(text)"].flatMap((name) =>
    Object.entries(checks).map(([what, [text, without]]) => {
      const declared = CONTEXT_FUNCTIONS.get(name) ?? "";
      const sql = declared.replace(text, without);
      if (sql === declared) throw new Error(`context.${name} has no check of ${what}`);
      return { name: `context.${name} without a check of ${what}`, sql };
    }),
  );
}

/** The triggers that hold the context while a table is written. Only a table that somebody writes can notice. */
export function heldMutants(declaration: RowSecurityDeclaration, table: string): Mutant[] {
  const written = Object.entries(declaration.tables[table]?.access ?? {}).some(
    ([identity, rules]) =>
      !isInternal(declaration, identity) && commandRules(rules).some(({ command }) => command !== "select"),
  );
  if (!written) return [];
  const name = (what: string) => `${declaration.database}.${table}: ${what}`;
  return ["context_hold", "context_kept"].flatMap((trigger) => [
    { name: name(`without ${trigger}`), sql: `DROP TRIGGER ${trigger} ON ${table}` },
    { name: name(`${trigger} off`), sql: `ALTER TABLE ${table} DISABLE TRIGGER ${trigger}` },
  ]);
}

/** What holds the context, without one of its parts. */
export function heldFunctionMutants(): Mutant[] {
  const every = [...CONTEXT_FUNCTIONS.keys()];
  const asked = ["tenant(text)", "subject(text)", "verified(text)"];
  return [
    ...[...asked, "kept()"].flatMap((name) => [
      mutated(
        `context.${name} that knows no other context`,
        [name],
        "AND int8send(",
        "AND true OR int8send(",
      ),
      mutated(`context.${name} that takes another context`, [name], /PERFORM context\.refuse\(.*$/, ""),
    ]),
    mutated("no error for another context", ["refuse(boolean)"], "IF NOT same", "IF false"),
    ...HELD_SETTINGS.map((setting) =>
      mutated(
        `a context held without ${setting}`,
        every,
        `current_setting('${setting}', true)`,
        "NULL::text",
        "array_send",
      ),
    ),
    mutated("a context held as valid that is not", ["hold()"], "THEN 1 ELSE -1", "THEN 1 ELSE 1"),
    mutated("a context held as none", ["hold()"], "THEN 1 ELSE -1", "THEN -1 ELSE -1"),
  ];
}

/** @param within only in lines that hold this text */
function mutated(
  name: string,
  functions: readonly string[],
  text: string | RegExp,
  by: string,
  within = "",
): Mutant {
  const statements = functions.flatMap((each) => {
    const declared = CONTEXT_FUNCTIONS.get(each) ?? "";
    const sql = declared
      .split("\n")
      .map((line) => (line.includes(within) ? line.replace(text, by) : line))
      .join("\n");
    return sql === declared ? [] : [sql];
  });
  if (statements.length === 0) throw new Error(`${name}: nothing to leave out`);
  return { name, sql: statements.join(";\n") };
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
  const asks = askedOf(declaration, identity);
  const alter = (what: string, clauses: string): Mutant => ({
    identity,
    name: `${policy} ${what}`,
    sql: `ALTER POLICY ${policy} ON ${table} ${clauses}`,
  });
  const checks = command === "insert" || command === "update";
  const reads = command !== "insert";
  const mutants: Mutant[] = [
    { identity, name: `${policy} dropped`, sql: `DROP POLICY ${policy} ON ${table}` },
    // Its own role is a constant of it: for everybody it is only where it asks for anybody's context.
    {
      name: `${policy} for everybody`,
      sql: `ALTER POLICY ${policy} ON ${table} TO PUBLIC ${[
        ...(reads ? [`USING (${ofAnyRole(expression(rows, asks))})`] : []),
        ...(checks
          ? [`WITH CHECK (${ofAnyRole(expression(command === "insert" ? rows : becomes, asks))})`]
          : []),
      ].join(" ")}`,
    },
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
  if (checks && (command === "insert" || expression(rows, asks) !== expression(becomes, asks))) {
    mutants.push(uncheckedMutant(declaration, table, identity, rule));
  }
  for (const [what, less] of reads ? lessOf(rows) : []) {
    mutants.push(alter(`USING without ${what}`, `USING (${expression(less, asks)})`));
  }
  for (const [what, less] of checks ? lessOf(becomes) : []) {
    mutants.push(alter(`WITH CHECK without ${what}`, `WITH CHECK (${expression(less, asks)})`));
  }
  return mutants;
}

/** The role whose context the policies of an identity ask for. */
const askedOf = (declaration: RowSecurityDeclaration, identity: IdentityName) =>
  isInternal(declaration, identity) ? undefined : roleOf(declaration, identity);

const ofAnyRole = (text: string) => text.replace(/(context\.\w+)\('[^']*'\)/g, "$1()");

/** Without a WITH CHECK an UPDATE falls back upon its USING, and an INSERT writes nothing. */
function uncheckedMutant(
  declaration: RowSecurityDeclaration,
  table: string,
  identity: IdentityName,
  { command, rows }: CommandRule,
): Mutant {
  const policy = policyName(identity, command);
  const using = command === "insert" ? "" : `USING (${expression(rows, askedOf(declaration, identity))})`;
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
