import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Digests of what the program runs on hosts. They are kept beside the rules, so that a change of a script takes two files:
 * the script, and this list. `make digests` writes it anew.
 */
export interface Digests {
  /** Of what a command runs, its variables apart; by the names of the scripts. */
  commands: Record<string, string>;
  /** Of files of the backup agent, by path. */
  files: Record<string, string>;
}

export const DIGESTS_FILE = join(__dirname, "digests.json");

/** SHA-256, hex. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

let read: Digests | undefined;

export function readDigests(): Digests {
  read ??= JSON.parse(readFileSync(DIGESTS_FILE, "utf8")) as Digests;
  return read;
}
