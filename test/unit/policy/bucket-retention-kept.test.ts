import { bucketRetentionKept } from "../../../policy/rules/bucket-retention-kept";
import { verifyRule } from "../../support/policy";

const rule = (id: string, days: number, noncurrentDays: number | undefined = 30, status = "Enabled") => ({
  id,
  status,
  expiration: { days },
  ...(noncurrentDays && { noncurrentVersionExpiration: { noncurrentDays } }),
});
const rules = (...all: object[]) => ({ rules: all });
const daily = rule("daily", 90);
const archive = rule("archive", 2557);
const uploads = {
  id: "uploads",
  status: "Enabled",
  abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
};
const noDaily = "no enabled rule expires daily backups after 90 days";
const noArchive = "no enabled rule expires archives after 2555 days (7 years)";

verifyRule(
  bucketRetentionKept,
  {
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    props: rules(daily, archive, uploads),
  },
  [
    { clause: "no rules", props: { rules: undefined }, says: [noDaily, noArchive] },
    { clause: "no 90 days", props: rules(archive), says: [noDaily] },
    { clause: "91 days", props: rules(rule("daily", 91), archive), says: [noDaily] },
    { clause: "no 7 years", props: rules(daily), says: [noArchive] },
    { clause: "8 years", props: rules(daily, rule("archive", 2920)), says: [noArchive] },
    {
      clause: "a rule that is off",
      props: rules(rule("daily", 90, 30, "Disabled"), archive),
      says: [noDaily],
    },
    {
      clause: "an end before the time",
      props: rules(daily, archive, rule("early", 30)),
      says: ["rule early expires after 30 days, before the 90 that are promised"],
    },
    {
      clause: "replaced versions that stay",
      props: rules(daily, { ...archive, noncurrentVersionExpiration: undefined }),
      says: ["rule archive keeps replaced versions. Set noncurrentVersionExpiration.noncurrentDays to 1..90"],
    },
    {
      clause: "replaced versions that stay too long",
      props: rules(rule("daily", 90, 91), archive),
      says: ["rule daily keeps replaced versions. Set noncurrentVersionExpiration.noncurrentDays to 1..90"],
    },
    {
      clause: "other than the stack promises",
      config: { dailyDays: 30 },
      says: ["no enabled rule expires daily backups after 30 days"],
    },
  ],
);
