import type { Engine } from "../types";
import { type Token, tokenAt, UnfinishedSql } from "./tokens";

/** One statement of a file, without its delimiter and without comments before it. */
export interface Statement {
  text: string;
  /** Line of its first word in the file, from 1. */
  line: number;
  /** What says something: no blanks, no comments. */
  tokens: Token[];
}

/** A fault of the text itself. */
export class SqlFault extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

/**
 * The statements of a file in their order. `;` ends one where it stands in no string, comment, parentheses (PostgreSQL)
 * or `BEGIN ATOMIC ... END`; MariaDB files may set another delimiter as for the mariadb client. Throws SqlFault.
 */
export function splitStatements(sql: string, engine: Engine): Statement[] {
  try {
    return split(sql, engine);
  } catch (error) {
    if (error instanceof UnfinishedSql) throw new SqlFault(error.message, lineOf(sql, error.at));
    throw error;
  }
}

/** Line of an offset, from 1. */
export function lineOf(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf("\n"); next !== -1 && next < at; next = text.indexOf("\n", next + 1)) line++;
  return line;
}

function split(sql: string, engine: Engine): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  let delimiter = ";";
  const depth = new Depth(engine);
  const finish = (end: number) => {
    const [first] = tokens;
    if (first) {
      statements.push({ text: sql.slice(first.at, end).trimEnd(), line: lineOf(sql, first.at), tokens });
    }
    tokens = [];
    depth.reset();
  };
  for (let at = 0; at < sql.length; ) {
    const command = tokens.length === 0 && engine === "mariadb" ? delimiterCommand(sql, at) : undefined;
    if (command) {
      delimiter = command.delimiter;
      at += command.length;
    } else if (sql.startsWith(delimiter, at) && depth.closed) {
      finish(at);
      at += delimiter.length;
    } else {
      const token = tokenAt(sql, at, engine);
      if (token.kind !== "blank" && token.kind !== "comment") {
        tokens.push(token);
        depth.pass(token);
      }
      at += token.text.length;
    }
  }
  const [left] = tokens;
  if (left && delimiter !== ";") {
    throw new SqlFault(
      `the statement that begins here is not ended by the delimiter ${delimiter}`,
      lineOf(sql, left.at),
    );
  }
  finish(sql.length);
  return statements;
}

/** `DELIMITER //` at the beginning of a line, as the mariadb client reads it. */
function delimiterCommand(sql: string, at: number): { delimiter: string; length: number } | undefined {
  if (at > 0 && sql[at - 1] !== "\n") return undefined;
  const command = /^[ \t]*delimiter[ \t]+(\S+)[^\n]*/i.exec(lineFrom(sql, at));
  return command?.[1] ? { delimiter: command[1], length: command[0].length } : undefined;
}

/** How deep in parentheses and in the body of an SQL-standard function a PostgreSQL statement is, told as psql does. */
class Depth {
  private parentheses = 0;
  private blocks = 0;
  private words: string[] = [];

  constructor(private readonly engine: Engine) {}

  get closed(): boolean {
    return this.parentheses <= 0 && this.blocks === 0;
  }

  reset(): void {
    this.parentheses = 0;
    this.blocks = 0;
    this.words = [];
  }

  pass(token: Token): void {
    if (this.engine !== "postgres") return;
    if (token.text === "(") this.parentheses++;
    if (token.text === ")") this.parentheses--;
    if (token.kind !== "word") return;
    const word = token.text.toUpperCase();
    if (this.words.length < 4) this.words.push(word);
    if (!/^CREATE( OR REPLACE)? (FUNCTION|PROCEDURE)\b/.test(this.words.join(" "))) return;
    if (this.parentheses > 0) return;
    if (word === "BEGIN") this.blocks++;
    else if (word === "CASE" && this.blocks > 0) this.blocks++;
    else if (word === "END" && this.blocks > 0) this.blocks--;
  }
}

const MOST_WORDS = 12;

/** The statement's beginning, enough to know it by: words and names up to the first value. Never a value. */
export function summaryOf({ tokens }: Statement): string {
  const words: string[] = [];
  let end = 0;
  for (const { kind, text, at } of tokens) {
    const speaks = kind === "word" || kind === "name" || text === ".";
    if (!speaks || words.length >= MOST_WORDS) break;
    const glued = at === end && words.length > 0;
    if (glued) words.push(`${words.pop()}${text}`);
    else words.push(text);
    end = at + text.length;
  }
  return words.join(" ") || "a statement";
}

function lineFrom(sql: string, at: number): string {
  const end = sql.indexOf("\n", at);
  return sql.slice(at, end === -1 ? undefined : end);
}
