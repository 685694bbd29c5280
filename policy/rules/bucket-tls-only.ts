import { BUCKET_POLICY } from "../kinds";
import { isUnknown, object, type Properties } from "../plain";
import { isAnybody, several, statements } from "../policy-document";
import { resourceRule } from "../rule";

export const bucketTlsOnly = resourceRule({
  name: "bucket-tls-only",
  description: "A bucket refuses requests without TLS.",
  severity: "high",
  remediationSteps:
    'Deny s3:* to "*" on the bucket and its objects where aws:SecureTransport is "false", in the bucket policy.',
  types: [BUCKET_POLICY],
  *faults({ props: { policy } }) {
    if (isUnknown(policy)) return;
    const refusals = statements(policy).filter(refusesPlain);
    if (refusals.length === 0) {
      yield 'policy: no statement denies s3:* to "*" where aws:SecureTransport is "false"';
      return;
    }
    const resources = refusals.flatMap(({ Resource }) => several(Resource)).map(String);
    if (!resources.some((resource) => resource === "*" || resource.endsWith("/*"))) {
      yield "policy: the refusal of plain requests leaves the objects out. Add the bucket's ARN with /*";
    }
    if (!resources.some((resource) => resource === "*" || !resource.endsWith("/*"))) {
      yield "policy: the refusal of plain requests leaves the bucket itself out. Add its ARN";
    }
  },
});

function refusesPlain({ Effect, Principal, Action, Condition }: Properties): boolean {
  const secure = object(object(Condition).Bool)["aws:SecureTransport"];
  return (
    Effect === "Deny" &&
    isAnybody(Principal) &&
    several(Action).some((action) => action === "s3:*" || action === "*") &&
    Object.keys(object(Condition)).length === 1 &&
    several(secure).map(String).join() === "false"
  );
}
