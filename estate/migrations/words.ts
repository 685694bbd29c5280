import type { Engine } from "../types";
import type { Statement } from "./split";
import type { Token } from "./token";

const LONGEST_HEAD = 60;

/**
 * The first words in upper case with single blanks between, names as they stand, '' for each value: what a rule matches.
 * Comments are no part of it.
 */
export function headOf({ tokens }: Statement): string {
  return wordsOf(tokens.slice(0, LONGEST_HEAD));
}

/** The same of the whole statement. */
export function wordsOf(tokens: readonly Token[]): string {
  return tokens.map(({ kind, text }) => wordOf(kind, text)).join(" ");
}

function wordOf(kind: Token["kind"], text: string): string {
  if (kind === "string") return "''";
  return kind === "word" ? text.toUpperCase() : text;
}

/** Split at the commas outside parentheses. */
export function clausesOf(tokens: readonly Token[]): Token[][] {
  let clause: Token[] = [];
  const clauses = [clause];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === "(") depth++;
    if (token.text === ")") depth--;
    if (depth === 0 && token.text === ",") {
      clause = [];
      clauses.push(clause);
    } else clause.push(token);
  }
  return clauses;
}

/** The words of a clause outside parentheses, without values and quoted names, which are no keywords. */
export function keywordsOf(clause: readonly Token[]): string {
  let depth = 0;
  const words: string[] = [];
  for (const { kind, text } of clause) {
    if (text === ")") depth--;
    if (depth === 0 && kind !== "string" && kind !== "name") words.push(text.toUpperCase());
    if (text === "(") depth++;
  }
  return words.join(" ");
}

/** What a token names, quoted or not, in lower case: settings may be written either way. */
function nameOf({ kind, text }: Token): string {
  return (kind === "name" ? text.slice(1, -1) : text).toLowerCase();
}

/** The settings that a SET or RESET touches, in lower case, without their scope; `global`: those of the whole server. */
export function settingsOf({ tokens }: Statement, engine: Engine): { name: string; global: boolean }[] {
  if (!/^(SET|RESET)$/i.test(tokens[0]?.text ?? "")) return [];
  return clausesOf(tokens.slice(1)).flatMap((clause) => {
    const names = clause.filter(({ text }) => text !== "@" && text !== ".").map(nameOf);
    // @a is a variable of the user's, @@a one of the server's.
    if (engine === "mariadb" && clause[0]?.text === "@" && clause[1]?.text !== "@") return [];
    const scope = /^(session|local|global|persist)$/;
    const at = scope.test(names[0] ?? "") ? 1 : 0;
    return [{ name: names[at] ?? "", global: at === 1 && /^(global|persist)$/.test(names[0] ?? "") }];
  });
}
