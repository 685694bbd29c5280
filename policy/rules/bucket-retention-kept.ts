import { LIFECYCLE } from "../kinds";
import { isUnknown, object, objects, type Properties } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  dailyDays: number;
  archiveDays: number;
  noncurrentDays: number;
  recoveryDays: number;
  recoveryPrefix: string;
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
    recoveryDays: wholeNumber("Days that base copies and segments are kept, at least", 30, 1, 3660),
    recoveryPrefix: {
      type: "string",
      default: "recovery/",
      description: "Prefix of base copies and segments, which may go before a daily backup",
    },
  },
  types: [LIFECYCLE],
  *faults({ props: { rules } }, settings) {
    if (isUnknown(rules)) return;
    const { dailyDays, archiveDays, noncurrentDays, recoveryDays } = settings;
    const enabled = objects(rules).filter(({ status }) => status === "Enabled" || isUnknown(status));
    const backups = enabled.filter((rule) => !isForRecovery(rule, settings));
    const keeps = (days: number, upTo: number) =>
      backups.some((rule) => isUnknown(expiry(rule)) || isWithin(expiry(rule), days, upTo));
    if (!keeps(dailyDays, dailyDays)) yield `no enabled rule expires daily backups after ${dailyDays} days`;
    // Two leap days at most in seven years.
    if (!keeps(archiveDays, archiveDays + 2))
      yield `no enabled rule expires archives after ${archiveDays} days (7 years)`;
    if (!enabled.some(({ abortIncompleteMultipartUpload }) => abortIncompleteMultipartUpload !== undefined))
      yield "no enabled rule ends uploads that were never finished. Set abortIncompleteMultipartUpload";
    for (const rule of enabled) {
      const { noncurrentDays: found } = object(rule.noncurrentVersionExpiration);
      const expires = expiry(rule) !== undefined;
      const unknown = isUnknown(rule.filter) || isUnknown(object(rule.filter).prefix);
      const promised = unknown || isForRecovery(rule, settings) ? recoveryDays : dailyDays;
      if (expires && isWithin(expiry(rule), 0, promised - 1)) {
        yield `rule ${String(rule.id)} expires after ${String(expiry(rule))} days, before the ${promised} that are promised`;
      }
      if (!expires || isUnknown(found) || isUnknown(rule.noncurrentVersionExpiration)) continue;
      if (!isWithin(found, 1, noncurrentDays)) {
        yield `rule ${String(rule.id)} keeps replaced versions. Set noncurrentVersionExpiration.noncurrentDays to 1..${noncurrentDays}`;
      }
    }
  },
});

/** Only what stands below the prefix of recovery, and nothing above it, may go before a daily backup. */
function isForRecovery(rule: Properties, { recoveryPrefix }: Config): boolean {
  const { prefix } = object(rule.filter);
  return typeof prefix === "string" && prefix.startsWith(recoveryPrefix);
}

function expiry(rule: Properties) {
  return isUnknown(rule.expiration) ? rule.expiration : object(rule.expiration).days;
}

function isWithin(value: unknown, from: number, to: number): boolean {
  return typeof value === "number" && value >= from && value <= to;
}
