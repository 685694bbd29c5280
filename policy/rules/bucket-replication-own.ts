import { BUCKET, REPLICATION } from "../kinds";
import { isUnknown, object, objects, show } from "../plain";
import { stackRule } from "../rule";

export const bucketReplicationOwn = stackRule({
  name: "bucket-replication-own",
  description:
    "A bucket is copied to another bucket of this stack, which has the same guards, and nowhere else.",
  severity: "critical",
  remediationSteps: "Declare the second bucket with its guards in this program, and take its ARN from it.",
  *faults(resources) {
    const buckets = resources.filter(({ type }) => type === BUCKET);
    const own = new Set(buckets.map(({ inputs }) => `arn:aws:s3:::${String(inputs.bucket)}`));
    for (const at of resources) {
      if (at.type !== REPLICATION) continue;
      for (const { destination } of objects(at.inputs.rules)) {
        const { bucket } = object(destination);
        const made =
          isUnknown(bucket) && (at.madeFrom.rules ?? []).some((source) => buckets.includes(source));
        if (made || own.has(String(bucket))) continue;
        yield { at, fault: `copies to ${show(bucket)}, which is no bucket of this stack` };
      }
    }
  },
});
