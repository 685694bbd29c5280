import type { Value } from "../../../provider/wire/kind";
import type { Field } from "../fields";

/** A policy: JSON text; however it is written, the same statements are the same policy. */
export const policyField = {
  type: "string",
  required: true,
  same: (one, other) => canonical(one) === canonical(other),
  fault: (value) => (parses(String(value)) ? undefined : "must be a JSON document"),
} as const satisfies Field;

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text that was declared if the server's means the same, else the server's. */
export function keptText(server: string, declared: string | undefined): string {
  return declared !== undefined && canonical(server) === canonical(declared) ? declared : server;
}

function canonical(text: Value): string {
  return typeof text === "string" && parses(text) ? JSON.stringify(sorted(JSON.parse(text))) : String(text);
}

/** Keys in order, a list of one as its item, lists of texts as the sets that they are. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    if (items.length === 1) return items[0];
    return items.every((item) => typeof item === "string") ? [...items].sort() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
