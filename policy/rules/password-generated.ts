import { ADMIN_PASSWORDS, accountsOf, generatorsOf } from "../accounts";
import { ESTATE_PROVIDER, RANDOM_PASSWORD, ROW_SECURITY } from "../kinds";
import { isUnknown } from "../plain";
import { type Standing, stackRule } from "../rule";

/**
 * A value that is known is compared with what the generators made. One that is not known yet (a preview of a new account)
 * is judged by what it is made from; then a value computed from a generator and something else would pass until the
 * `up`, where it is known.
 */
export const passwordGenerated = stackRule({
  name: "password-generated",
  description: "Every password comes from a generator of this stack and was never written down.",
  severity: "critical",
  remediationSteps: "Take the password from `password()` of components/passwords.ts.",
  *faults(resources) {
    const made = new Set(generatorsOf(resources).map(({ props }) => props.result));
    for (const { resource, property, passwords, generators } of accountsOf(resources)) {
      if (passwords.length === 0) yield { at: resource, fault: `${property} is empty: anybody may log in` };
      const literal = passwords.some((password) => !isUnknown(password) && !made.has(password));
      if (literal) {
        yield { at: resource, fault: `${property} holds a value that no RandomPassword of this stack made` };
      } else if (passwords.some(isUnknown) && generators.length === 0) {
        yield { at: resource, fault: `${property} is made from no RandomPassword` };
      }
    }
    for (const at of resources) yield* others(at);
  },
});

/** Admins, and the keys of contexts: of what is computed from a password only that can be said. */
function* others(at: Standing): Iterable<{ fault: string; at: Standing }> {
  const { type, inputs, madeFrom } = at;
  // The program logs in to the web host's server as somebody who was there before.
  if (type === ESTATE_PROVIDER) return;
  for (const property of type === ROW_SECURITY ? ["keys"] : (ADMIN_PASSWORDS[type] ?? [])) {
    const made = (madeFrom[property] ?? []).some((source) => source.type === RANDOM_PASSWORD);
    if (inputs[property] !== undefined && !made)
      yield { at, fault: `${property} is made from no RandomPassword` };
  }
}
