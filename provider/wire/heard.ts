import { MOVING } from "../../connect/words";
import type { Properties, Value } from "./kind";
import { isMark } from "./values";

/** Longer than anything that is declared. It would be kept in the state, and sent with every call, for ever. */
const LARGEST = 8 * 2 ** 20;
/** What a value takes beside its text, so that a list of empty ones ends too. */
const PER_VALUE = 8;
/** Deeper than anything that is declared: what reads the state goes down by a call of its own for each level. */
const DEEPEST = 64;

/**
 * What a read has found, as it may go to the engine: it ends in the operator's terminal and in the state, and a host that was taken over
 * says what it likes. What would move a terminal, and what the engine takes for a mark of its own (a secret, an asset of a file here, a
 * value that is not known), is shown as U+FFFD, which nobody declares: it stays a difference. What was known before is left as it is.
 * Throws where it is larger than a state can hold.
 */
export function heard(found: Properties, ...known: readonly Properties[]): Properties {
  const texts = new Set<string>();
  for (const each of known) collect(each, texts);
  let size = 0;
  const text = (value: string): string => {
    size += value.length;
    if (size > LARGEST) throw new Error(`the answer has more than ${LARGEST} characters, and is not kept`);
    if (texts.has(value)) return value;
    return isMark(value)
      ? REPLACED
      : value.replace(MOVING, (each) => (/[\n\t]/.test(each) ? each : REPLACED));
  };
  const walk = (value: Value, depth: number): Value => {
    if (depth > DEEPEST) throw new Error(`the answer is nested deeper than ${DEEPEST}, and is not kept`);
    size += PER_VALUE;
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each: Value) => walk(each, depth + 1));
    const clean = new Map<string, Value>();
    for (const [key, each] of Object.entries(value)) {
      if (each === undefined) continue;
      let name = text(key);
      while (clean.has(name)) name += REPLACED;
      clean.set(name, walk(each, depth + 1));
    }
    return Object.fromEntries(clean);
  };
  return walk(found, 0) as Properties;
}

const REPLACED = "\ufffd";

function collect(value: Value | undefined, into: Set<string>): void {
  if (typeof value === "string") into.add(value);
  if (typeof value !== "object" || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    if (!Array.isArray(value)) into.add(key);
    collect(each, into);
  }
}
