import { summaryOf } from "../estate/migrations/split";
import type { Script } from "../estate/migrations/types";
import { MigrationError } from "./types";

interface Refusal {
  message: string;
  /** Characters from the statement's beginning, from 1 (PostgreSQL). */
  position?: number | undefined;
  /** Line of the statement, from 1 (MariaDB). A body counts its own. */
  line?: number | undefined;
}

/** Which statement at which line failed, and why. */
export function statementFailure(script: Script, step: number, refusal: Refusal): MigrationError {
  const statement = script.statements[step];
  if (!statement) return new MigrationError(`${script.source}: ${refusal.message}`);
  const line = statement.line + lineWithin(statement.text, refusal);
  return new MigrationError(
    `${script.source}:${line}: statement ${step + 1} of ${script.statements.length} (${summaryOf(statement)}) failed: ` +
      refusal.message,
  );
}

function lineWithin(text: string, { position, line }: Refusal): number {
  if (position !== undefined)
    return [...text].slice(0, position - 1).filter((letter) => letter === "\n").length;
  return line === undefined ? 0 : Math.min(line, text.split("\n").length) - 1;
}
