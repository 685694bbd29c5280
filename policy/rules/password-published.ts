import { type Account, accountsOf } from "../accounts";
import { PUBLISHED } from "../kinds";
import { stackRule } from "../rule";

export const passwordPublished = stackRule({
  name: "password-published",
  description: "Every service's password is published as a GitHub secret.",
  severity: "medium",
  remediationSteps: "Add the service's GithubEnvironmentSecret, its value the account's newest password.",
  *faults(resources) {
    const secrets = resources.filter(({ type }) => PUBLISHED.includes(type));
    const published = new Set(
      secrets.flatMap(({ madeFrom }) =>
        ["value", "plaintextValue", "valueEncrypted", "encryptedValue"].flatMap(
          (property) => madeFrom[property] ?? [],
        ),
      ),
    );
    const services = new Map<string, Account[]>();
    for (const account of accountsOf(resources)) {
      services.set(account.service, [...(services.get(account.service) ?? []), account]);
    }
    // In a rotation the service has two passwords, and the old one need not be published any more.
    const missing = [...services.values()].filter(
      (accounts) =>
        !accounts.some(({ generators }) => generators.some((generator) => published.has(generator))),
    );
    // One message for all: where none is published, a line each would bury the rest.
    const names = missing.flatMap(([account]) => (account ? [account.resource.name] : [])).sort();
    if (names.length > 0)
      yield { fault: `no GitHub secret is made from the password of ${names.join(", ")}` };
  },
});
