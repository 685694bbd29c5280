import type { Engine } from "../types";

/**
 * The least that has to be known of SQL to tell its statements apart: what is a comment, a string, a quoted name or a
 * word, in PostgreSQL (standard_conforming_strings on) and in MariaDB (without ANSI_QUOTES and NO_BACKSLASH_ESCAPES).
 */
export interface Token {
  kind: "blank" | "comment" | "string" | "name" | "word" | "other";
  text: string;
  /** Offset in the text. */
  at: number;
}

/** Something begins and never ends. */
export class UnfinishedSql extends Error {
  constructor(
    what: string,
    readonly at: number,
  ) {
    super(`${what} that begins here never ends`);
  }
}

interface Shape {
  kind: Token["kind"];
  what: string;
  /** Sticky. Matches the whole token, where it ends. */
  whole: RegExp;
  /** Sticky. Matches its beginning, so that one without an end is noticed. */
  begins?: RegExp;
}

const blank: Shape = { kind: "blank", what: "blanks", whole: /\s+/y };

const SHAPES: Record<Engine, Shape[]> = {
  postgres: [
    blank,
    { kind: "comment", what: "a comment", whole: /--[^\n]*/y },
    {
      kind: "string",
      what: "a string",
      whole: /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y,
      begins: /[eE]'/y,
    },
    { kind: "string", what: "a string", whole: /'(?:[^']|'')*'/y, begins: /'/y },
    {
      kind: "string",
      what: "a dollar-quoted string",
      whole: /(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[\s\S]*?\1/y,
      begins: /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y,
    },
    { kind: "name", what: "a quoted name", whole: /"(?:[^"]|"")*"/y, begins: /"/y },
    { kind: "word", what: "a word", whole: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y },
    { kind: "other", what: "a number", whole: /\d[\w.]*/y },
  ],
  mariadb: [
    blank,
    { kind: "comment", what: "a comment", whole: /(?:#|--(?=\s|$))[^\n]*/y },
    { kind: "comment", what: "a comment", whole: /\/\*[\s\S]*?\*\//y, begins: /\/\*/y },
    { kind: "string", what: "a string", whole: /'(?:[^'\\]|''|\\[\s\S])*'/y, begins: /'/y },
    { kind: "string", what: "a string", whole: /"(?:[^"\\]|""|\\[\s\S])*"/y, begins: /"/y },
    { kind: "name", what: "a quoted name", whole: /`(?:[^`]|``)*`/y, begins: /`/y },
    { kind: "word", what: "a word", whole: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y },
    { kind: "other", what: "a number", whole: /\d[\w.]*/y },
  ],
};

/** The token at `at`. Throws UnfinishedSql. */
export function tokenAt(sql: string, at: number, engine: Engine): Token {
  if (engine === "postgres" && sql.startsWith("/*", at)) {
    return { kind: "comment", text: nestedComment(sql, at), at };
  }
  for (const { kind, what, whole, begins } of SHAPES[engine]) {
    const text = match(whole, sql, at);
    if (text !== undefined) return { kind, text, at };
    if (begins && match(begins, sql, at) !== undefined) throw new UnfinishedSql(what, at);
  }
  return { kind: "other", text: sql.charAt(at), at };
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/** PostgreSQL's comments nest. */
function nestedComment(sql: string, at: number): string {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return sql.slice(at, marks.lastIndex);
  }
  throw new UnfinishedSql("a comment", at);
}
