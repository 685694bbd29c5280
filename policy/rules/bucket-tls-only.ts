import { BUCKET_POLICY } from "../kinds";
import { isUnknown, object, type Properties } from "../plain";
import { several, statements } from "../policy-document";
import { resourceRule } from "../rule";

export const bucketTlsOnly = resourceRule({
  name: "bucket-tls-only",
  description: "A bucket refuses requests without TLS.",
  severity: "high",
  remediationSteps:
    'Deny s3:* to "*" on the bucket and its objects where aws:SecureTransport is "false", in the bucket policy.',
  types: [BUCKET_POLICY],
  *faults({ props: { bucket, policy } }) {
    if (isUnknown(policy)) return;
    const refusals = statements(policy).filter(refusesPlain);
    if (refusals.length === 0) {
      yield 'policy: no statement denies s3:* to "*" where aws:SecureTransport is "false"';
      return;
    }
    const resources = refusals.flatMap(({ Resource }) => several(Resource)).map(String);
    const arn = `arn:aws:s3:::${String(bucket)}`;
    // While the bucket is not known, any will do.
    const covers = (tail: string) =>
      resources.some((one) =>
        one === "*" || typeof bucket === "string"
          ? one === "*" || one === arn + tail
          : one.endsWith("/*") === (tail !== ""),
      );
    if (!covers("/*")) {
      yield "policy: the refusal of plain requests leaves the objects out. Add the bucket's ARN with /*";
    }
    if (!covers("")) yield "policy: the refusal of plain requests leaves the bucket itself out. Add its ARN";
  },
});

function refusesPlain({ Effect, Principal, Action, Condition }: Properties): boolean {
  const tests = object(object(Condition).Bool);
  return (
    Effect === "Deny" &&
    (Principal === "*" || several(object(Principal).AWS).includes("*")) &&
    several(Action).some((action) => action === "s3:*" || action === "*") &&
    Object.keys(object(Condition)).length === 1 &&
    // Another test beside it would have to hold as well.
    Object.keys(tests).length === 1 &&
    several(tests["aws:SecureTransport"]).map(String).join() === "false"
  );
}
