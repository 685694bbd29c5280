import { quoteIdentifier, quoteString } from "../../../text/postgres";
import { list, type Node, node, part, texts, word } from "./nodes";
import { statementsOf } from "./parse";

/** More texts than this nobody judges. */
const MOST_TEXTS = 32;

/** Every SQL that an expression may be, placeholders filled with what may stand there; undefined: nobody can say. */
export function possibleTexts(expression: string, of: "do" | "function"): string[] | undefined {
  try {
    const [only, ...more] = statementsOf(`SELECT ${expression}`);
    const targets = list(part(only?.stmt, "SelectStmt")?.targetList);
    if (more.length > 0 || targets.length !== 1) return undefined;
    return possible(node(part(targets[0], "ResTarget")?.val), of);
  } catch {
    return undefined;
  }
}

function possible(tree: Node | undefined, of: "do" | "function"): string[] | undefined {
  const text = stringOf(tree);
  if (text !== undefined) return [text];
  const joined = part(tree, "A_Expr");
  if (joined && texts(joined.name).join(".") === "||") {
    const left = possible(node(joined.lexpr), of);
    const right = possible(node(joined.rexpr), of);
    if (!left || !right || left.length * right.length > MOST_TEXTS) return undefined;
    return left.flatMap((one) => right.map((other) => one + other));
  }
  const choice = part(tree, "CaseExpr");
  if (choice) {
    const results = [
      ...list(choice.args).map((each) => node(part(each, "CaseWhen")?.result)),
      node(choice.defresult),
    ];
    const each = results.map((result) => (result ? possible(result, of) : [""]));
    return each.some((some) => some === undefined) ? undefined : each.flatMap((some) => some ?? []);
  }
  const call = part(tree, "FuncCall");
  const [first, ...args] = list(call?.args);
  const template = stringOf(first);
  const name = texts(call?.funcname);
  const builtin = name.at(-1) === "format" && (name.length === 1 || name[0] === "pg_catalog");
  if (!builtin || template === undefined || call?.func_variadic === true) return undefined;
  const made = filled(template, args, of);
  return made === undefined ? undefined : [made];
}

function filled(template: string, args: Node[], of: "do" | "function"): string | undefined {
  let next = 0;
  let known = true;
  const text = template.replace(
    /%(?:(\d+)\$)?(?:-?\d*)([sIL%])|%/g,
    (_all, position?: string, type?: string) => {
      if (type === "%") return "%";
      if (type === undefined) {
        known = false;
        return "";
      }
      const index = position ? Number(position) - 1 : next;
      next = index + 1;
      const arg = args[index];
      const constant = stringOf(arg);
      if (type === "I") return constant === undefined ? "some_name" : quoteIdentifier(constant);
      if (type === "L") return constant === undefined ? "'some value'" : quoteString(constant);
      if (constant !== undefined) return constant;
      // A variable or a name made by a cast, in a function alone: a DO block runs now, with nothing but what it holds.
      const column =
        part(arg, "ColumnRef") ??
        part(part(arg, "TypeCast") && node(part(arg, "TypeCast")?.arg), "ColumnRef");
      if (of === "do" || !column) known = false;
      return "some_name";
    },
  );
  return known ? text : undefined;
}

export function stringOf(of: Node | undefined): string | undefined {
  const constant = part(of, "A_Const");
  if (constant?.sval === undefined) return undefined;
  return word(part(constant, "sval")?.sval ?? "");
}
