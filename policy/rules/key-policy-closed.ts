import { KMS_KEY } from "../kinds";
import { documentOf, principalsOf, several } from "../policy-document";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  accounts: string[];
}

/** What an identity does with a key. */
const USES =
  /^kms:(?:Encrypt|Decrypt|ReEncrypt(?:From|To)|GenerateDataKey(?:WithoutPlaintext)?|DescribeKey)$/;

export const keyPolicyClosed = resourceRule<Config>({
  name: "key-policy-closed",
  description: "A key's policy lets nobody in but identities of an own account.",
  severity: "critical",
  remediationSteps:
    "Leave `policy` out: the account's own policies decide. Or name identities, and `accounts` here.",
  config: { accounts: textList("Account numbers that are the operator's own", []) },
  types: [KMS_KEY],
  *faults({ props }, { accounts }) {
    const document = documentOf(props.policy);
    for (const fault of document?.faults ?? []) yield `policy: ${fault}`;
    for (const [index, statement] of (document?.statements ?? []).entries()) {
      const { Effect, NotPrincipal, Action, NotAction } = statement;
      if (Effect !== "Allow") continue;
      // The account as a whole must be able to manage its key, or nobody is.
      const whole = principalsOf(statement).every((principal) => principal.endsWith(":root"));
      if (NotAction !== undefined)
        yield `Statement[${index}] allows all but some (NotAction). Name the actions`;
      for (const action of whole ? [] : several(Action)) {
        if (typeof action !== "string" || !USES.test(action))
          yield `Statement[${index}] allows ${String(action)}. An identity uses the key, the account manages it`;
      }
      if (NotPrincipal !== undefined)
        yield `Statement[${index}] allows to all but some (NotPrincipal). Name them`;
      for (const principal of principalsOf(statement)) {
        const [, account] =
          /^AWS arn:aws:iam::(\d{12}):(?:root|(?:user|role)\/[\w+=,.@/-]+)$/.exec(principal) ?? [];
        if (account !== undefined && accounts.includes(account)) continue;
        yield `Statement[${index}] allows to Principal ${JSON.stringify(principal)}. Name identities of an own account`;
      }
    }
  },
});
