import { ENCRYPTION } from "../kinds";
import { isUnknown, object, objects, show } from "../plain";
import { resourceRule } from "../rule";

export const bucketEncrypted = resourceRule({
  name: "bucket-encrypted",
  description: "A bucket encrypts with a KMS key of its own.",
  severity: "high",
  remediationSteps: 'Set sseAlgorithm "aws:kms" and kmsMasterKeyId in the encryption configuration.',
  types: [ENCRYPTION],
  *faults({ props: { rules } }) {
    if (isUnknown(rules)) return;
    const defaults = objects(rules).map((rule) => rule.applyServerSideEncryptionByDefault);
    if (defaults.every((value) => value === undefined))
      yield "rules hold no applyServerSideEncryptionByDefault";
    for (const value of defaults) {
      if (value === undefined || isUnknown(value)) continue;
      const { sseAlgorithm, kmsMasterKeyId } = object(value);
      if (!isUnknown(sseAlgorithm) && !["aws:kms", "aws:kms:dsse"].includes(String(sseAlgorithm))) {
        yield `sseAlgorithm is ${show(sseAlgorithm)}. Use "aws:kms"`;
      }
      if (kmsMasterKeyId === undefined || kmsMasterKeyId === "")
        yield "kmsMasterKeyId is not set. Name the estate's key";
    }
  },
});
