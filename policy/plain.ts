/** Stands for a value that is not known in a preview. */
export const UNKNOWN: unique symbol = Symbol.for("estate.policy.unknown");

export type Value =
  | undefined
  | null
  | boolean
  | number
  | string
  | typeof UNKNOWN
  | readonly Value[]
  | { readonly [key: string]: Value };
export type Properties = { readonly [key: string]: Value };

/**
 * A copy without traps: @pulumi/policy throws at the first touch of a value that is not known yet, and then the rule
 * looks at nothing else of the resource. Here such a value is UNKNOWN, and the rest is looked at.
 */
export function plain(props: object): Properties {
  const all = Object.keys(props).map((key) => [key, at(props, key)] as const);
  // What is null is not set, to the engine and its plugins.
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

function at(container: object, key: string | number): Value {
  let value: unknown;
  try {
    value = (container as Record<string | number, unknown>)[key];
  } catch {
    return UNKNOWN;
  }
  if (Array.isArray(value)) {
    const list = value;
    return Array.from({ length: list.length }, (_, index) => at(list, index));
  }
  return typeof value === "object" && value !== null ? plain(value) : (value as Value);
}

export function isUnknown(value: Value): boolean {
  return value === UNKNOWN;
}

/** The list, or an empty one; of a list that is not known, nothing. */
export function list(value: Value): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

export function texts(value: Value): string[] {
  return list(value).filter((item) => typeof item === "string");
}

export function object(value: Value): Properties {
  return isObject(value) ? value : {};
}

function isObject(value: Value): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objects(value: Value): Properties[] {
  return list(value).filter(isObject);
}

/** Configuration of a provider is JSON text where it is not a text. UNKNOWN stays, and what is no JSON is a text. */
export function parsed(value: Value): Value {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}

/** A value for a message. Never called with a secret. */
export function show(value: Value): string {
  if (value === undefined) return "not set";
  return isUnknown(value) ? "not known yet" : JSON.stringify(value);
}
