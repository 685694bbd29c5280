import { bucketTlsOnly } from "../../../policy/rules/bucket-tls-only";
import { verifyRule } from "../../support/policy";

const arn = "arn:aws:s3:::backups";
const deny = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [arn, `${arn}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const policy = (statement: object) => ({ policy: JSON.stringify({ Statement: [statement] }) });
const none = ['policy: no statement denies s3:* to "*" where aws:SecureTransport is "false"'];

verifyRule(bucketTlsOnly, { type: "aws:s3/bucketPolicy:BucketPolicy", props: policy(deny) }, [
  { clause: "no refusal", props: { policy: '{"Statement": []}' }, says: none },
  { clause: "an allowance", props: policy({ ...deny, Effect: "Allow" }), says: none },
  { clause: "a refusal of some", props: policy({ ...deny, Principal: { AWS: "arn:x" } }), says: none },
  { clause: "a refusal of some actions", props: policy({ ...deny, Action: "s3:GetObject" }), says: none },
  {
    clause: "a refusal of TLS",
    props: policy({ ...deny, Condition: { Bool: { "aws:SecureTransport": "true" } } }),
    says: none,
  },
  {
    clause: "a second condition",
    props: policy({ ...deny, Condition: { ...deny.Condition, IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }),
    says: none,
  },
  {
    clause: "objects left out",
    props: policy({ ...deny, Resource: arn }),
    says: ["policy: the refusal of plain requests leaves the objects out. Add the bucket's ARN with /*"],
  },
  {
    clause: "the bucket left out",
    props: policy({ ...deny, Resource: `${arn}/*` }),
    says: ["policy: the refusal of plain requests leaves the bucket itself out. Add its ARN"],
  },
]);
