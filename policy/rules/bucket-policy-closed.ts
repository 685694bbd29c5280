import { BUCKET, BUCKET_POLICY } from "../kinds";
import { object } from "../plain";
import { isAnybody, statements } from "../policy-document";
import { resourceRule } from "../rule";

export const bucketPolicyClosed = resourceRule({
  name: "bucket-policy-closed",
  description: "No statement of a bucket policy allows anything to anybody.",
  severity: "critical",
  remediationSteps: "Name the roles in `Principal`.",
  // A bucket can carry its policy itself, too.
  types: [BUCKET, BUCKET_POLICY],
  *faults({ props }) {
    for (const [index, { Effect, Principal, NotPrincipal }] of statements(props.policy).entries()) {
      if (Effect !== "Allow") continue;
      if (isAnybody(Principal)) yield `Statement[${index}] allows to Principal "*". Name the roles`;
      if (Object.keys(object(NotPrincipal)).length > 0) {
        yield `Statement[${index}] allows to all but some (NotPrincipal). Name the roles in Principal`;
      }
    }
  },
});
