import { PUBLIC_ACCESS_BLOCK } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";

const FLAGS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

export const bucketPublicAccessBlocked = resourceRule({
  name: "bucket-public-access-blocked",
  description: "The public access block of a bucket is complete.",
  severity: "critical",
  remediationSteps: "Set all four flags of the BucketPublicAccessBlock to true.",
  types: [PUBLIC_ACCESS_BLOCK],
  *faults({ props }) {
    for (const flag of FLAGS) {
      if (props[flag] !== true && !isUnknown(props[flag]))
        yield `${flag} is ${show(props[flag])}. Set it to true`;
    }
  },
  // Nothing that this estate runs needs a public object, so closing it cannot break a service.
  mend: ({ props }) =>
    FLAGS.some((flag) => props[flag] !== true)
      ? Object.fromEntries(FLAGS.map((flag) => [flag, true]))
      : undefined,
});
