import { describe, expect, it } from "vitest";
import {
  bucketPolicy,
  copierPolicy,
  lifecycleRules,
  prefixesOf,
  readerPolicy,
  writerPolicy,
} from "../../../../components/plans/backup-bucket";

const retention = {
  localDays: 30,
  dailyDays: 90,
  queueDays: 30,
  recoveryDays: 30,
  noncurrentDays: 14,
  lockDays: 30,
  erasureDays: 180,
  archive: { years: 7, reason: "a law for this test" },
};
const bucket = "arn:aws:s3:::backups";
const key = "arn:aws:kms:eu-central-1:1:key/k";
const ends = { bucket, key, region: "eu-central-1" };

interface Statement {
  Sid: string;
  Effect: string;
  Principal?: unknown;
  Action?: string | string[];
  NotAction?: string;
  Resource?: string | string[];
  NotResource?: string[];
  Condition?: Record<string, Record<string, string>>;
}
const statements = (policy: string) => (JSON.parse(policy) as { Statement: Statement[] }).Statement;
const actions = (policy: string) => statements(policy).flatMap(({ Action }) => Action ?? []);

describe("the lifecycle", () => {
  it("lets go of each prefix in its time", () => {
    const days = lifecycleRules(retention).map((rule) => [
      rule.filter.prefix,
      "days" in rule.expiration ? rule.expiration.days : undefined,
      rule.noncurrentVersionExpiration.noncurrentDays,
    ]);
    expect(days).toEqual([
      ["archive/", 2557, 14],
      ["archive-index/", 2557, 14],
      ["daily/", 90, 14],
      ["queue/", 30, 14],
      ["recovery/", 30, 14],
      ["status/", 90, 14],
      ["", undefined, 14],
    ]);
  });

  it("puts archives into the cold, and nothing else", () => {
    const cold = lifecycleRules(retention).filter(({ transitions }) => transitions);
    expect(cold.map(({ id, transitions }) => [id, transitions])).toEqual([
      ["archive", [{ days: 30, storageClass: "DEEP_ARCHIVE" }]],
    ]);
  });

  it("gives uploads up that never ended, and hides what is gone", () => {
    expect(lifecycleRules(retention).at(-1)).toMatchObject({
      expiration: { expiredObjectDeleteMarker: true },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
    });
  });

  it("knows no archive where no law asks for one", () => {
    const { archive: _, ...daily } = retention;
    expect(lifecycleRules(daily).map(({ id }) => id)).toEqual([
      "daily",
      "queue",
      "recovery",
      "status",
      "rest",
    ]);
    expect(prefixesOf("mariadb", daily)).toEqual({
      daily: "daily/mariadb/",
      recovery: "recovery/mariadb/",
      status: "status/mariadb/",
    });
    expect(writerPolicy(ends, "mariadb", daily)).not.toContain("archive");
  });

  it("lets the host of queues write below their prefix alone, and no other host there", () => {
    expect(prefixesOf("redis", retention)).toEqual({ queue: "queue/redis/" });
    expect(writerPolicy(ends, "redis", retention)).not.toMatch(/daily|recovery|archive|status/);
    expect(writerPolicy(ends, "mariadb", retention)).not.toContain("queue");
  });
});

describe("the bucket's policy", () => {
  const writers = [
    { host: "mariadb", arn: "arn:aws:iam::1:user/m" },
    { host: "postgres", arn: "arn:aws:iam::1:user/p" },
  ] as const;
  const policy = statements(bucketPolicy({ bucket, key, writers, retention }));
  const statement = (sid: string) => policy.find(({ Sid }) => Sid === sid);

  it("allows nothing", () => {
    expect(new Set(policy.map(({ Effect }) => Effect))).toEqual(new Set(["Deny"]));
  });

  it("refuses plain requests and old TLS, to everybody and for everything", () => {
    expect(statement("RefusePlainRequests")).toMatchObject({
      Principal: "*",
      Action: "s3:*",
      Resource: [bucket, `${bucket}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
    expect(statement("RefuseOldTls")?.Condition).toEqual({ NumericLessThan: { "s3:TlsVersion": "1.2" } });
  });

  it("refuses another encryption or key, but not who leaves it to the bucket", () => {
    const header = "s3:x-amz-server-side-encryption";
    expect(statement("RefuseOtherEncryption")?.Condition).toEqual({
      Null: { [header]: "false" },
      StringNotEquals: { [header]: "aws:kms" },
    });
    expect(statement("RefuseOtherKeys")?.Condition).toEqual({
      Null: { [`${header}-aws-kms-key-id`]: "false" },
      StringNotEquals: { [`${header}-aws-kms-key-id`]: key },
    });
    expect(statement("RefuseKeysOfClients")?.Condition).toEqual({
      Null: { [`${header}-customer-algorithm`]: "false" },
    });
  });

  it("takes no ACL but the owner's", () => {
    expect(statement("RefuseOtherAcls")).toMatchObject({
      Action: "s3:PutObjectAcl",
      Condition: { StringNotEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } },
    });
  });

  it("lets a writer put, and that below its own prefixes", () => {
    expect(statement("WritersOnlyPut")).toMatchObject({
      Principal: { AWS: ["arn:aws:iam::1:user/m", "arn:aws:iam::1:user/p"] },
      NotAction: "s3:PutObject",
      Resource: [bucket, `${bucket}/*`],
    });
    expect(statement("OwnPrefixesOfpostgres")).toMatchObject({
      Principal: { AWS: "arn:aws:iam::1:user/p" },
      Action: "s3:PutObject",
      NotResource: ["archive", "archive-index", "daily", "recovery", "status"].map(
        (prefix) => `${bucket}/${prefix}/postgres/*`,
      ),
    });
  });

  it("lets a writer write only what is not there, and begin no upload of several parts", () => {
    expect(statement("WritersNeverReplace")).toMatchObject({
      Principal: { AWS: ["arn:aws:iam::1:user/m", "arn:aws:iam::1:user/p"] },
      Action: "s3:PutObject",
      Resource: `${bucket}/*`,
      Condition: { Null: { "s3:if-none-match": "true" } },
    });
  });

  it("lets a writer choose no tier that cannot be read at once", () => {
    expect(statement("WritersChooseNoTier")).toMatchObject({
      Principal: { AWS: ["arn:aws:iam::1:user/m", "arn:aws:iam::1:user/p"] },
      Action: "s3:PutObject",
      Resource: `${bucket}/*`,
      Condition: {
        Null: { "s3:x-amz-storage-class": "false" },
        StringNotEquals: { "s3:x-amz-storage-class": "STANDARD" },
      },
    });
  });

  it("names nobody where nobody writes", () => {
    const alone = bucketPolicy({ bucket, key, writers: [], retention });
    expect(alone).not.toMatch(/Writers|OwnPrefixes/);
  });
});

describe("an identity", () => {
  it("of a host puts, and encrypts through the bucket alone", () => {
    const policy = writerPolicy(ends, "mariadb", retention);
    expect(actions(policy)).toEqual(["s3:PutObject", "kms:GenerateDataKey"]);
    const [put, encrypt] = statements(policy);
    expect(put?.Condition).toEqual({ Null: { "s3:if-none-match": "false" } });
    expect(put?.Resource).toContain(`${bucket}/daily/mariadb/*`);
    expect(encrypt).toMatchObject({
      Resource: key,
      Condition: {
        StringEquals: {
          "kms:ViaService": "s3.eu-central-1.amazonaws.com",
          "kms:EncryptionContext:aws:s3:arn": bucket,
        },
      },
    });
  });

  it("that restores changes nothing", () => {
    expect(
      actions(readerPolicy(ends)).filter((action) => !/:(Get|List|RestoreObject|Decrypt)/.test(action)),
    ).toEqual([]);
  });

  it("that copies reads here and replicates there", () => {
    const there = { bucket: "arn:aws:s3:::copy", key: "arn:k2", region: "eu-west-1" };
    const policy = statements(copierPolicy(ends, there));
    const on = (resource: string) =>
      policy.filter(({ Resource }) => Resource === resource).flatMap(({ Action }) => Action ?? []);
    expect(on(`${bucket}/*`).every((action) => action.startsWith("s3:Get"))).toBe(true);
    expect(on("arn:aws:s3:::copy/*")).toEqual(["s3:ReplicateObject", "s3:ReplicateTags"]);
    expect(on("arn:k2")).toEqual(["kms:GenerateDataKey", "kms:Encrypt"]);
  });
});
