import { BUCKET, OBJECT_LOCK } from "../kinds";
import { isUnknown, object, show } from "../plain";
import { resourceRule } from "../rule";
import { textList, wholeNumber } from "../settings";

interface Config {
  modes: string[];
  minimumDays: number;
  maximumDays: number;
}

export const bucketObjectLocked = resourceRule<Config>({
  name: "bucket-object-locked",
  description: "Backups cannot be deleted before their time.",
  severity: "high",
  remediationSteps:
    "Set objectLockEnabled on the bucket and a default retention in its BucketObjectLockConfiguration.",
  config: {
    modes: textList("Retention modes that are accepted", ["COMPLIANCE"]),
    minimumDays: wholeNumber("Days a new object is locked, at least", 30, 1, 36600),
    maximumDays: wholeNumber(
      "Days after which nobody should still pay for it: a lock is never shortened",
      2557,
      1,
      36600,
    ),
  },
  types: [BUCKET, OBJECT_LOCK],
  *faults({ type, props }, { modes, minimumDays, maximumDays }) {
    if (type === BUCKET) {
      const { objectLockEnabled } = props;
      if (objectLockEnabled === true || isUnknown(objectLockEnabled)) return;
      yield `objectLockEnabled is ${show(objectLockEnabled)}. Set it to true; it cannot be added later`;
      return;
    }
    if (isUnknown(props.rule)) return;
    const { mode, days, years } = object(object(props.rule).defaultRetention);
    if (!isUnknown(mode) && !modes.includes(String(mode))) {
      yield `rule.defaultRetention.mode is ${show(mode)}. Use ${modes.join(" or ")}`;
    }
    const locked = typeof years === "number" ? years * 365 : days;
    if (!isUnknown(locked) && !(typeof locked === "number" && locked >= minimumDays)) {
      yield `rule.defaultRetention.days is ${show(locked)}. Use ${minimumDays} or more`;
    }
    if (typeof locked === "number" && locked > maximumDays)
      yield `rule.defaultRetention is ${locked} days, and is never shortened. Use ${maximumDays} or fewer`;
  },
});
