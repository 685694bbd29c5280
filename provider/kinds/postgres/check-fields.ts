import type { ZodType } from "zod";
import type { CheckFailure, Properties, Value } from "../../wire/kind";
import { hasUnknown } from "../../wire/values";

export interface Field {
  schema: ZodType;
  /** Taken where nothing is declared. Without it the field has to be declared. */
  fallback?: Value;
}

/**
 * Checks declared properties field by field and fills in defaults; what is not known yet, in whole or in part, passes
 * (a preview). All faults at once. No fault repeats a value: it may be a password.
 */
export function checkFields(
  news: Properties,
  fields: Record<string, Field>,
): { inputs: Record<string, Value>; failures: CheckFailure[] } {
  const inputs: Record<string, Value> = {};
  const failures: CheckFailure[] = [];
  for (const property of Object.keys(news).filter((key) => !(key in fields))) {
    const reason = `no such property; known here: ${Object.keys(fields).join(", ")}`;
    failures.push({ property, reason });
  }
  for (const [property, { schema, fallback }] of Object.entries(fields)) {
    const value = news[property] ?? fallback;
    if (value === undefined) {
      failures.push({ property, reason: "is missing" });
      continue;
    }
    inputs[property] = value;
    if (hasUnknown(value)) continue;
    const result = schema.safeParse(value);
    if (result.success) {
      inputs[property] = result.data as Value;
      continue;
    }
    for (const issue of result.error.issues) failures.push({ property, reason: issue.message });
  }
  return { inputs, failures };
}
