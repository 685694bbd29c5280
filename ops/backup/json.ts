import * as z from "zod";

/** What is read as a whole, into memory: more than the manifest of a server with a hundred thousand tables has. */
export const LARGEST_TEXT = 8 * 2 ** 20;
/** A host counts the rows of every table, and tells who may do what with each object. */
export const LARGEST_ANSWER = 32 * 2 ** 20;
/** Deeper than any of ours: a list within a list takes hundreds of bytes here for the one that it took there. */
const DEEPEST = 16;
/** Of what is wrong with a text, so that a text of a million faults is told in a few lines. */
const MOST_FAULTS = 5;

/**
 * JSON that somebody else wrote, at a cost that follows its length: a host that was taken over makes it as large, as deep and as wrong
 * as it can. Throws an error that names `where`.
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>, where: string, largest = LARGEST_TEXT): T {
  if (text.length > largest) throw new Error(`${where} has more than ${largest} characters`);
  if (isNestedDeeper(text, DEEPEST)) throw new Error(`${where} is nested deeper than ${DEEPEST}`);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Error(`${where} is no JSON`);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const fields = issues.slice(0, MOST_FAULTS).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  if (issues.length > MOST_FAULTS) fields.push(`and ${issues.length - MOST_FAULTS} more`);
  throw new Error(`${where} has another shape (${fields.join("; ")})`);
}

/** A list that is not looked at where it is longer: each item that does not fit is a fault of its own. */
export function listOf<T>(item: z.ZodType<T>, most: number) {
  const isShort = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= most;
  return z
    .custom<unknown[]>(isShort, `Invalid input: expected a list of at most ${most}`)
    .pipe(z.array(item));
}

/** Values by name, any number of them; that they do not fit is one fault. */
export function recordOf<T>(fits: (value: unknown) => value is T) {
  const isRecord = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  return z.custom<Record<string, T>>(
    (value) => isRecord(value) && Object.values(value as object).every(fits),
    "Invalid input: expected values of one type by name",
  );
}

export const isCount = (value: unknown): value is number => Number.isFinite(value);
export const isText = (value: unknown): value is string => typeof value === "string";

function isNestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') quoted = !quoted;
    else if (quoted && sign === "\\") at++;
    else if (quoted) continue;
    else if (sign === "[" || sign === "{") depth++;
    else if (sign === "]" || sign === "}") depth--;
    if (depth > most) return true;
  }
  return false;
}
