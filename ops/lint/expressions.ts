import { list, type Node, node, part, type Visit, visit } from "../../estate/migrations/facts/nodes";

export { type Node, part, type Visit, visit };

/** One clause of a policy. */
export interface Expression {
  /** As the server prints it, all names but those of pg_catalog qualified. */
  text: string;
  tree: Node;
}

/** Throws where the text is no expression. The parser is WebAssembly: loaded by those who lint. */
export async function parseExpression(text: string): Promise<Expression> {
  const { parse } = await import("libpg-query");
  const { stmts = [] } = await parse(`SELECT ${text}`);
  const tree = selected(stmts[0]?.stmt as Node | undefined);
  if (!tree) throw new Error(`no expression: ${text}`);
  return { text, tree };
}

/** The only value that a SELECT computes. */
function selected(statement: Node | undefined): Node | undefined {
  const select = part(statement, "SelectStmt");
  const [target, ...more] = list(select?.targetList);
  return more.length > 0 ? undefined : node(part(target, "ResTarget")?.val);
}

/** `{ String: { sval } }` of a list of names. */
const texts = (names: unknown): string[] =>
  list(names).flatMap((each) => {
    const text = part(each, "String")?.sval;
    return typeof text === "string" ? [text] : [];
  });

export interface FunctionCall extends Visit {
  /** `context.tenant`; PostgreSQL's own with pg_catalog. */
  name: string;
  args: Node[];
  /** Computed once a query: in a sub-select that reads no row and no column. */
  wrapped: boolean;
}

export function functionCalls({ tree }: Expression): FunctionCall[] {
  return [...visit(tree)].flatMap((each) => {
    const call = part(each.node, "FuncCall");
    if (!call) return [];
    const names = texts(call.funcname);
    const name = (names.length > 1 ? names : ["pg_catalog", ...names]).join(".");
    return [{ ...each, name, args: list(call.args), wrapped: each.above.some(isInitPlan) }];
  });
}

function isInitPlan(above: Node): boolean {
  const select = part(part(part(above, "SubLink"), "subselect"), "SelectStmt");
  return select !== undefined && list(select.fromClause).length === 0 && columnsOf(select).length === 0;
}

/** Names of the columns in a tree, without their table. */
export function columnsOf(tree: Node): string[] {
  return [...visit(tree)].flatMap(({ node: each }) => columnName(each) ?? []);
}

/** The column that a node is. */
export function columnName(of: Node | undefined): string | undefined {
  return texts(part(of, "ColumnRef")?.fields).at(-1);
}

/** What must all hold: the parts that AND joins, at the top. */
export function conjuncts(tree: Node): Node[] {
  const bool = part(tree, "BoolExpr");
  return bool?.boolop === "AND_EXPR" ? list(bool.args).flatMap(conjuncts) : [tree];
}

/** Of which one is enough: the parts that OR joins, at the top. */
export function disjuncts(tree: Node): Node[] {
  const bool = part(tree, "BoolExpr");
  return bool?.boolop === "OR_EXPR" ? list(bool.args).flatMap(disjuncts) : [tree];
}

export interface Comparison {
  operator: string;
  left: Node;
  right: Node;
  /** `AEXPR_OP`, `AEXPR_NULLIF`, ... */
  kind: unknown;
}

export function comparison(of: Node | undefined): Comparison | undefined {
  const expression = part(of, "A_Expr");
  const left = node(expression?.lexpr);
  const right = node(expression?.rexpr);
  if (!expression || !left || !right) return undefined;
  return { operator: texts(expression.name).at(-1) ?? "", left, right, kind: expression.kind };
}

/** A literal as text, casts off; undefined: none. */
export function literal(of: Node | undefined): string | undefined {
  const cast = part(of, "TypeCast");
  if (cast) return literal(node(cast.arg));
  const constant = part(of, "A_Const");
  if (!constant) return undefined;
  const text = part(constant, "sval")?.sval;
  if (typeof text === "string") return text;
  if (constant.boolval !== undefined) return String(part(constant, "boolval")?.boolval ?? false);
  if (constant.ival !== undefined) return String(part(constant, "ival")?.ival ?? 0);
  return constant.sval === undefined ? undefined : "";
}

/** What an expression is whatever the row and the context; undefined: it depends. */
export function constantTruth(tree: Node): boolean | undefined {
  const bool = part(tree, "BoolExpr");
  if (bool) {
    const args = list(bool.args).map(constantTruth);
    if (bool.boolop === "NOT_EXPR") return args[0] === undefined ? undefined : !args[0];
    const decisive = bool.boolop === "OR_EXPR";
    if (args.includes(decisive)) return decisive;
    return args.includes(undefined) ? undefined : !decisive;
  }
  const compared = comparison(tree);
  if (compared?.operator === "=") {
    const [left, right] = [literal(compared.left), literal(compared.right)];
    return left === undefined || right === undefined ? undefined : left === right;
  }
  const inner = selected(node(part(tree, "SubLink")?.subselect));
  if (inner) return constantTruth(inner);
  const word = literal(tree);
  if (word === undefined) return undefined;
  return /^(t|true|1|y|yes|on)$/i.test(word)
    ? true
    : /^(f|false|0|n|no|off)$/i.test(word)
      ? false
      : undefined;
}

/** Same trees have the same text, wherever they stand. */
export function fingerprint(tree: Node): string {
  return JSON.stringify(tree, (key, value: unknown) => (key === "location" ? undefined : value));
}
