import { list, object, objects, type Properties, parsed, type Value } from "./plain";

/** The statements of an IAM policy in a property; empty where it is not known yet. */
export function statements(policy: Value): Properties[] {
  const { Statement } = object(parsed(policy));
  return Array.isArray(Statement) ? objects(Statement) : objects([Statement]);
}

/** IAM writes one value as itself and several as a list. */
export function several(value: Value): readonly Value[] {
  return Array.isArray(value) ? list(value) : value === undefined ? [] : [value];
}

/** Does `Principal` mean anybody? */
export function isAnybody(principal: Value): boolean {
  if (principal === "*") return true;
  return Object.values(object(principal)).some((value) => several(value).includes("*"));
}
