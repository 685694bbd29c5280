import { bucketEncrypted } from "../../../policy/rules/bucket-encrypted";
import { verifyRule } from "../../support/policy";

const rules = (applyServerSideEncryptionByDefault?: object) => ({
  rules: [{ applyServerSideEncryptionByDefault }],
});
const good = {
  type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  props: rules({ sseAlgorithm: "aws:kms", kmsMasterKeyId: "arn:aws:kms:eu-central-1:1:key/k" }),
};

verifyRule(bucketEncrypted, good, [
  {
    clause: "no default",
    props: { rules: [{}] },
    says: ["rules hold no applyServerSideEncryptionByDefault"],
  },
  { clause: "no rule", props: { rules: [] }, says: ["rules hold no applyServerSideEncryptionByDefault"] },
  {
    clause: "the provider's own key",
    props: rules({ sseAlgorithm: "AES256", kmsMasterKeyId: "k" }),
    says: ['sseAlgorithm is "AES256". Use "aws:kms"'],
  },
  {
    clause: "no key",
    props: rules({ sseAlgorithm: "aws:kms" }),
    says: ["kmsMasterKeyId is not set. Name the estate's key"],
  },
]);
