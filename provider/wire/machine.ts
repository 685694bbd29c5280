import type { FieldChange, Properties, Value } from "./kind";

/**
 * The machine that a resource was applied to, kept beside its inputs and hidden from its kind. A resource whose machine is
 * another one is updated, and an update converges from nothing: so a blank host is filled again by one run, and what is
 * protected is never replaced for it.
 */
export const MACHINE = "machine";

/** Properties without the machine, and the machine; null: none was given. */
export function splitMachine(properties: Properties): [Properties, Value] {
  const { [MACHINE]: machine = null, ...rest } = properties;
  return [rest, machine];
}

export function withMachine(properties: Properties, machine: Value): Properties {
  return machine === null ? properties : { ...properties, [MACHINE]: machine };
}

/** An unknown machine may be another one, so it counts as changed. A resource that had none and gets one is updated as well. */
export function machineChange(before: Value, after: Value): FieldChange[] {
  if (after === null || before === after) return [];
  return [{ path: MACHINE, kind: before === null ? "add" : "update" }];
}
