import type { ObjectLockRetentionMode, ObjectOwnership, ServerSideEncryption } from "@aws-sdk/client-s3";
import { type BucketSettingInputs, bucketSetting } from "./bucket-setting";
import { found } from "./clients";
import { keptText, policyField } from "./document";

const sdk = () => import("@aws-sdk/client-s3");

const oneOf = (...values: string[]) => ({
  type: "string" as const,
  required: true,
  fault: (value: unknown) =>
    values.includes(String(value)) ? undefined : `must be one of ${values.join(", ")}`,
});

interface Versioning extends BucketSettingInputs {
  versioningConfiguration: { status: "Enabled" | "Suspended" };
}

/** `aws:s3/bucketVersioning:BucketVersioning`, without MFA. Deleting it suspends versioning, which cannot be undone. */
export const versioning = bucketSetting<Versioning>({
  token: "aws:s3/bucketVersioning:BucketVersioning",
  fields: {
    versioningConfiguration: {
      type: "object",
      required: true,
      fields: { status: oneOf("Enabled", "Suspended") },
    },
  },
  async write(s3, { bucket: Bucket, versioningConfiguration }) {
    const { PutBucketVersioningCommand } = await sdk();
    const VersioningConfiguration = { Status: versioningConfiguration.status };
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  },
  async read(s3, Bucket) {
    const { GetBucketVersioningCommand } = await sdk();
    const status = (await found(s3.send(new GetBucketVersioningCommand({ Bucket }))))?.Status;
    return status && { versioningConfiguration: { status } };
  },
  async remove(s3, { bucket: Bucket }) {
    const { PutBucketVersioningCommand } = await sdk();
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    );
  },
});

interface Encryption extends BucketSettingInputs {
  rules: {
    applyServerSideEncryptionByDefault?: { sseAlgorithm: string; kmsMasterKeyId?: string };
    bucketKeyEnabled?: boolean;
  }[];
}

/** `aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration`. One rule. */
export const encryption = bucketSetting<Encryption>({
  token: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  fields: {
    rules: {
      type: "objects",
      required: true,
      fields: {
        applyServerSideEncryptionByDefault: {
          type: "object",
          fields: {
            sseAlgorithm: oneOf("AES256", "aws:kms", "aws:kms:dsse"),
            kmsMasterKeyId: { type: "string" },
          },
        },
        bucketKeyEnabled: { type: "boolean" },
      },
    },
  },
  async write(s3, { bucket: Bucket, rules }) {
    const { PutBucketEncryptionCommand } = await sdk();
    const Rules = rules.map(({ applyServerSideEncryptionByDefault: byDefault, bucketKeyEnabled }) => ({
      ...(byDefault && {
        ApplyServerSideEncryptionByDefault: {
          SSEAlgorithm: byDefault.sseAlgorithm as ServerSideEncryption,
          KMSMasterKeyID: byDefault.kmsMasterKeyId,
        },
      }),
      BucketKeyEnabled: bucketKeyEnabled,
    }));
    await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
  },
  async read(s3, Bucket) {
    const { GetBucketEncryptionCommand } = await sdk();
    const answer = await found(s3.send(new GetBucketEncryptionCommand({ Bucket })));
    return (
      answer && {
        rules: (answer.ServerSideEncryptionConfiguration?.Rules ?? []).map((rule) => ({
          ...(rule.ApplyServerSideEncryptionByDefault && {
            applyServerSideEncryptionByDefault: {
              sseAlgorithm: String(rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm),
              kmsMasterKeyId: rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID,
            },
          }),
          bucketKeyEnabled: rule.BucketKeyEnabled,
        })),
      }
    );
  },
  async remove(s3, { bucket: Bucket }) {
    const { DeleteBucketEncryptionCommand } = await sdk();
    await s3.send(new DeleteBucketEncryptionCommand({ Bucket }));
  },
});

interface PublicAccessBlock extends BucketSettingInputs {
  blockPublicAcls: boolean;
  blockPublicPolicy: boolean;
  ignorePublicAcls: boolean;
  restrictPublicBuckets: boolean;
  skipDestroy?: boolean;
}

const flag = { type: "boolean", default: false } as const;

/** `aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock`. */
export const publicAccessBlock = bucketSetting<PublicAccessBlock>({
  token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  fields: {
    blockPublicAcls: flag,
    blockPublicPolicy: flag,
    ignorePublicAcls: flag,
    restrictPublicBuckets: flag,
    skipDestroy: { type: "boolean", local: true },
  },
  async write(s3, inputs) {
    const { PutPublicAccessBlockCommand } = await sdk();
    await s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: inputs.bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: inputs.blockPublicAcls,
          BlockPublicPolicy: inputs.blockPublicPolicy,
          IgnorePublicAcls: inputs.ignorePublicAcls,
          RestrictPublicBuckets: inputs.restrictPublicBuckets,
        },
      }),
    );
  },
  async read(s3, Bucket) {
    const { GetPublicAccessBlockCommand } = await sdk();
    const answer = await found(s3.send(new GetPublicAccessBlockCommand({ Bucket })));
    const blocked = answer?.PublicAccessBlockConfiguration;
    return (
      blocked && {
        blockPublicAcls: blocked.BlockPublicAcls ?? false,
        blockPublicPolicy: blocked.BlockPublicPolicy ?? false,
        ignorePublicAcls: blocked.IgnorePublicAcls ?? false,
        restrictPublicBuckets: blocked.RestrictPublicBuckets ?? false,
      }
    );
  },
  async remove(s3, { bucket: Bucket, skipDestroy }) {
    const { DeletePublicAccessBlockCommand } = await sdk();
    if (!skipDestroy) await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  },
});

interface Ownership extends BucketSettingInputs {
  rule: { objectOwnership: string };
}

/** `aws:s3/bucketOwnershipControls:BucketOwnershipControls`. */
export const ownershipControls = bucketSetting<Ownership>({
  token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  fields: {
    rule: {
      type: "object",
      required: true,
      fields: { objectOwnership: oneOf("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter") },
    },
  },
  async write(s3, { bucket: Bucket, rule }) {
    const { PutBucketOwnershipControlsCommand } = await sdk();
    const Rules = [{ ObjectOwnership: rule.objectOwnership as ObjectOwnership }];
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules } }));
  },
  async read(s3, Bucket) {
    const { GetBucketOwnershipControlsCommand } = await sdk();
    const answer = await found(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })));
    const objectOwnership = answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
    return objectOwnership && { rule: { objectOwnership } };
  },
  async remove(s3, { bucket: Bucket }) {
    const { DeleteBucketOwnershipControlsCommand } = await sdk();
    await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  },
});

interface BucketPolicy extends BucketSettingInputs {
  policy: string;
}

/** `aws:s3/bucketPolicy:BucketPolicy`; the policy as JSON text. */
export const bucketPolicy = bucketSetting<BucketPolicy>({
  token: "aws:s3/bucketPolicy:BucketPolicy",
  fields: { policy: policyField },
  async write(s3, { bucket: Bucket, policy: Policy }) {
    const { PutBucketPolicyCommand } = await sdk();
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  },
  async read(s3, Bucket, known) {
    const { GetBucketPolicyCommand } = await sdk();
    const policy = (await found(s3.send(new GetBucketPolicyCommand({ Bucket }))))?.Policy;
    return policy === undefined ? undefined : { policy: keptText(policy, known?.policy) };
  },
  async remove(s3, { bucket: Bucket }) {
    const { DeleteBucketPolicyCommand } = await sdk();
    await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
  },
});

interface ObjectLock extends BucketSettingInputs {
  objectLockEnabled: "Enabled";
  rule?: { defaultRetention: { mode?: string; days?: number; years?: number } };
}

/** `aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration`. Deleting it leaves the lock on, without a rule. */
export const objectLock = bucketSetting<ObjectLock>({
  token: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  fields: {
    objectLockEnabled: { ...oneOf("Enabled"), required: false, default: "Enabled", replaces: true },
    rule: {
      type: "object",
      fields: {
        defaultRetention: {
          type: "object",
          required: true,
          fields: {
            mode: { ...oneOf("COMPLIANCE", "GOVERNANCE"), required: false },
            days: { type: "number" },
            years: { type: "number" },
          },
        },
      },
    },
  },
  async write(s3, { bucket: Bucket, rule }) {
    const { PutObjectLockConfigurationCommand } = await sdk();
    const { mode, days, years } = rule?.defaultRetention ?? {};
    const DefaultRetention = { Mode: mode as ObjectLockRetentionMode, Days: days, Years: years };
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          ...(rule && { Rule: { DefaultRetention } }),
        },
      }),
    );
  },
  async read(s3, Bucket) {
    const { GetObjectLockConfigurationCommand } = await sdk();
    const lock = (await found(s3.send(new GetObjectLockConfigurationCommand({ Bucket }))))
      ?.ObjectLockConfiguration;
    if (lock?.ObjectLockEnabled !== "Enabled") return undefined;
    const retention = lock.Rule?.DefaultRetention;
    return {
      objectLockEnabled: "Enabled",
      ...(retention?.Mode && {
        rule: {
          defaultRetention: {
            mode: retention.Mode,
            days: retention.Days || undefined,
            years: retention.Years || undefined,
          },
        },
      }),
    };
  },
  async remove(s3, { bucket: Bucket }) {
    const { PutObjectLockConfigurationCommand } = await sdk();
    await s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
      }),
    );
  },
});
