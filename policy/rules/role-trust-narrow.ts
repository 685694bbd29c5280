import { IAM_ROLE } from "../kinds";
import { documentOf, isOneIdentityOf, principalsOf, several } from "../policy-document";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  services: string[];
  accounts: string[];
}

export const roleTrustNarrow = resourceRule<Config>({
  name: "role-trust-narrow",
  description: "A role is taken by a named service of AWS, or by one identity of an own account.",
  severity: "critical",
  remediationSteps:
    "Name the service, or the user or role with its account, and add the account to `accounts` here.",
  config: {
    services: textList("Services of AWS that may take a role", ["s3.amazonaws.com"]),
    accounts: textList("Account numbers that are the operator's own", []),
  },
  types: [IAM_ROLE],
  *faults({ props }, { services, accounts }) {
    const document = documentOf(props.assumeRolePolicy);
    for (const fault of document?.faults ?? []) yield `assumeRolePolicy: ${fault}`;
    for (const [index, statement] of (document?.statements ?? []).entries()) {
      const { Effect, NotPrincipal, Action, NotAction } = statement;
      if (Effect !== "Allow") continue;
      if (NotPrincipal !== undefined || NotAction !== undefined) {
        yield `Statement[${index}] allows all but some (NotPrincipal or NotAction). Name who and what`;
      }
      for (const principal of principalsOf(statement)) {
        const service = services.some((one) => principal === `Service ${one}`);
        if (service || isOneIdentityOf(principal, accounts)) continue;
        yield `Statement[${index}] lets ${JSON.stringify(principal)} take the role. Name a service or one own identity`;
      }
      for (const action of several(Action)) {
        if (action !== "sts:AssumeRole")
          yield `Statement[${index}] allows ${String(action)}. Use sts:AssumeRole`;
      }
    }
  },
});
