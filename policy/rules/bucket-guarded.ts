import {
  BUCKET,
  BUCKET_POLICY,
  ENCRYPTION,
  LIFECYCLE,
  OBJECT_LOCK,
  OWNERSHIP,
  PUBLIC_ACCESS_BLOCK,
  VERSIONING,
} from "../kinds";
import { type Standing, stackRule } from "../rule";

const GUARDS = [
  PUBLIC_ACCESS_BLOCK,
  ENCRYPTION,
  VERSIONING,
  LIFECYCLE,
  OBJECT_LOCK,
  BUCKET_POLICY,
  OWNERSHIP,
];

/** What each guard says is looked at by the rules of their own; here, that none is missing. */
export const bucketGuarded = stackRule({
  name: "bucket-guarded",
  description: "Every bucket has all of its guards, and no run can delete it.",
  severity: "critical",
  remediationSteps:
    "Declare the missing resource with `bucket` set to the bucket's name, and the bucket with `protect: true`.",
  *faults(resources) {
    for (const at of resources) {
      if (at.type !== BUCKET) continue;
      const missing = GUARDS.filter(
        (guard) => !resources.some((resource) => resource.type === guard && isFor(resource, at)),
      );
      const names = missing.map((guard) => guard.split(":").at(-1));
      if (names.length > 0) yield { at, fault: `has no ${names.join(", ")}` };
      if (!at.opts.protect) yield { at, fault: "is not protected: a run could delete it" };
    }
  },
});

function isFor({ props, madeFrom }: Standing, bucket: Standing): boolean {
  if (madeFrom.bucket?.includes(bucket)) return true;
  return typeof props.bucket === "string" && props.bucket === bucket.props.bucket;
}
