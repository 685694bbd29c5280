import { LIFECYCLE } from "../kinds";
import { isUnknown, object, objects, type Properties } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  dailyDays: number;
  archiveDays: number;
  noncurrentDays: number;
}

export const bucketRetentionKept = resourceRule<Config>({
  name: "bucket-retention-kept",
  description:
    "Backups are kept as long as promised and no longer: 90 days, archives 7 years, and what was replaced goes.",
  severity: "high",
  remediationSteps: "Correct the rules of the BucketLifecycleConfiguration; docs/policy.md has the periods.",
  config: {
    dailyDays: wholeNumber("Days a daily backup is kept", 90, 1, 3660),
    archiveDays: wholeNumber("Days an archive is kept; leap days do not count", 2555, 1, 36600),
    noncurrentDays: wholeNumber("Most days that a replaced version is kept", 90, 1, 3660),
  },
  types: [LIFECYCLE],
  *faults({ props: { rules } }, { dailyDays, archiveDays, noncurrentDays }) {
    if (isUnknown(rules)) return;
    const enabled = objects(rules).filter(({ status }) => status === "Enabled" || isUnknown(status));
    const keeps = (days: number, upTo: number) =>
      enabled.some((rule) => isUnknown(expiry(rule)) || isWithin(expiry(rule), days, upTo));
    if (!keeps(dailyDays, dailyDays)) yield `no enabled rule expires daily backups after ${dailyDays} days`;
    // Two leap days at most in seven years.
    if (!keeps(archiveDays, archiveDays + 2))
      yield `no enabled rule expires archives after ${archiveDays} days (7 years)`;
    for (const rule of enabled) {
      const { noncurrentDays: found } = object(rule.noncurrentVersionExpiration);
      const expires = expiry(rule) !== undefined;
      if (expires && isWithin(expiry(rule), 0, dailyDays - 1)) {
        yield `rule ${String(rule.id)} expires after ${String(expiry(rule))} days, before the ${dailyDays} that are promised`;
      }
      if (!expires || isUnknown(found) || isUnknown(rule.noncurrentVersionExpiration)) continue;
      if (!isWithin(found, 1, noncurrentDays)) {
        yield `rule ${String(rule.id)} keeps replaced versions. Set noncurrentVersionExpiration.noncurrentDays to 1..${noncurrentDays}`;
      }
    }
  },
});

function expiry(rule: Properties) {
  return isUnknown(rule.expiration) ? rule.expiration : object(rule.expiration).days;
}

function isWithin(value: unknown, from: number, to: number): boolean {
  return typeof value === "number" && value >= from && value <= to;
}
