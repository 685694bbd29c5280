import { type Account, accountsOf, adminGenerators } from "../accounts";
import { isUnknown } from "../plain";
import { stackRule } from "../rule";

export const passwordUnique = stackRule({
  name: "password-unique",
  description: "No two accounts have the same password, and none has an admin's.",
  severity: "critical",
  remediationSteps: "Give each account a RandomPassword of its own.",
  *faults(resources) {
    const accounts = accountsOf(resources);
    const admins = adminGenerators(resources);
    for (const [index, account] of accounts.entries()) {
      const twin = accounts.slice(0, index).find((other) => shares(account, other));
      // Names only: the value stays where it is.
      if (twin) yield { at: account.resource, fault: `has the same password as ${twin.resource.name}` };
      if (account.generators.some((generator) => admins.has(generator)))
        yield { at: account.resource, fault: "has the same password as the admin of a server" };
    }
  },
});

function shares(one: Account, other: Account): boolean {
  if (one.generators.some((generator) => other.generators.includes(generator))) return true;
  return one.passwords.some((password) => !isUnknown(password) && other.passwords.includes(password));
}
