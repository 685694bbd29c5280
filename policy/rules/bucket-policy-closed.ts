import { BUCKET, BUCKET_POLICY } from "../kinds";
import { documentOf, isAnybody, isOneIdentityOf, principalsOf, several } from "../policy-document";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  accounts: string[];
}

/** What nobody gets through a bucket's policy, whoever they are: it would undo the guards. */
const ALLOWED =
  /^s3:(?:PutObject|GetObject|GetObjectVersion|ListBucket|ListBucketVersions|GetBucketLocation)$/;

export const bucketPolicyClosed = resourceRule<Config>({
  name: "bucket-policy-closed",
  description: "A bucket policy refuses; what it allows, it allows to one identity of an own account, named.",
  severity: "critical",
  remediationSteps:
    "Leave Allow out: what an identity may do stands in its own policy. Or name it, and `accounts` here.",
  config: { accounts: textList("Account numbers that are the operator's own", []) },
  // A bucket can carry its policy itself, too.
  types: [BUCKET, BUCKET_POLICY],
  *faults({ props }, { accounts }) {
    const document = documentOf(props.policy);
    for (const fault of document?.faults ?? []) yield `policy: ${fault}`;
    for (const [index, statement] of (document?.statements ?? []).entries()) {
      const { Effect, Principal, NotPrincipal, Action, NotAction, NotResource, Condition } = statement;
      if (Effect === "Deny" && isAnybody(Principal) && Condition === undefined)
        yield `Statement[${index}] refuses everybody, backups and restores too. Add the Condition`;
      if (Effect !== "Allow") continue;
      if (NotPrincipal !== undefined)
        yield `Statement[${index}] allows to all but some (NotPrincipal). Name the roles in Principal`;
      for (const principal of principalsOf(statement)) {
        if (isOneIdentityOf(principal, accounts)) continue;
        yield `Statement[${index}] allows to Principal ${JSON.stringify(principal)}. Name one role of an own account`;
      }
      if (NotAction !== undefined || NotResource !== undefined)
        yield `Statement[${index}] allows all but some (NotAction or NotResource). Name what it allows`;
      for (const action of several(Action)) {
        if (typeof action === "string" && ALLOWED.test(action)) continue;
        yield `Statement[${index}] allows ${String(action)}. Objects may be put, read and listed, and nothing else`;
      }
    }
  },
});
