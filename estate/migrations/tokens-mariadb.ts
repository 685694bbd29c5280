import { BLANKS, behind, endOfLine, endOfQuoted, match, UnfinishedSql } from "./scan";
import type { Token } from "./token";

const WORD = /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.$\u0080-\uffff]*/y;
/** Also within another comment, which the server ends elsewhere than a reader does. */
const EXECUTABLE = /\/\*M?!/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that the server takes for a blank here, and the client does not
const CONTROL = /[\u0001-\u0008\u000e-\u001f\u007f]/;

/** As the server's scanner reads in the SQL modes of our connections, and the mariadb client too. Throws UnfinishedSql. */
export function mariadbTokenAt(sql: string, at: number): Token {
  const blanks = match(BLANKS, sql, at);
  if (blanks) return { kind: "blank", text: blanks, at };
  const until = (kind: Token["kind"], what: string, end: number): Token => {
    if (end === -1) throw new UnfinishedSql(what, at);
    return { kind, text: sql.slice(at, end), at };
  };
  const letter = sql.charAt(at);
  if (letter === "#") return until("comment", "a comment", endOfLine(sql, at));
  if (sql.startsWith("--", at)) {
    const next = sql.charAt(at + 2);
    if (next === "" || match(BLANKS, sql, at + 2)) return until("comment", "a comment", endOfLine(sql, at));
    if (CONTROL.test(next)) {
      const fault = "`--` before a control character is a comment to the server alone: put a blank behind it";
      return { kind: "other", text: "--", at, fault };
    }
  }
  if (sql.startsWith("/*", at)) {
    const comment = until("comment", "a comment", behind(sql, "*/", at + 2));
    if (!EXECUTABLE.test(comment.text)) return comment;
    const fault =
      "an executable comment is a statement to the server, or to some servers: write the statement without it";
    return { ...comment, fault };
  }
  if (letter === "'" || letter === '"') {
    return until("string", "a string", endOfQuoted(sql, at + 1, letter, true));
  }
  if (letter === "`") return until("name", "a quoted name", endOfQuoted(sql, at + 1, letter, false));
  const word = match(WORD, sql, at) ?? (sql.startsWith("\\N", at) ? "\\N" : undefined);
  if (word) return { kind: "word", text: word, at };
  const number = match(NUMBER, sql, at);
  if (number) return { kind: "other", text: number, at };
  if (letter === "\\") {
    const fault = `commands of the mariadb client (${sql.slice(at, at + 2).trim()}) are not for the server: write SQL alone, with ; at its end`;
    return { kind: "other", text: letter, at, fault };
  }
  return { kind: "other", text: letter, at };
}
