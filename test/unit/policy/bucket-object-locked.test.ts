import { bucketObjectLocked } from "../../../policy/rules/bucket-object-locked";
import { verifyRule } from "../../support/policy";

verifyRule(bucketObjectLocked, { type: "aws:s3/bucket:Bucket", props: { objectLockEnabled: true } }, [
  {
    clause: "a bucket without it",
    props: { objectLockEnabled: false },
    says: ["objectLockEnabled is false. Set it to true; it cannot be added later"],
  },
  {
    clause: "a bucket that does not say",
    props: { objectLockEnabled: undefined },
    says: ["objectLockEnabled is not set. Set it to true; it cannot be added later"],
  },
]);

const rule = (defaultRetention: object) => ({ rule: { defaultRetention } });

verifyRule(
  bucketObjectLocked,
  {
    type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    props: rule({ mode: "COMPLIANCE", days: 30 }),
  },
  [
    {
      clause: "no mode",
      props: rule({ days: 30 }),
      says: ["rule.defaultRetention.mode is not set. Use COMPLIANCE"],
    },
    {
      clause: "a mode that the stack refuses",
      props: rule({ mode: "GOVERNANCE", days: 30 }),
      config: { modes: ["COMPLIANCE"] },
      says: ['rule.defaultRetention.mode is "GOVERNANCE". Use COMPLIANCE'],
    },
    {
      clause: "a short lock",
      props: rule({ mode: "COMPLIANCE", days: 29 }),
      says: ["rule.defaultRetention.days is 29. Use 30 or more"],
    },
    {
      clause: "no time",
      props: rule({ mode: "COMPLIANCE" }),
      says: ["rule.defaultRetention.days is not set. Use 30 or more"],
    },
    { clause: "nothing when locked for a year", props: rule({ mode: "COMPLIANCE", years: 1 }), says: [] },
  ],
);
