import { alternatives, type Command, commandRules } from "./rules";
import type { ColumnCondition, IdentityName, RowRule, RowSecurityDeclaration } from "./types";

/**
 * The truth table in TypeScript, for tests: what a declaration promises, told without a word of SQL. It knows of rows as
 * plain objects; uuids are compared as lower-case texts.
 */

export type CellValue = string | number | boolean | null;
export type Row = Readonly<Record<string, CellValue>>;

/** What a valid signed context says; undefined in its place: none, or one that is not valid for the current role. */
export interface ContextClaims {
  tenant?: string;
  subject?: string;
}

export type Outcome =
  /** The command is granted, and the row may be seen, written or changed. */
  | "allowed"
  /** Granted, and the row is not there for this identity: 0 rows. */
  | "hidden"
  /** Refused by a policy's WITH CHECK: error 42501, "new row violates row-level security policy". */
  | "violates"
  /** No grant on the table or on the column: error 42501, "permission denied". */
  | "denied";

/** Whether a row meets a rule. `internal` identities need no context for `all` and for constants. */
export function evaluate(
  rule: RowRule,
  row: Row,
  context: ContextClaims | undefined,
  internal = false,
): boolean {
  if (context === undefined && !internal) return false;
  const options = alternatives(rule);
  if (!options) return true;
  return options.some((option) =>
    Object.entries(option).every(([column, condition]) => meets(row[column] ?? null, condition, context)),
  );
}

function meets(value: CellValue, condition: ColumnCondition, context: ContextClaims | undefined): boolean {
  if (condition === "tenant" || condition === "subject") {
    const claim = context?.[condition];
    return claim !== undefined && value !== null && String(value).toLowerCase() === claim.toLowerCase();
  }
  if ("isNull" in condition) return (value === null) === condition.isNull;
  return value === condition.is;
}

export interface Attempt {
  table: string;
  identity: IdentityName;
  command: Command;
  /** undefined: no valid context for this identity. */
  context: ContextClaims | undefined;
  /** The row as it is; of an INSERT the new one. */
  row: Row;
  /** What an UPDATE makes of it. Default: `row`, unchanged. */
  becomes?: Row;
  /** Columns that are read or given a value. Default: none in particular. */
  columns?: readonly string[];
}

/**
 * What has to happen. An UPDATE and a DELETE that name a row in WHERE or RETURNING also need it to be visible to a SELECT,
 * and so does what an UPDATE makes of it.
 */
export function expected(declaration: RowSecurityDeclaration, attempt: Attempt): Outcome {
  const { table, identity, command, context, row, columns = [] } = attempt;
  const exempt = declaration.exceptions[table];
  if (exempt) return command === "select" && exempt.readers.includes(identity) ? "allowed" : "denied";
  const rules = commandRules(declaration.tables[table]?.access[identity] ?? {});
  const rule = rules.find((each) => each.command === command);
  if (!rule || columns.some((column) => rule.columns && !rule.columns.includes(column))) return "denied";
  const internal = declaration.identities[identity]?.internal !== undefined;
  const fits = (each: RowRule, candidate: Row) => evaluate(each, candidate, context, internal);
  if (command === "insert") return fits(rule.rows, row) ? "allowed" : "violates";
  if (command === "select") return fits(rule.rows, row) ? "allowed" : "hidden";
  const seen = rules.find((each) => each.command === "select");
  const visible = (candidate: Row) => seen === undefined || fits(seen.rows, candidate);
  if (!fits(rule.rows, row) || !visible(row)) return "hidden";
  if (command === "delete") return "allowed";
  const after = attempt.becomes ?? row;
  return fits(rule.becomes, after) && visible(after) ? "allowed" : "violates";
}
