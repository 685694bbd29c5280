import { describe, expect, it } from "vitest";
import { bucketGuarded } from "../../../policy/rules/bucket-guarded";
import { type Member, stackFaultsOf, unknown } from "../../support/policy";

const bucket: Member = {
  type: "aws:s3/bucket:Bucket",
  name: "backups",
  props: { bucket: "mo-db-backups" },
  protect: true,
};
const tokens = [
  "bucketPublicAccessBlock:BucketPublicAccessBlock",
  "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "bucketVersioning:BucketVersioning",
  "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  "bucketPolicy:BucketPolicy",
  "bucketOwnershipControls:BucketOwnershipControls",
];
const guard = (
  token: string,
  props: Record<string, unknown>,
  madeFrom: Record<string, string[]> = {},
): Member => ({
  type: `aws:s3/${token}`,
  name: token,
  props,
  madeFrom,
});

describe(bucketGuarded.name, () => {
  it("accepts a bucket with all its guards, made from it or named after it", () => {
    const planned = tokens.map((token) => guard(token, { bucket: unknown }, { bucket: ["backups"] }));
    expect(stackFaultsOf(bucketGuarded, [bucket, ...planned])).toEqual([]);
    const named = tokens.map((token) => guard(token, { bucket: "mo-db-backups" }));
    expect(stackFaultsOf(bucketGuarded, [bucket, ...named])).toEqual([]);
  });

  it.each(tokens)("refuses one without %s", (missing) => {
    const others = tokens.filter((token) => token !== missing);
    const guards = others.map((token) => guard(token, { bucket: "mo-db-backups" }));
    expect(stackFaultsOf(bucketGuarded, [bucket, ...guards])).toEqual([
      `backups: has no ${missing.split(":")[1]}`,
    ]);
  });

  it("counts no guard of another bucket", () => {
    const other: Member = { ...bucket, name: "other", props: { bucket: "other" } };
    const guards = tokens.map((token) => guard(token, { bucket: unknown }, { bucket: ["other"] }));
    expect(stackFaultsOf(bucketGuarded, [bucket, other, ...guards])).toEqual([
      `backups: has no ${tokens.map((token) => token.split(":")[1]).join(", ")}`,
    ]);
  });
});
