import type { Engine } from "../types";
import { clientCommand } from "./client-commands";
import { BodyDepth } from "./depth";
import { endOfLine, lineNumbers, UnfinishedSql } from "./scan";
import type { TextFault } from "./text";
import type { Token } from "./token";
import { tokenAt } from "./tokens";

/** One statement of a file, without its delimiter and without comments before it. */
export interface Statement {
  text: string;
  /** Line of its first word in the file, from 1. */
  line: number;
  /** What says something: no blanks, no comments. */
  tokens: Token[];
}

/** Faults of the text itself. */
export class SqlFault extends Error {
  constructor(
    readonly faults: readonly TextFault[],
    /** The file, as the project knows it. */
    source = "SQL",
  ) {
    super(faults.map(({ line, message }) => `${source}:${line}: ${message}`).join("\n"));
    this.name = "SqlFault";
  }
}

/** As `readStatements`. Throws SqlFault where it finds a fault. */
export function splitStatements(sql: string, engine: Engine): Statement[] {
  const { statements, faults } = readStatements(sql, engine);
  if (faults.length > 0) throw new SqlFault(faults);
  return statements;
}

/**
 * The statements of a file in their order, as the engine's own client tells them apart: `;` ends one where it stands in no
 * string, comment, parentheses (PostgreSQL) or `BEGIN ATOMIC ... END`; MariaDB files may set another delimiter. What client,
 * server and reader would not take for the same is a fault.
 */
export function readStatements(
  sql: string,
  engine: Engine,
): { statements: Statement[]; faults: TextFault[] } {
  const reader = new Reader(sql, engine);
  try {
    reader.read();
  } catch (error) {
    if (!(error instanceof UnfinishedSql)) throw error;
    reader.fault(error.at, error.message);
  }
  const { statements, faults } = reader;
  return { statements, faults };
}

const PSQL_BLOCKS =
  "psql counts BEGIN, CASE and END of a routine also where they are names, and ends the statement elsewhere: quote the name";
const JOINED =
  "the mariadb client joins a line that begins with the letters DELIMITER to the next one: indent the line";

function isJoined(sql: string, at: number): boolean {
  return (at === 0 || sql.charAt(at - 1) === "\n") && /^delimiter$/i.test(sql.slice(at, at + 9));
}

class Reader {
  readonly statements: Statement[] = [];
  readonly faults: TextFault[] = [];
  private tokens: Token[] = [];
  private delimiter = ";";
  private readonly depth: BodyDepth;
  private readonly lineOf: (at: number) => number;

  constructor(
    private readonly sql: string,
    private readonly engine: Engine,
  ) {
    this.depth = new BodyDepth(engine);
    this.lineOf = lineNumbers(sql);
  }

  read(): void {
    const end = this.sql.length;
    for (let at = 0; at < end; ) at = this.next(at);
    const [left] = this.tokens;
    if (left && this.delimiter !== ";") {
      this.fault(left.at, `the statement that begins here is not ended by the delimiter ${this.delimiter}`);
    }
    if (left && !this.depth.closed) this.fault(left.at, this.depth.open);
    this.finish(end);
  }

  fault(at: number, message: string): void {
    this.faults.push({ line: this.lineOf(at), message });
  }

  /** Reads on from `at`; gives back where to go on. */
  private next(at: number): number {
    const { sql, engine, delimiter } = this;
    if (sql.startsWith(delimiter, at) && !this.depth.toldAlike) this.fault(at, PSQL_BLOCKS);
    if (sql.startsWith(delimiter, at) && this.depth.closed) {
      const rows = this.rowsOfCopy();
      this.finish(at);
      return rows ? endOfRows(sql, at) : at + delimiter.length;
    }
    const command = this.tokens.length === 0 ? clientCommand(sql, at, engine) : undefined;
    if (command) {
      if (command.fault) this.fault(at, command.fault);
      this.delimiter = command.delimiter ?? delimiter;
      return endOfLine(sql, at);
    }
    const token = this.upToDelimiter(tokenAt(sql, at, engine));
    if (token.fault) this.fault(at, token.fault);
    if (engine === "mariadb" && token.kind === "word" && isJoined(sql, at)) this.fault(at, JOINED);
    // The rest of a client's command is its own language.
    if (token.fault && token.text === "\\") return endOfLine(sql, at);
    if (token.kind !== "blank" && token.kind !== "comment") {
      this.tokens.push(token);
      this.depth.pass(token);
    }
    return at + token.text.length;
  }

  /** A delimiter ends a statement also in the middle of what would be a word: `END$$`. */
  private upToDelimiter(token: Token): Token {
    if (this.delimiter === ";" || (token.kind !== "word" && token.kind !== "other")) return token;
    const end = token.text.indexOf(this.delimiter);
    return end > 0 ? { ...token, text: token.text.slice(0, end) } : token;
  }

  private finish(end: number): void {
    const { tokens } = this;
    const [first] = tokens;
    if (first) {
      const text = this.sql.slice(first.at, end).replace(/[ \t\n\r\f\v]+$/, "");
      this.statements.push({ text, line: this.lineOf(first.at), tokens });
    }
    this.tokens = [];
    this.depth.reset();
  }

  /** psql reads what follows as rows up to a line `\.`; the statement itself is refused by a rule. */
  private rowsOfCopy(): boolean {
    if (this.engine !== "postgres" || this.tokens[0]?.text.toUpperCase() !== "COPY") return false;
    return this.tokens.some(({ kind, text }) => kind === "word" && text.toUpperCase() === "STDIN");
  }
}

function endOfRows(sql: string, at: number): number {
  const end = /^\\\.$/gm;
  end.lastIndex = at;
  return end.exec(sql) ? end.lastIndex : sql.length;
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
