import type { FieldChange, Properties, Value } from "./kind";

type Maybe = Value | undefined;

/**
 * Every field in which the new inputs differ from the old ones, each with the path the engine prints:
 * `limits.connections`, `grants[0].privileges[1]`, `grants["svc_x on tables in public"]`.
 * A field that is null and one that is absent are the same; an unknown one may differ and so counts as changed.
 * @param replaceOn top-level names whose change replaces the resource
 */
export function diffInputs(
  olds: Properties,
  news: Properties,
  replaceOn: readonly string[] = [],
): FieldChange[] {
  const changes: FieldChange[] = [];
  for (const name of unionOfKeys(olds, news)) {
    const found: FieldChange[] = [];
    compare(olds[name], news[name], keyPath("", name), found);
    const replaces = replaceOn.includes(name);
    for (const change of found) changes.push(replaces ? { ...change, replaces } : change);
  }
  return changes;
}

function compare(before: Maybe, after: Maybe, path: string, changes: FieldChange[]): void {
  const had = before !== undefined && before !== null;
  const has = after !== undefined && after !== null;
  if (!had && !has) return;
  if (!had) changes.push({ path, kind: "add" });
  else if (!has) changes.push({ path, kind: "delete" });
  else if (isArray(before) && isArray(after)) compareArrays(before, after, path, changes);
  else if (isObject(before) && isObject(after)) {
    for (const key of unionOfKeys(before, after)) {
      compare(before[key], after[key], keyPath(path, key), changes);
    }
  } else if (before !== after) changes.push({ path, kind: "update" });
}

function compareArrays(
  before: readonly Value[],
  after: readonly Value[],
  path: string,
  changes: FieldChange[],
): void {
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    compare(before[index], after[index], `${path}[${index}]`, changes);
  }
}

function isArray(value: Maybe): value is readonly Value[] {
  return Array.isArray(value);
}

function isObject(value: Maybe): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unionOfKeys(one: Properties, other: Properties): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])];
}

/** Appends a key to a property path, quoted where it is not an identifier. */
export function keyPath(parent: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) {
    return `${parent}["${key.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
  }
  return parent === "" ? key : `${parent}.${key}`;
}

/** The top-level name that a property path begins with. */
export function rootOf(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path);
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\(.)/g, "$1");
  return path.split(/[.[]/, 1)[0] ?? path;
}
