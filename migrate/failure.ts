import { summaryOf } from "../estate/migrations/split";
import type { Script } from "../estate/migrations/types";
import { MigrationError } from "./types";

interface Refusal {
  message: string;
  /** Characters from the statement's beginning, from 1 (PostgreSQL). */
  position?: number | undefined;
}

/** Which statement at which line failed, and why; nothing of a row's content. */
export function statementFailure(script: Script, step: number, refusal: Refusal): MigrationError {
  const statement = script.statements[step];
  if (!statement) return new MigrationError(`${script.source}: ${withoutValues(refusal.message)}`);
  const line = statement.line + lineWithin(statement.text, refusal);
  return new MigrationError(
    `${script.source}:${line}: statement ${step + 1} of ${script.statements.length} (${summaryOf(statement)}) failed: ` +
      withoutValues(refusal.message),
  );
}

function lineWithin(text: string, { message, position }: Refusal): number {
  if (position !== undefined)
    return [...text].slice(0, position - 1).filter((letter) => letter === "\n").length;
  // MariaDB counts the lines of the statement; a body counts its own.
  const counted = /^You have an error in your SQL syntax.* at line (\d+)$/s.exec(message)?.[1];
  return counted ? Math.min(Number(counted), text.split("\n").length) - 1 : 0;
}

/** Servers quote the value that did not fit. Names of constraints, columns and types stay. */
export function withoutValues(message: string): string {
  return message
    .replace(/^(invalid input .*?|.* out of range.*?|malformed .*?|.*value too long.*?): ".*"$/s, '$1: "..."')
    .replace(/^(Duplicate entry) '.*' (for key)/s, "$1 '...' $2")
    .replace(/^((?:Incorrect|Truncated incorrect|Invalid) .*?value): '.*?'( for|$)/s, "$1: '...'$2")
    .replace(/ near '.*' at line \d+$/s, "");
}
