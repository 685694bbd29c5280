import { createHash } from "node:crypto";
import type { Engine } from "../types";
import { readStatements, SqlFault } from "./split";
import { readText, type TextFault } from "./text";
import type { Script } from "./types";

const DIRECTIVE = /^--\s*estate:\s*(.*?)\s*$/;
const NO_TRANSACTION = "no-transaction";

/** Reads one file's text. Throws SqlFault: every fault with `source` and its line. */
export function parseScript(content: string | Uint8Array, engine: Engine, source: string): Script {
  const { script, faults } = readScript(content, engine, source);
  if (faults.length > 0) throw new SqlFault(faults, source);
  return script;
}

/** Reads one file with its faults; what could be read of it is there with them. */
export function readScript(
  content: string | Uint8Array,
  engine: Engine,
  source: string,
): { script: Script; faults: TextFault[] } {
  const { text, faults } = readText(content);
  const read = readStatements(text, engine);
  const transactional =
    engine === "postgres" && !directivesOf(text).some(({ word }) => word === NO_TRANSACTION);
  const script = { source, text, checksum: checksumOf(text), transactional, statements: read.statements };
  return { script, faults: [...faults, ...read.faults] };
}

/** Line ends are the editor's business. */
export function checksumOf(text: string): string {
  return createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
}

/** `-- estate: ...` lines, wherever they stand. */
export function directivesOf(text: string): { word: string; line: number; known: boolean }[] {
  return text.split("\n").flatMap((content, index) => {
    const word = DIRECTIVE.exec(content.trimEnd())?.[1];
    return word === undefined ? [] : [{ word, line: index + 1, known: word === NO_TRANSACTION }];
  });
}

/** `0001_users` -> version and name. undefined: no migration is called so. */
export function parseId(id: string): { version: number; name: string } | undefined {
  const [, digits, name] = /^(\d{4})_([a-z][a-z0-9_]{0,60})$/.exec(id) ?? [];
  return digits && name && Number(digits) > 0 ? { version: Number(digits), name } : undefined;
}

export function idOf({ version, name }: { version: number; name: string }): string {
  return `${String(version).padStart(4, "0")}_${name}`;
}
