import type {
  LifecycleRule,
  TransitionDefaultMinimumObjectSize,
  TransitionStorageClass,
} from "@aws-sdk/client-s3";
import { type BucketSettingInputs, bucketSetting, someOf } from "./bucket-setting";
import { found } from "./clients";

interface Rule {
  id: string;
  status: "Enabled" | "Disabled";
  filter?: { prefix?: string };
  expiration?: { days?: number; expiredObjectDeleteMarker?: boolean };
  noncurrentVersionExpiration?: { noncurrentDays: number };
  abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
  transitions?: { days?: number; storageClass: string }[];
}

interface Lifecycle extends BucketSettingInputs {
  rules: Rule[];
  transitionDefaultMinimumObjectSize?: string;
}

const days = { type: "number" } as const;

/**
 * `aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration`. Filters by prefix, periods in days; neither
 * timeouts nor transitions of versions that were replaced.
 */
export const lifecycle = bucketSetting<Lifecycle>({
  token: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  schemaVersion: 1,
  fields: {
    rules: {
      type: "objects",
      required: true,
      fields: {
        id: { type: "string", required: true },
        status: {
          type: "string",
          required: true,
          fault: (value) =>
            /^(Enabled|Disabled)$/.test(String(value)) ? undefined : "must be Enabled or Disabled",
        },
        filter: { type: "object", fields: { prefix: { type: "string" } } },
        expiration: { type: "object", fields: { days, expiredObjectDeleteMarker: { type: "boolean" } } },
        noncurrentVersionExpiration: {
          type: "object",
          fields: { noncurrentDays: { type: "number", required: true } },
        },
        abortIncompleteMultipartUpload: { type: "object", fields: { daysAfterInitiation: days } },
        transitions: { type: "objects", fields: { days, storageClass: { type: "string", required: true } } },
      },
    },
    transitionDefaultMinimumObjectSize: { type: "string", computed: true },
  },
  async write(s3, { bucket: Bucket, rules, transitionDefaultMinimumObjectSize: size }) {
    const { PutBucketLifecycleConfigurationCommand } = await import("@aws-sdk/client-s3");
    await s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: rules.map(toAws) },
        ...(size && { TransitionDefaultMinimumObjectSize: size as TransitionDefaultMinimumObjectSize }),
      }),
    );
  },
  async read(s3, Bucket) {
    const { GetBucketLifecycleConfigurationCommand } = await import("@aws-sdk/client-s3");
    const answer = await found(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })));
    return (
      answer?.Rules && {
        rules: answer.Rules.map(fromAws),
        transitionDefaultMinimumObjectSize: answer.TransitionDefaultMinimumObjectSize,
      }
    );
  },
  async remove(s3, { bucket: Bucket }) {
    const { DeleteBucketLifecycleCommand } = await import("@aws-sdk/client-s3");
    await s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
  },
});

function toAws(rule: Rule): LifecycleRule {
  const { expiration, noncurrentVersionExpiration: noncurrent, abortIncompleteMultipartUpload: abort } = rule;
  return {
    ID: rule.id,
    Status: rule.status,
    Filter: { Prefix: rule.filter?.prefix ?? "" },
    ...(expiration && {
      Expiration: {
        Days: expiration.days,
        ExpiredObjectDeleteMarker: expiration.expiredObjectDeleteMarker,
      },
    }),
    ...(noncurrent && { NoncurrentVersionExpiration: { NoncurrentDays: noncurrent.noncurrentDays } }),
    ...(abort && { AbortIncompleteMultipartUpload: { DaysAfterInitiation: abort.daysAfterInitiation } }),
    ...(rule.transitions && {
      Transitions: rule.transitions.map((to) => ({
        Days: to.days,
        StorageClass: to.storageClass as TransitionStorageClass,
      })),
    }),
  };
}

function fromAws(rule: LifecycleRule): Rule {
  const noncurrentDays = rule.NoncurrentVersionExpiration?.NoncurrentDays;
  const daysAfterInitiation = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
  const transitions = someOf(rule.Transitions)?.map((to) => ({
    days: to.Days,
    storageClass: String(to.StorageClass),
  }));
  return {
    id: rule.ID ?? "",
    status: rule.Status ?? "Disabled",
    filter: { prefix: rule.Filter?.Prefix ?? "" },
    ...(rule.Expiration && {
      expiration: {
        days: rule.Expiration.Days,
        expiredObjectDeleteMarker: rule.Expiration.ExpiredObjectDeleteMarker,
      },
    }),
    ...(noncurrentDays !== undefined && { noncurrentVersionExpiration: { noncurrentDays } }),
    ...(daysAfterInitiation !== undefined && { abortIncompleteMultipartUpload: { daysAfterInitiation } }),
    ...(transitions && { transitions }),
  };
}
