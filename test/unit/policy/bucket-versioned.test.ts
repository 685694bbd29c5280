import { bucketVersioned } from "../../../policy/rules/bucket-versioned";
import { verifyRule } from "../../support/policy";

const type = "aws:s3/bucketVersioning:BucketVersioning";

verifyRule(bucketVersioned, { type, props: { versioningConfiguration: { status: "Enabled" } } }, [
  {
    clause: "suspended",
    props: { versioningConfiguration: { status: "Suspended" } },
    says: ['versioningConfiguration.status is "Suspended". Use "Enabled"'],
  },
  {
    clause: "nothing said",
    props: { versioningConfiguration: undefined },
    says: ['versioningConfiguration.status is not set. Use "Enabled"'],
  },
]);
