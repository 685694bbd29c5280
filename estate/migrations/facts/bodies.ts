import { quoteIdentifier } from "../../../text/postgres";
import { type Node, node, part, parts, texts, word } from "./nodes";

/** Bodies in a form that the parser of PL/pgSQL takes by themselves. */

/** undefined: in another language. */
export function doBlock(body: Node): string | undefined {
  const elements = parts(body.args, "DefElem");
  const text = word(part(node(elements.find(({ defname }) => defname === "as")?.arg), "String")?.sval);
  const language = part(node(elements.find(({ defname }) => defname === "language")?.arg), "String")?.sval;
  return language === undefined || language === "plpgsql" ? `DO ${dollar(text)}` : undefined;
}

/** Types of arguments say nothing of what a body does, and the parser knows no others than its own. */
export function functionShell(stmt: Node, text: string): string {
  const create = part(stmt, "CreateFunctionStmt") ?? {};
  const returned = node(create.returnType);
  const parameters = parts(create.parameters, "FunctionParameter");
  const named = parameters.filter(({ name }) => typeof name === "string");
  const column = parameters.some(({ mode }) => mode === "FUNC_PARAM_TABLE");
  const declared = (modes: (mode: unknown) => boolean) =>
    named.filter(({ mode }) => modes(mode)).map(({ name }) => `${quoteIdentifier(word(name))} text`);
  const inputs = declared((mode) => mode !== "FUNC_PARAM_TABLE" && mode !== "FUNC_PARAM_OUT");
  const outputs = declared((mode) => mode === "FUNC_PARAM_OUT" || mode === "FUNC_PARAM_TABLE");
  const type = texts(returned?.names).at(-1) ?? "";
  const set = returned?.setof === true ? "SETOF " : "";
  const single = ["trigger", "event_trigger", "void"].includes(type) ? type : `${set}text`;
  const head = column
    ? `(${inputs.join(", ")}) RETURNS TABLE (${outputs.join(", ")})`
    : outputs.length > 0
      ? `(${[...inputs, ...outputs.map((each) => `OUT ${each}`)].join(", ")})${set ? " RETURNS SETOF record" : ""}`
      : create.is_procedure === true
        ? `(${inputs.join(", ")}) RETURNS void`
        : `(${inputs.join(", ")}) RETURNS ${single}`;
  return `CREATE FUNCTION f${head} LANGUAGE plpgsql AS ${dollar(text)}`;
}

/** A quote that the text does not hold. */
function dollar(text: string): string {
  let tag = "body";
  while (text.includes(`$${tag}$`)) tag += "_";
  return `$${tag}$${text}$${tag}$`;
}
