import { BLANKS, behind, endOfLine, endOfQuoted, match, UnfinishedSql } from "./scan";
import type { Token } from "./token";

const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const ESCAPE_STRING = /[eE]'/y;
const UNICODE_NAME = /[uU]&"/y;
/** To psql a variable, which it replaces where it knows one of the name; a type or an assignment (`::`, `:=`) is none. */
const VARIABLE = /:(?=[A-Za-z_\u0080-\uffff'"{])/y;
const COLONS = /:[:=]/y;
const MARKS = /\/\*|\*\//g;

/** As PostgreSQL's scanner reads with standard_conforming_strings on. Throws UnfinishedSql. */
export function postgresTokenAt(sql: string, at: number): Token {
  const blanks = match(BLANKS, sql, at);
  if (blanks) return { kind: "blank", text: blanks, at };
  const until = (kind: Token["kind"], what: string, end: number): Token => {
    if (end === -1) throw new UnfinishedSql(what, at);
    return { kind, text: sql.slice(at, end), at };
  };
  if (sql.startsWith("--", at)) return until("comment", "a comment", endOfLine(sql, at));
  if (sql.startsWith("/*", at)) return until("comment", "a comment", endOfComment(sql, at));
  if (match(ESCAPE_STRING, sql, at)) {
    const { end, fault } = endOfEscapes(sql, at + 2);
    return { ...until("string", "a string", end), ...(fault && { fault }) };
  }
  const letter = sql.charAt(at);
  if (letter === "'") return until("string", "a string", endOfQuoted(sql, at + 1, "'", false));
  if (letter === '"') return until("name", "a quoted name", endOfQuoted(sql, at + 1, '"', false));
  if (match(UNICODE_NAME, sql, at)) {
    const name = until("name", "a quoted name", endOfQuoted(sql, at + 3, '"', false));
    return {
      ...name,
      fault: 'a name in escapes (U&"...") is not the one that is read here: write the name itself',
    };
  }
  const dollar = letter === "$" ? match(DOLLAR, sql, at) : undefined;
  if (dollar) return until("string", "a dollar-quoted string", behind(sql, dollar, at + dollar.length));
  const word = match(WORD, sql, at);
  if (word) return { kind: "word", text: word, at };
  const number = match(NUMBER, sql, at);
  if (number) return { kind: "other", text: number, at };
  if (letter === "\\") {
    const fault = `commands of psql (${commandOf(sql, at)}) are not for the server: write SQL alone`;
    return { kind: "other", text: letter, at, fault };
  }
  const colons = match(COLONS, sql, at);
  if (colons) return { kind: "other", text: colons, at };
  if (match(VARIABLE, sql, at)) {
    const fault = "`:name` is a variable to psql: put a blank behind the colon";
    return { kind: "other", text: letter, at, fault };
  }
  return { kind: "other", text: letter, at };
}

function commandOf(sql: string, at: number): string {
  return /^\\(?:[a-z_]+|.)?/i.exec(sql.slice(at, at + 20))?.[0] ?? "\\";
}

/** PostgreSQL's comments nest. */
function endOfComment(sql: string, at: number): number {
  MARKS.lastIndex = at;
  let depth = 0;
  for (let mark = MARKS.exec(sql); mark; mark = MARKS.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return MARKS.lastIndex;
  }
  return -1;
}

/**
 * `E'a'` goes on behind blanks with a line feed among them, to the server with its escapes: `E'a'`, next line `'\\''`. psql, which
 * reads line by line, takes the second part for a string of its own.
 */
function endOfEscapes(sql: string, from: number): { end: number; fault?: string } {
  const first = endOfQuoted(sql, from, "'", true);
  for (let end = first; ; ) {
    const next = end === -1 ? undefined : continued(sql, end);
    if (next === undefined) {
      const escapes = end !== -1 && sql.slice(first, end).includes("\\");
      return {
        end,
        ...(escapes && { fault: "escapes in a string that goes on in another line: write it as one" }),
      };
    }
    end = endOfQuoted(sql, next, "'", true);
  }
}

/** Offset behind the quote that takes a string up again. */
function continued(sql: string, end: number): number | undefined {
  let lines = 0;
  for (let at = end; at < sql.length; ) {
    const blanks = match(BLANKS, sql, at);
    if (blanks) {
      if (blanks.includes("\n")) lines++;
      at += blanks.length;
    } else if (sql.startsWith("--", at)) at = endOfLine(sql, at);
    else return lines > 0 && sql.charAt(at) === "'" ? at + 1 : undefined;
  }
  return undefined;
}
