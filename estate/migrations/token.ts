/**
 * The least that has to be known of SQL to tell its statements apart: what is a comment, a string, a quoted name or a
 * word, in PostgreSQL (standard_conforming_strings on) and in MariaDB (without ANSI_QUOTES and NO_BACKSLASH_ESCAPES).
 * The tokens of a text, end to end, are the text.
 */
export interface Token {
  kind: "blank" | "comment" | "string" | "name" | "word" | "other";
  text: string;
  /** Offset in the text. */
  at: number;
  /** Why no file may hold it: server, client and reader do not see the same in it. */
  fault?: string;
}
