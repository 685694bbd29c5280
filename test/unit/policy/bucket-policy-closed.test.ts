import { bucketPolicyClosed } from "../../../policy/rules/bucket-policy-closed";
import { verifyRule } from "../../support/policy";

const policy = (statement: object) => ({ policy: JSON.stringify({ Statement: [statement] }) });
const allow = {
  Effect: "Allow",
  Principal: { AWS: "arn:aws:iam::1:role/backup" },
  Action: "s3:PutObject",
  Resource: "*",
};
const anybody = ['Statement[0] allows to Principal "*". Name the roles'];

verifyRule(bucketPolicyClosed, { type: "aws:s3/bucket:Bucket", props: policy(allow) }, [
  {
    clause: "anybody in the bucket's own policy",
    props: policy({ ...allow, Principal: "*" }),
    says: anybody,
  },
  { clause: "nothing where a bucket carries none", props: { policy: undefined }, says: [] },
]);

verifyRule(bucketPolicyClosed, { type: "aws:s3/bucketPolicy:BucketPolicy", props: policy(allow) }, [
  { clause: "*", props: policy({ ...allow, Principal: "*" }), says: anybody },
  { clause: "any account", props: policy({ ...allow, Principal: { AWS: "*" } }), says: anybody },
  {
    clause: "any account among others",
    props: policy({ ...allow, Principal: { AWS: ["arn:x", "*"] } }),
    says: anybody,
  },
  {
    clause: "a single statement",
    props: { policy: JSON.stringify({ Statement: { ...allow, Principal: "*" } }) },
    says: anybody,
  },
  {
    clause: "all but some",
    props: policy({ Effect: "Allow", NotPrincipal: { AWS: "arn:x" }, Action: "s3:GetObject", Resource: "*" }),
    says: ["Statement[0] allows to all but some (NotPrincipal). Name the roles in Principal"],
  },
  {
    clause: "nothing where it denies",
    props: policy({ ...allow, Effect: "Deny", Principal: "*" }),
    says: [],
  },
]);
