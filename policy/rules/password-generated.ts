import { accountsOf, generatorsOf } from "../accounts";
import { isUnknown } from "../plain";
import { stackRule } from "../rule";

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
      const literal = passwords.some((password) => !isUnknown(password) && !made.has(password));
      if (literal) {
        yield { at: resource, fault: `${property} holds a value that no RandomPassword of this stack made` };
      } else if (passwords.some(isUnknown) && generators.length === 0) {
        yield { at: resource, fault: `${property} is made from no RandomPassword` };
      }
    }
  },
});
