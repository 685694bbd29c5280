import { bucketRetentionKept } from "../../../policy/rules/bucket-retention-kept";
import { verifyRule } from "../../support/policy";

const rule = (
  id: string,
  days: number,
  noncurrentDays: number | undefined = 30,
  status = "Enabled",
  prefix = `${id}/`,
) => ({
  id,
  status,
  filter: { prefix },
  expiration: { days },
  ...(noncurrentDays && { noncurrentVersionExpiration: { noncurrentDays } }),
});
const uploads = {
  id: "uploads",
  status: "Enabled",
  abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
};
const rules = (...all: object[]) => ({ rules: [...all, uploads] });
const daily = rule("daily", 90);
const archive = rule("archive", 2557);
const recovery = rule("recovery", 30);
const noDaily = "no enabled rule expires daily backups after 90 days";
const noArchive = "no enabled rule expires archives after 2555 days (7 years)";
const noEnd = "no enabled rule ends uploads that were never finished. Set abortIncompleteMultipartUpload";

verifyRule(
  bucketRetentionKept,
  {
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    props: rules(daily, archive, recovery),
  },
  [
    { clause: "no rules", props: { rules: undefined }, says: [noDaily, noArchive, noEnd] },
    { clause: "no 90 days", props: rules(archive), says: [noDaily] },
    { clause: "91 days", props: rules(rule("daily", 91), archive), says: [noDaily] },
    { clause: "no 7 years", props: rules(daily), says: [noArchive] },
    { clause: "8 years", props: rules(daily, rule("archive", 2920)), says: [noArchive] },
    {
      clause: "a rule that is off",
      props: rules(rule("daily", 90, 30, "Disabled"), archive),
      says: [noDaily],
    },
    { clause: "uploads that never end", props: { rules: [daily, archive] }, says: [noEnd] },
    {
      clause: "too short a time to recover",
      props: rules(daily, archive, rule("recovery", 29)),
      says: ["rule recovery expires after 29 days, before the 30 that are promised"],
    },
    {
      clause: "an early end for more than what recovery needs",
      props: rules(daily, archive, rule("recovery", 30, 30, "Enabled", "")),
      says: ["rule recovery expires after 30 days, before the 90 that are promised"],
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
