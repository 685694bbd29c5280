import { LIFECYCLE } from "../kinds";
import { isUnknown, object, objects, type Properties, show, type Value } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  dailyDays: number;
  queueDays: number;
  archiveDays: number;
  noncurrentDays: number;
  recoveryDays: number;
}

/** How long what lies below a prefix is kept, in days. */
interface Promised {
  prefix: string;
  least: number;
  most: number;
}

export const bucketRetentionKept = resourceRule<Config>({
  name: "bucket-retention-kept",
  description:
    "Below each prefix backups are kept as long as promised and no longer: 90 days, queues 30 days, archives 7 years, and what was replaced goes.",
  severity: "high",
  remediationSteps: "Correct the rules of the BucketLifecycleConfiguration; docs/policy.md has the periods.",
  config: {
    dailyDays: wholeNumber("Days a daily backup and a status are kept", 90, 1, 3660),
    queueDays: wholeNumber("Days an hourly copy of a queue is kept", 30, 1, 3660),
    archiveDays: wholeNumber("Days an archive is kept; leap days do not count", 2555, 1, 36600),
    noncurrentDays: wholeNumber("Most days that a replaced version is kept", 90, 1, 3660),
    recoveryDays: wholeNumber("Days that base copies and segments are kept, at least", 30, 1, 3660),
  },
  types: [LIFECYCLE],
  *faults({ props: { rules } }, { dailyDays, queueDays, archiveDays, noncurrentDays, recoveryDays }) {
    if (isUnknown(rules)) return;
    const promises: Promised[] = [
      { prefix: "daily/", least: dailyDays, most: dailyDays },
      { prefix: "queue/", least: queueDays, most: queueDays },
      { prefix: "status/", least: dailyDays, most: dailyDays },
      // Two leap days at most in seven years.
      { prefix: "archive/", least: archiveDays, most: archiveDays + 2 },
      // Without it nobody finds what is in the archive.
      { prefix: "archive-index/", least: archiveDays, most: archiveDays + 2 },
      { prefix: "recovery/", least: recoveryDays, most: dailyDays },
    ];
    const enabled = objects(rules).filter(({ status }) => status === "Enabled" || isUnknown(status));
    for (const promised of promises) yield* kept(enabled, promised);
    if (
      !enabled.some(
        (rule) => prefixOf(rule) === "" && daysOf(rule.abortIncompleteMultipartUpload, "daysAfterInitiation"),
      )
    ) {
      yield "no enabled rule ends uploads that were never finished. Set abortIncompleteMultipartUpload for the whole bucket";
    }
    for (const rule of enabled) {
      const replaced = daysOf(rule.noncurrentVersionExpiration, "noncurrentDays");
      if (isUnknown(replaced) || isWithin(replaced, 1, noncurrentDays)) continue;
      yield `rule ${String(rule.id)} keeps replaced versions. Set noncurrentVersionExpiration.noncurrentDays to 1..${noncurrentDays}`;
    }
  },
});

/** Each rule whose objects may be among those of a prefix has to keep them, and one has to let all of them go. */
function* kept(rules: readonly Properties[], { prefix, least, most }: Promised): Iterable<string> {
  const ends = new Map<Properties, Value>(rules.map((rule) => [rule, daysOf(rule.expiration, "days")]));
  const within = rules.filter((rule) => {
    const of = prefixOf(rule);
    return of === undefined || of.startsWith(prefix) || prefix.startsWith(of);
  });
  for (const rule of within) {
    const days = ends.get(rule);
    if (days === undefined || isUnknown(days) || isWithin(days, least, Number.POSITIVE_INFINITY)) continue;
    yield `rule ${String(rule.id)} ends ${prefix} after ${show(days)} days, before the ${least} that are promised`;
  }
  const whole = within.filter(
    (rule) => prefix.startsWith(prefixOf(rule) ?? "\0") || isUnknown(object(rule.filter).prefix),
  );
  if (!whole.some((rule) => isUnknown(ends.get(rule)) || isWithin(ends.get(rule), least, most))) {
    yield `no enabled rule ends ${prefix} after ${least === most ? least : `${least} to ${most}`} days`;
  }
}

/** undefined: not known yet. A rule without a filter is about the whole bucket. */
function prefixOf({ filter }: Properties): string | undefined {
  if (isUnknown(filter) || isUnknown(object(filter).prefix)) return undefined;
  const { prefix } = object(filter);
  return typeof prefix === "string" ? prefix : "";
}

function daysOf(of: Value, field: string): Value {
  return isUnknown(of) ? of : object(of)[field];
}

function isWithin(value: unknown, from: number, to: number): boolean {
  return typeof value === "number" && value >= from && value <= to;
}
