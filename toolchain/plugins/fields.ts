import { diffInputs } from "../../provider/wire/diff";
import {
  type CheckFailure,
  type FieldChange,
  type Properties,
  UNKNOWN,
  type Value,
} from "../../provider/wire/kind";

/**
 * What a stand-in knows of one input property. A property that is not listed is refused, never ignored: a program
 * that runs with the stand-in must mean the same with the real plugin.
 */
export interface Field {
  type: "string" | "number" | "boolean" | "strings" | "map" | "object" | "objects" | "any";
  /** Of an object, or of each of several: what may stand in it. */
  fields?: Fields;
  required?: boolean;
  default?: Value;
  /** The server decides where it is not declared: leaving it out is no change. */
  computed?: boolean;
  /** Only says how to create or delete: kept, never compared with the server. */
  local?: boolean;
  /** A change replaces the resource. */
  replaces?: boolean;
  /** Do two values that are written differently mean the same? */
  same?(one: Value, other: Value): boolean;
  /** What is wrong with a known value; undefined: nothing. */
  fault?(value: Value): string | undefined;
}

export type Fields = Readonly<Record<string, Field>>;

const TYPES: Record<Field["type"], { name: string; holds(value: Value): boolean }> = {
  string: { name: "a string", holds: (value) => typeof value === "string" },
  number: { name: "a whole number", holds: (value) => Number.isInteger(value) },
  boolean: { name: "true or false", holds: (value) => typeof value === "boolean" },
  strings: { name: "a list of strings", holds: (value) => Array.isArray(value) && value.every(isText) },
  map: { name: "a map of strings", holds: (value) => isObject(value) && Object.values(value).every(isText) },
  object: { name: "an object", holds: isObject },
  objects: { name: "a list of objects", holds: (value) => Array.isArray(value) && value.every(isPart) },
  any: { name: "a value", holds: () => true },
};

/** Checks types and presence, fills in defaults. All faults at once. `owner`: the real package, `@pulumi/random`. */
export function checkFields(
  owner: string,
  fields: Fields,
  news: Properties,
): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const inputs: Record<string, Value> = {};
  for (const [property, value] of Object.entries(news)) {
    const field = fields[property];
    if (value === null || value === undefined) continue;
    if (!field) {
      failures.push({
        property,
        reason: `unsupported by the stand-in of ${owner}. Leave it out, or run with the real plugin`,
      });
    } else if (value !== UNKNOWN && !TYPES[field.type].holds(value)) {
      failures.push({ property, reason: `must be ${TYPES[field.type].name}` });
    } else {
      const reason = value === UNKNOWN ? undefined : field.fault?.(value);
      if (reason) failures.push({ property, reason });
      inputs[property] = field.fields ? checkParts(owner, field.fields, property, value, failures) : value;
    }
  }
  for (const [property, field] of Object.entries(fields)) {
    if (property in inputs || failures.some((failure) => failure.property === property)) continue;
    if (field.required) failures.push({ property, reason: "is missing" });
    else if (field.default !== undefined) inputs[property] = field.default;
  }
  return { inputs, failures };
}

/** What stands within an object or a list of them, each fault with its path: `rules[0].filter.tag`. */
function checkParts(
  owner: string,
  fields: Fields,
  path: string,
  value: Value,
  failures: CheckFailure[],
): Value {
  if (Array.isArray(value)) {
    return value.map((item, index) => checkParts(owner, fields, `${path}[${index}]`, item, failures));
  }
  if (!isObject(value)) return value;
  const checked = checkFields(owner, fields, value);
  for (const { property, reason } of checked.failures)
    failures.push({ property: `${path}.${property}`, reason });
  return checked.inputs;
}

/**
 * The declared fields that differ from what is there, as the bridged plugins find them: the state against the new
 * inputs. One that is not declared and has no default must be empty, unless the server decides it.
 */
export function changedFields(fields: Fields, state: Properties, news: Properties): FieldChange[] {
  const changes: FieldChange[] = [];
  for (const [path, field] of Object.entries(fields)) {
    const before = state[path];
    const after = news[path];
    const declared = after !== undefined && after !== null && after !== "";
    if (same(before, after) || (field.computed && !declared)) continue;
    if (field.same && before !== undefined && after !== undefined && field.same(before, after)) continue;
    const kind = before === undefined ? "add" : declared ? "update" : "delete";
    const replaces = field.replaces ? { replaces: true } : {};
    // Of what is made of parts, those that differ: nobody finds a changed number in a list of rules.
    const parts = field.fields && before !== undefined && declared ? differingParts(path, before, after) : [];
    if (parts.length > 0) changes.push(...parts.map((part) => ({ ...part, ...replaces })));
    else changes.push({ path, kind, ...replaces });
  }
  return changes;
}

function differingParts(path: string, before: Value, after: Value): FieldChange[] {
  return diffInputs({ [path]: pruned(before) }, { [path]: pruned(after) });
}

/** Without what is empty: an absent part and an empty one are the same. */
function pruned(value: Value): Value {
  if (Array.isArray(value)) return value.map(pruned);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (isEmpty(item) ? [] : [[key, pruned(item)]])),
  );
}

/**
 * The inputs that declare exactly `state`: what was declared before, with the values that are there now, and what
 * nobody declared but the server has. Without old inputs (import): every field that is not empty.
 */
export function inputsFrom(fields: Fields, state: Properties, old: Properties | undefined): Properties {
  const inputs: Record<string, Value> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.local) {
      const value = old?.[name] ?? field.default;
      if (value !== undefined) inputs[name] = value;
      continue;
    }
    const value = state[name];
    const declared = old !== undefined && name in old;
    if (value === undefined || (isEmpty(value) && !declared && field.default === undefined)) continue;
    if (declared || old === undefined || !field.computed) inputs[name] = value;
  }
  return inputs;
}

/** Absent, or what the absent value stands for. */
function isEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function same(one: Value | undefined, other: Value | undefined): boolean {
  if (isEmpty(one) && isEmpty(other)) return true;
  if (isObject(one) && isObject(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...keys].every((key) => same(one[key], other[key]));
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => same(item, other[index]));
  }
  return one === other;
}

function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPart(value: Value): boolean {
  return value === UNKNOWN || isObject(value);
}

function isText(value: Value): boolean {
  return value === UNKNOWN || typeof value === "string";
}

/**
 * Configuration arrives as the engine sends it: the real packages turn all but texts into JSON texts, and
 * `pulumi config set` only knows texts. Gives each its declared type back.
 */
export function parseConfig(fields: Fields, news: Properties): Properties {
  const parsed = Object.entries(news).map(([name, value]): [string, Value] => {
    const type = fields[name]?.type;
    if (typeof value !== "string") return [name, value];
    if (type === "number" && /^-?\d+$/.test(value)) return [name, Number(value)];
    if (type === "boolean" && /^(true|false)$/.test(value)) return [name, value === "true"];
    if ((type === "object" || type === "objects") && /^[[{]/.test(value)) return [name, JSON.parse(value)];
    return [name, value];
  });
  return Object.fromEntries(parsed);
}
