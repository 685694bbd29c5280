import { parseSync } from "libpg-query";
import { list, type Node, node, part, texts } from "../estate/migrations/facts/nodes";

/**
 * A rule of row security has one form, which the plan writes and everybody can read: alternatives joined by OR, each of
 * conditions joined by AND, each of which compares a column of the table with the context or a constant. Whatever else
 * stands there may be true for everybody, and is refused.
 */
export interface Shape {
  /** What is not of that form; undefined: nothing. */
  fault?: string;
  /** Whether an alternative compares no column with the context: a constant may be that of every row. */
  everyRow: boolean;
}

/** @param role whose policy it is; undefined: not known yet */
export function shapeOf(text: string, role: string | undefined): Shape {
  const tree = expressionOf(text);
  if (!tree) return { fault: "is no expression", everyRow: false };
  let everyRow = false;
  const alternatives = flattened(tree, "OR_EXPR").map((alternative) =>
    flattened(alternative, "AND_EXPR").map((each) => conditionOf(each, role)),
  );
  const compared = new Set(
    alternatives.flat().flatMap((each) => (each?.asks === "context" ? [each.column] : [])),
  );
  for (const conditions of alternatives) {
    if (conditions.includes(undefined)) {
      return {
        fault:
          "holds a condition that compares no column of its table with the context of its role or a constant",
        everyRow,
      };
    }
    if (!conditions.some((each) => each?.asks === "context" || each?.asks === "verified")) {
      return { fault: "asks for no context, or not once a query", everyRow };
    }
    // Rows of nobody are for everybody who shows a context, where the same column says whose the others are.
    const narrow = conditions.some(
      (each) => each?.asks === "context" || (each?.asks === "null" && compared.has(each.column)),
    );
    everyRow ||= !narrow;
  }
  return { everyRow };
}

function expressionOf(text: string): Node | undefined {
  try {
    const { stmts = [] } = parseSync(`SELECT ${text}`) as { stmts?: { stmt: unknown }[] };
    const select = part(node(stmts[0]?.stmt), "SelectStmt");
    const [target, ...more] = list(select?.targetList);
    if (stmts.length !== 1 || more.length > 0 || list(select?.fromClause).length > 0) return undefined;
    const kept = ["targetList", "limitOption", "op"];
    if (Object.keys(select ?? {}).some((key) => !kept.includes(key))) return undefined;
    const { name, val } = part(target, "ResTarget") ?? {};
    return name === undefined ? node(val) : undefined;
  } catch {
    return undefined;
  }
}

function flattened(tree: Node, operator: string): Node[] {
  const bool = part(tree, "BoolExpr");
  return bool?.boolop === operator ? list(bool.args).flatMap((each) => flattened(each, operator)) : [tree];
}

interface Condition {
  /** context: a column equals who or whose it is; verified: somebody shows a context; null, constant: a column is that. */
  asks: "context" | "verified" | "null" | "constant";
  column?: string;
}

function conditionOf(tree: Node, role: string | undefined): Condition | undefined {
  if (contextOf(tree, role) === "verified") return { asks: "verified" };
  const test = part(tree, "NullTest");
  if (test) {
    const column = columnOf(node(test.arg));
    return column === undefined
      ? undefined
      : { asks: test.nulltesttype === "IS_NULL" ? "null" : "constant", column };
  }
  const compared = part(tree, "A_Expr");
  if (compared?.kind !== "AEXPR_OP" || texts(compared.name).join(".") !== "=") return undefined;
  const right = node(compared.rexpr);
  const column = columnOf(node(compared.lexpr));
  if (column === undefined) return undefined;
  if (["tenant", "subject"].includes(contextOf(right, role) ?? "")) return { asks: "context", column };
  return part(right, "A_Const") ? { asks: "constant", column } : undefined;
}

/** A column of the table itself. */
function columnOf(tree: Node | undefined): string | undefined {
  const fields = list(part(tree, "ColumnRef")?.fields);
  return fields.length === 1 && texts(fields)[0] !== "" ? texts(fields)[0] : undefined;
}

/** `(SELECT context.tenant('role'))`, computed once a query, of the policy's own role: its name. */
function contextOf(tree: Node | undefined, role: string | undefined): string | undefined {
  const link = part(tree, "SubLink");
  if (link?.subLinkType !== "EXPR_SUBLINK") return undefined;
  const select = part(node(link.subselect), "SelectStmt");
  if (!select || Object.keys(select).some((key) => !["targetList", "limitOption", "op"].includes(key)))
    return undefined;
  const [target, ...more] = list(select.targetList);
  const call = part(node(part(target, "ResTarget")?.val), "FuncCall");
  const [schema, name, ...rest] = texts(call?.funcname);
  // No FILTER, no OVER.
  const plain = Object.keys(call ?? {}).every((key) =>
    ["funcname", "args", "funcformat", "location"].includes(key),
  );
  const [asked, ...others] = list(call?.args);
  const named = part(part(asked, "A_Const"), "sval")?.sval;
  if (more.length > 0 || rest.length > 0 || others.length > 0 || schema !== "context" || !plain)
    return undefined;
  if (typeof named !== "string" || (role !== undefined && named !== role)) return undefined;
  return name;
}
