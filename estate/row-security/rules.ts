import type { ColumnCondition, CommandRules, RowRule } from "./types";

/** The commands that rules are about, in the order in which they are written. */
export const COMMANDS = ["select", "insert", "update", "delete"] as const;
export type Command = (typeof COMMANDS)[number];

type Alternative = Record<string, ColumnCondition>;

/** One command of one identity on one table, in a single form. */
export interface CommandRule {
  command: Command;
  /** Which rows are seen, written, changed or deleted. */
  rows: RowRule;
  /** What a changed row must be; the same as `rows` unless it is said otherwise. Of an update only. */
  becomes: RowRule;
  /** undefined: all. */
  columns: string[] | undefined;
}

/** The commands that an identity has a rule for. */
export function commandRules(rules: CommandRules): CommandRule[] {
  return COMMANDS.flatMap((command) => {
    const declared = rules[command];
    return declared === undefined ? [] : [commandRule(command, declared)];
  });
}

function commandRule(command: Command, declared: Declared): CommandRule {
  if (!hasRows(declared)) {
    const rule = declared as RowRule;
    return { command, rows: rule, becomes: rule, columns: undefined };
  }
  const { rows, columns, becomes = rows } = declared;
  return { command, rows, becomes, columns };
}

type Declared = Exclude<CommandRules[Command], undefined>;

interface WithRows {
  rows: RowRule;
  columns?: string[];
  becomes?: RowRule;
}

/** `rows` might be a column's name: then a condition stands there and never an object of columns. */
function hasRows(declared: Declared): declared is Declared & WithRows {
  if (declared === "all" || isAnyOf(declared)) return false;
  const { rows, columns, becomes } = declared as Record<string, unknown>;
  if (rows === undefined || isCondition(rows)) return false;
  return columns === undefined || Array.isArray(columns) || becomes !== undefined;
}

function isCondition(value: unknown): value is ColumnCondition {
  if (value === "tenant" || value === "subject") return true;
  return typeof value === "object" && value !== null && ("is" in value || "isNull" in value);
}

export function isAnyOf(rule: object | string): rule is { anyOf: Alternative[]; reason: string } {
  return typeof rule === "object" && "anyOf" in rule && Array.isArray(rule.anyOf);
}

/** The alternatives of a rule, of which a row must meet one; undefined: every row. */
export function alternatives(rule: RowRule): Alternative[] | undefined {
  if (rule === "all") return undefined;
  return isAnyOf(rule) ? rule.anyOf : [rule as Alternative];
}

/** Whether only who shows a valid context can meet it: a comparison with tenant or subject is NULL without one. */
export function asksForContext(alternative: Alternative): boolean {
  return Object.values(alternative).some((condition) => condition === "tenant" || condition === "subject");
}
