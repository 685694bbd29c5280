import { isUnknown, type Value } from "../plain";

/** One value that holds no others, with where it is. */
export interface Leaf {
  /** `["rules", "[]", "filter", "prefix"]` */
  segments: readonly string[];
  /** `rules[0].filter.prefix`, as a message names it. */
  path: string;
  value: Value;
}

/** Stands for the place of an item in a list. */
const ITEM = "[]";
/** What the engine and the bridged plugins add for their own use. */
const INTERNAL = new Set(["__defaults", "__internal", "__meta"]);

/** The leaves that a program set. */
export function leavesOf(value: Value): Generator<Leaf> {
  return leaves(value, INTERNAL);
}

/** What is added for their own use is kept in the state, too: a secret may be in it. */
export function allLeavesOf(value: Value): Generator<Leaf> {
  return leaves(value, new Set());
}

function* leaves(
  value: Value,
  without: ReadonlySet<string>,
  segments: readonly string[] = [],
  path = "",
): Generator<Leaf> {
  if (value === undefined || value === null) return;
  const inner: [segment: string, path: string, value: Value][] = Array.isArray(value)
    ? value.map((item, index) => [ITEM, `${path}[${index}]`, item])
    : typeof value === "object" && !isUnknown(value)
      ? Object.entries(value)
          .filter(([key]) => !without.has(key))
          // A key that looks like the place of an item is none.
          .map(([key, item]) => [key === ITEM ? `"${key}"` : key, joined(path, key), item])
      : [];
  const empty = typeof value === "object" && Object.keys(value).every((key) => without.has(key));
  if (inner.length === 0 || empty) {
    if (segments.length > 0) yield { segments, path, value };
    return;
  }
  for (const [segment, at, item] of inner) yield* leaves(item, without, [...segments, segment], at);
}

/** The path of a field, as it is written everywhere in the pack. */
export function joined(path: string, key: string): string {
  const plain = /^[A-Za-z_]\w*$/.test(key);
  return path === "" ? key : plain ? `${path}.${key}` : `${path}["${key}"]`;
}

/** `rules[].filter.prefix` -> `["rules", "[]", "filter", "prefix"]` */
function segmentsOf(pattern: string): string[] {
  return pattern.replaceAll("[]", ".[]").split(".");
}

/**
 * Whether a pattern names a leaf. A value that holds others and is not known, or empty, is named by what it would hold.
 */
export function names(pattern: string, { segments, value }: Leaf): boolean {
  const wanted = segmentsOf(pattern);
  const holds = isUnknown(value) || typeof value === "object";
  for (const [index, segment] of segments.entries()) {
    const want = wanted[index];
    if (want === "**") return true;
    if (want === undefined || (want !== "*" && want !== segment) || (want === "*" && segment === ITEM))
      return false;
  }
  return wanted.length === segments.length || (holds && wanted.length > segments.length);
}
