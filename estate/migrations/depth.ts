import type { Engine } from "../types";
import type { Token } from "./token";

/** How deep in parentheses and in the body of an SQL-standard function a PostgreSQL statement is. MariaDB's are never deep. */
export class BodyDepth {
  private parentheses = 0;
  private blocks = 0;
  /** As psql counts them: any BEGIN, CASE and END of a routine, also where the word is a name. */
  private clientBlocks = 0;
  private words: string[] = [];
  private routine = false;
  private before = "";

  constructor(private readonly engine: Engine) {}

  get closed(): boolean {
    return this.parentheses === 0 && this.blocks === 0;
  }

  /** false: psql and the server do not end the statement at the same `;`. */
  get toldAlike(): boolean {
    return this.parentheses > 0 || (this.blocks === 0) === (this.clientBlocks === 0);
  }

  /** What is not closed. */
  get open(): string {
    return this.parentheses > 0
      ? "a parenthesis of the statement that begins here is never closed"
      : "BEGIN ATOMIC of the statement that begins here has no END";
  }

  reset(): void {
    this.parentheses = 0;
    this.blocks = 0;
    this.clientBlocks = 0;
    this.words = [];
    this.routine = false;
    this.before = "";
  }

  pass({ kind, text }: Token): void {
    if (this.engine !== "postgres") return;
    const before = this.before;
    this.before = kind === "word" ? text.toUpperCase() : text;
    if (text === "(") this.parentheses++;
    if (text === ")") this.parentheses = Math.max(0, this.parentheses - 1);
    if (kind !== "word") return;
    this.count(this.before, before);
  }

  private count(word: string, before: string): void {
    if (this.words.length < 4) {
      this.words.push(word);
      this.routine = /^CREATE( OR REPLACE)? (FUNCTION|PROCEDURE)\b/.test(this.words.join(" "));
    }
    if (!this.routine || this.parentheses > 0) return;
    if (word === "BEGIN" || (word === "CASE" && this.clientBlocks > 0)) this.clientBlocks++;
    else if (word === "END" && this.clientBlocks > 0) this.clientBlocks--;
    // As a label or a column any word may stand: SELECT 1 AS end, t.case.
    if (before === "AS" || before === ".") return;
    if (word === "ATOMIC" && before === "BEGIN" && this.blocks === 0) this.blocks = 1;
    else if (word === "CASE" && this.blocks > 0) this.blocks++;
    else if (word === "END" && this.blocks > 0) this.blocks--;
  }
}
