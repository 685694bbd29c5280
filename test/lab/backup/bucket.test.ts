import { randomUUID } from "node:crypto";
import { GetKeyRotationStatusCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { BackupOutput } from "../../../estate/outputs";
import { backupOutput, bucketClient, clientSettings, md5, operatorKey, refusal } from "../../support/backup";
import { plannedChanges, pulumi } from "../../support/project";

let output: BackupOutput;
let Bucket: string;
let operator: S3Client;
let writer: S3Client;
let reader: S3Client;
/** Names that an agent could give, of a dump that no manifest names: anything else would be an attack to every later status. */
const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "");
const dump = (host: string, database: string) =>
  `daily/${host}/${database}/${stamp}Z-${randomUUID().slice(0, 8)}.${host === "postgres" ? "pgdump" : "sql"}.zst.age`;
const folder = dump("mariadb", "mo_games");
const names = { object: `${folder}.00000`, copy: `${folder}.00001`, encrypted: `${folder}.00002` };

beforeAll(async () => {
  output = await backupOutput();
  Bucket = output.bucket;
  operator = bucketClient(output, operatorKey());
  writer = bucketClient(output, output.writers.mariadb ?? output.reader);
  reader = bucketClient(output, output.reader);
});

const body = "what a backup holds";
const put = (s3: S3Client, Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: body, ContentMD5: md5(body), ...more }));

/** Only where nothing is there. */
const free = { IfNoneMatch: "*" };

/** A lock that ends earlier. The body is the SDK's; what is checked is that there is a hash. */
const shorter = (RetainUntilDate: Date) => ({
  Retention: { Mode: "COMPLIANCE", RetainUntilDate } as const,
  ContentMD5: md5(""),
});

describe("the bucket, as S3 tells the operator", () => {
  it("is in the EU, with the stack's tags", async () => {
    const { LocationConstraint } = await operator.send(new GetBucketLocationCommand({ Bucket }));
    expect(LocationConstraint).toBe("eu-central-1");
    const { TagSet } = await operator.send(new GetBucketTaggingCommand({ Bucket }));
    expect(TagSet).toContainEqual({ Key: "owner", Value: "platform" });
  });

  it("keeps versions, and locks each for 30 days", async () => {
    expect((await operator.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    const lock = await operator.send(new GetObjectLockConfigurationCommand({ Bucket }));
    expect(lock.ObjectLockConfiguration).toMatchObject({
      ObjectLockEnabled: "Enabled",
      Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 30 } },
    });
  });

  it("is closed to the public, and knows no ACLs", async () => {
    const block = await operator.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(block.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const owner = await operator.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    expect(owner.OwnershipControls?.Rules).toEqual([{ ObjectOwnership: "BucketOwnerEnforced" }]);
    const { Policy = "" } = await operator.send(new GetBucketPolicyCommand({ Bucket }));
    const { Statement } = JSON.parse(Policy) as { Statement: { Effect: string }[] };
    expect(new Set(Statement.map(({ Effect }) => Effect))).toEqual(new Set(["Deny"]));
  });

  it("encrypts with a key of its own, which is renewed", async () => {
    const { ServerSideEncryptionConfiguration: found } = await operator.send(
      new GetBucketEncryptionCommand({ Bucket }),
    );
    expect(found?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({
      SSEAlgorithm: "aws:kms",
      KMSMasterKeyID: output.kmsKey,
    });
    const kms = new KMSClient(clientSettings(output, operatorKey()));
    const { KeyRotationEnabled } = await kms.send(new GetKeyRotationStatusCommand({ KeyId: output.kmsKey }));
    expect(KeyRotationEnabled).toBe(true);
  });

  it("keeps dumps for 90 days and archives for seven years in the cold", async () => {
    const { Rules = [] } = await operator.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    const rule = (id: string) => Rules.find(({ ID }) => ID === id);
    expect(rule("daily")).toMatchObject({ Filter: { Prefix: "daily/" }, Expiration: { Days: 90 } });
    expect(rule("archive")).toMatchObject({
      Filter: { Prefix: "archive/" },
      Expiration: { Days: 2557 },
      Transitions: [{ Days: 30, StorageClass: "DEEP_ARCHIVE" }],
    });
    expect(rule("recovery")).toMatchObject({ Expiration: { Days: 30 } });
    expect(rule("rest")).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } });
    expect(Rules.every((one) => one.NoncurrentVersionExpiration?.NoncurrentDays === 14)).toBe(true);
  });
});

describe("a host", () => {
  it("puts objects below its own prefixes, and nowhere else", async () => {
    for (const prefix of Object.values(output.writers.mariadb?.prefixes ?? {})) {
      expect(prefix).toMatch(/^[a-z-]+\/mariadb\/$/);
    }
    await put(writer, names.object, free);
    for (const Key of [
      "daily/postgres/x",
      "recovery/mariadb-2/x",
      "daily/mariadb",
      "x",
      "../daily/mariadb/x",
    ])
      expect(await refusal(put(writer, Key, free)), Key).toBe("AccessDenied");
  });

  it("can neither read, list, delete, copy, lock nor unlock what it wrote", async () => {
    const Key = names.object;
    const { VersionId } = await operator.send(new HeadObjectCommand({ Bucket, Key }));
    const soon = new Date(Date.now() + 60_000);
    const CopySource = `${Bucket}/${Key}`;
    const refused: [string, () => Promise<unknown>][] = [
      ["get", () => writer.send(new GetObjectCommand({ Bucket, Key }))],
      ["get a version", () => writer.send(new GetObjectCommand({ Bucket, Key, VersionId }))],
      ["list", () => writer.send(new ListObjectsV2Command({ Bucket }))],
      ["list versions", () => writer.send(new ListObjectVersionsCommand({ Bucket }))],
      ["delete", () => writer.send(new DeleteObjectCommand({ Bucket, Key }))],
      ["delete a version", () => writer.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))],
      ["copy", () => writer.send(new CopyObjectCommand({ Bucket, Key: names.copy, CopySource }))],
      [
        "change its lock",
        () => writer.send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, ...shorter(soon) })),
      ],
      [
        "choose a lock",
        () =>
          put(writer, names.copy, { ...free, ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: soon }),
      ],
      ["open it to everybody", () => put(writer, names.copy, { ...free, ACL: "public-read" })],
      ["change the bucket's lock", () => writer.send(new PutObjectLockConfigurationCommand({ Bucket }))],
      ["delete the bucket's policy", () => writer.send(new DeleteBucketPolicyCommand({ Bucket }))],
    ];
    for (const [what, ask] of refused) expect(await refusal(ask()), what).toBe("AccessDenied");
    // HEAD has no body to say why.
    expect(await refusal(writer.send(new HeadObjectCommand({ Bucket, Key })))).toMatch(
      /403|Forbidden|Unknown/,
    );
  });

  it("replaces nothing, with or without the condition, and begins no upload of several parts", async () => {
    const Key = names.object;
    expect(await refusal(put(writer, Key))).toBe("AccessDenied");
    expect(await refusal(put(writer, names.copy))).toBe("AccessDenied");
    expect(await refusal(put(writer, Key, free))).toBe("PreconditionFailed");
    expect(await refusal(writer.send(new CreateMultipartUploadCommand({ Bucket, Key: names.copy })))).toBe(
      "AccessDenied",
    );
    const { Versions } = await reader.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    expect(Versions).toHaveLength(1);
  });

  it("has to take the bucket's encryption", async () => {
    const Key = names.encrypted;
    expect(await refusal(put(writer, Key, { ...free, ServerSideEncryption: "AES256" }))).toBe("AccessDenied");
    const other = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: `${output.kmsKey}0` } as const;
    expect(await refusal(put(writer, Key, { ...free, ...other }))).toBe("AccessDenied");
    const customer = { SSECustomerAlgorithm: "AES256", SSECustomerKey: "0".repeat(32) };
    expect(await refusal(put(writer, Key, { ...free, ...customer }))).toBe("AccessDenied");
    await put(writer, Key, { ...free, ServerSideEncryption: "aws:kms", SSEKMSKeyId: output.kmsKey });
  });

  it("of another name reaches nothing of this one", async () => {
    const other = bucketClient(output, output.writers.postgres ?? output.reader);
    expect(await refusal(put(other, names.copy, free))).toBe("AccessDenied");
    await other.send(
      new PutObjectCommand({
        Bucket,
        Key: dump("postgres", "mo_idp"),
        Body: body,
        ...free,
        ContentMD5: md5(body),
      }),
    );
  });
});

describe("who restores", () => {
  it("lists and reads", async () => {
    const listed = await reader.send(new ListObjectsV2Command({ Bucket, Prefix: folder }));
    expect(listed.Contents?.map(({ Key }) => Key)).toContain(names.object);
    const { Body } = await reader.send(new GetObjectCommand({ Bucket, Key: names.object }));
    expect(await Body?.transformToString()).toBe(body);
  });

  it("neither writes nor deletes", async () => {
    const Key = names.object;
    expect(await refusal(put(reader, Key))).toBe("AccessDenied");
    expect(await refusal(reader.send(new DeleteObjectCommand({ Bucket, Key })))).toBe("AccessDenied");
    expect(await refusal(reader.send(new CreateMultipartUploadCommand({ Bucket, Key })))).toBe(
      "AccessDenied",
    );
  });
});

describe("object lock", () => {
  it("keeps the operator too from deleting a version or its lock; a delete only hides it", async () => {
    const Key = names.object;
    const { VersionId, ObjectLockMode } = await operator.send(new HeadObjectCommand({ Bucket, Key }));
    expect(ObjectLockMode).toBe("COMPLIANCE");
    const byVersion = { Bucket, Key, VersionId };
    expect(await refusal(operator.send(new DeleteObjectCommand(byVersion)))).toBe("AccessDenied");
    const bypass = { ...byVersion, BypassGovernanceRetention: true };
    expect(await refusal(operator.send(new DeleteObjectCommand(bypass)))).toBe("AccessDenied");
    const change = new PutObjectRetentionCommand({ ...byVersion, ...shorter(new Date()) });
    expect(await refusal(operator.send(change))).toBe("AccessDenied");
    const { VersionId: mark } = await operator.send(new DeleteObjectCommand({ Bucket, Key }));
    const { Body } = await reader.send(new GetObjectCommand(byVersion));
    expect(await Body?.transformToString()).toBe(body);
    // Whoever asks for the bucket's state later would take it for an attack.
    await operator.send(new DeleteObjectCommand({ Bucket, Key, VersionId: mark }));
  });
});

describe("without a name or without TLS", () => {
  it("nothing answers", async () => {
    const url = `${output.endpoint}/${Bucket}`;
    const plain = url.replace("https:", "http:");
    await expect(fetch(plain)).rejects.toThrow("fetch failed");
    const tls = await fetch(url);
    expect(tls.status).toBe(403);
  });
});

describe("a guard that was taken away by hand", () => {
  const only = ["--stack", "local", "--yes", "--skip-preview", "--target", "**::backup-policy"];
  const planned = async () => (await plannedChanges()).filter(({ resource }) => resource.startsWith("aws:"));

  it("is named by the preview after a refresh, and put back by `up`", async () => {
    await operator.send(new DeleteBucketPolicyCommand({ Bucket }));
    const refreshed = await pulumi(["refresh", ...only]);
    expect(refreshed.code, refreshed.output).toBe(0);
    expect(await planned()).toEqual([
      { op: "create", resource: "aws:s3/bucketPolicy:BucketPolicy backup-policy", fields: [] },
    ]);
    const up = await pulumi(["up", ...only]);
    expect(up.code, up.output).toBe(0);
    const { Policy } = await operator.send(new GetBucketPolicyCommand({ Bucket }));
    expect(Policy).toContain("RefusePlainRequests");
    expect(await planned()).toEqual([]);
  });
});
