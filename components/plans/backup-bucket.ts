import { keptUnder } from "../../estate/saved";
import type { BackupRetention, ServerName } from "../../estate/types";

/** What is kept for how long is told by the first part of an object's key, whose it is by the second: `daily/mariadb/`. */
export type BackupPrefix = "daily" | "queue" | "archive" | "archive-index" | "recovery" | "status";

/** Days after which an archived copy is in the cold tier, and an upload that never ended is given up. */
const COLD_AFTER = 30;
const UPLOADS_END_AFTER = 7;
const COLD_TIER = "DEEP_ARCHIVE";

export interface LifecycleRule {
  id: string;
  status: "Enabled";
  filter: { prefix: string };
  expiration: { days: number } | { expiredObjectDeleteMarker: true };
  noncurrentVersionExpiration: { noncurrentDays: number };
  transitions?: { days: number; storageClass: string }[];
  abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
}

/** Every prefix that the retention knows, with the days after which its objects expire. */
export function keptDays(retention: BackupRetention): Partial<Record<BackupPrefix, number>> {
  const { archive, dailyDays, queueDays, recoveryDays } = retention;
  // Leap days included: seven years are 2557 days.
  const archiveDays = archive && Math.ceil(archive.years * 365.25);
  return {
    // What the archive holds is told beside it: in the cold tier nobody could read it without waiting.
    ...(archiveDays && { archive: archiveDays, "archive-index": archiveDays }),
    daily: dailyDays,
    queue: queueDays,
    recovery: recoveryDays,
    status: dailyDays,
  };
}

/** By prefix, and a last one for the whole bucket: what nobody can see any more goes everywhere. */
export function lifecycleRules(retention: BackupRetention): LifecycleRule[] {
  const noncurrentVersionExpiration = { noncurrentDays: retention.noncurrentDays };
  const rules = Object.entries(keptDays(retention)).map(
    ([prefix, days]): LifecycleRule => ({
      id: prefix,
      status: "Enabled",
      filter: { prefix: `${prefix}/` },
      expiration: { days },
      noncurrentVersionExpiration,
      ...(prefix === "archive" && { transitions: [{ days: COLD_AFTER, storageClass: COLD_TIER }] }),
    }),
  );
  const rest: LifecycleRule = {
    id: "rest",
    status: "Enabled",
    filter: { prefix: "" },
    expiration: { expiredObjectDeleteMarker: true },
    noncurrentVersionExpiration,
    abortIncompleteMultipartUpload: { daysAfterInitiation: UPLOADS_END_AFTER },
  };
  return [...rules, rest];
}

/** The prefixes that a host writes below: `{ daily: "daily/mariadb/", ... }`; of queues there is nothing but their copies. */
export function prefixesOf(host: ServerName, retention: BackupRetention): Record<string, string> {
  const ofQueues = keptUnder(host) === "queue";
  const own = Object.keys(keptDays(retention)).filter((prefix) => (prefix === "queue") === ofQueues);
  return Object.fromEntries(own.map((prefix) => [prefix, `${prefix}/${host}/`]));
}

/** What a writer may. */
const PUT = "s3:PutObject";
const OWNERS_ACL = "bucket-owner-full-control";

type Statement = Readonly<Record<string, unknown>>;

function document(Statement: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

export interface Writer {
  host: ServerName;
  /** Of its user. */
  arn: string;
}

export interface BucketPolicyFacts {
  /** ARNs. */
  bucket: string;
  key: string;
  writers: readonly Writer[];
  retention: BackupRetention;
}

/**
 * What the bucket refuses, whatever an identity's own policies say: plain requests, encryption that is not the estate's,
 * and writers who do anything but put objects below their own prefixes, on condition that they are not there. It allows nothing: that
 * is the identities' part.
 */
export function bucketPolicy({ bucket, key, writers, retention }: BucketPolicyFacts): string {
  const everything = [bucket, `${bucket}/*`];
  const deny = (Sid: string, rest: Statement): Statement => ({
    Sid,
    Effect: "Deny",
    Principal: "*",
    ...rest,
  });
  const put = (Sid: string, Condition: Statement) =>
    deny(Sid, { Action: "s3:PutObject", Resource: `${bucket}/*`, Condition });
  return document([
    deny("RefusePlainRequests", {
      Action: "s3:*",
      Resource: everything,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    }),
    deny("RefuseOldTls", {
      Action: "s3:*",
      Resource: everything,
      Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
    }),
    // One who says nothing gets the bucket's default, which is the same; IfExists would refuse them.
    put("RefuseOtherEncryption", saysOther("s3:x-amz-server-side-encryption", "aws:kms")),
    put("RefuseOtherKeys", saysOther("s3:x-amz-server-side-encryption-aws-kms-key-id", key)),
    // The one that a bucket which knows no ACLs takes; a service that knows them must not get another.
    deny("RefuseOtherAcls", {
      Action: "s3:PutObjectAcl",
      Resource: `${bucket}/*`,
      Condition: { StringNotEquals: { "s3:x-amz-acl": OWNERS_ACL } },
    }),
    // With a key of its own a client could write what nobody can ever read.
    put("RefuseKeysOfClients", { Null: { "s3:x-amz-server-side-encryption-customer-algorithm": "false" } }),
    ...(writers.length > 0
      ? [
          deny("WritersOnlyPut", {
            Principal: { AWS: writers.map(({ arn }) => arn) },
            NotAction: PUT,
            Resource: everything,
          }),
          // First write wins. Uploads of several parts begin without the condition, so they are refused as well.
          deny("WritersNeverReplace", {
            Principal: { AWS: writers.map(({ arn }) => arn) },
            Action: PUT,
            Resource: `${bucket}/*`,
            Condition: { Null: { "s3:if-none-match": "true" } },
          }),
          // What a reader would have to fetch from the cold tier first, only the lifecycle puts there.
          deny("WritersChooseNoTier", {
            Principal: { AWS: writers.map(({ arn }) => arn) },
            Action: PUT,
            Resource: `${bucket}/*`,
            Condition: saysOther("s3:x-amz-storage-class", "STANDARD"),
          }),
        ]
      : []),
    ...writers.map(({ host, arn }) =>
      deny(`OwnPrefixesOf${host}`, {
        Principal: { AWS: arn },
        Action: PUT,
        NotResource: Object.values(prefixesOf(host, retention)).map((prefix) => `${bucket}/${prefix}*`),
      }),
    ),
  ]);
}

function saysOther(header: string, value: string): Statement {
  return { Null: { [header]: "false" }, StringNotEquals: { [header]: value } };
}

interface Ends {
  /** ARNs. */
  bucket: string;
  key: string;
  region: string;
}

/** The key is of use to an identity through S3 alone, and for this bucket. */
function throughBucket({ bucket, region }: Ends): Statement {
  return {
    StringEquals: {
      "kms:ViaService": `s3.${region}.amazonaws.com`,
      "kms:EncryptionContext:aws:s3:arn": bucket,
    },
  };
}

/** A host puts objects below its own prefixes that are not there yet. It cannot read, list, replace, delete, lock, unlock or tag any. */
export function writerPolicy(ends: Ends, host: ServerName, retention: BackupRetention): string {
  return document([
    {
      Sid: "Put",
      Effect: "Allow",
      Action: PUT,
      Resource: Object.values(prefixesOf(host, retention)).map((prefix) => `${ends.bucket}/${prefix}*`),
      Condition: { Null: { "s3:if-none-match": "false" } },
    },
    {
      Sid: "Encrypt",
      Effect: "Allow",
      Action: "kms:GenerateDataKey",
      Resource: ends.key,
      Condition: throughBucket(ends),
    },
  ]);
}

/** Who restores lists and reads everything, old versions too, and can have it fetched from the cold tier. */
export function readerPolicy(ends: Ends): string {
  return document([
    {
      Sid: "List",
      Effect: "Allow",
      Action: ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"],
      Resource: ends.bucket,
    },
    {
      Sid: "Read",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject"],
      Resource: `${ends.bucket}/*`,
    },
    {
      Sid: "Decrypt",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: ends.key,
      Condition: throughBucket(ends),
    },
  ]);
}

/** S3 itself works as the role that copies. */
export const copierTrust = document([
  { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" },
]);

/** It reads every version and its lock here, and puts replicas there. */
export function copierPolicy(from: Ends, to: Ends): string {
  return document([
    {
      Sid: "Look",
      Effect: "Allow",
      Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
      Resource: from.bucket,
    },
    {
      Sid: "Read",
      Effect: "Allow",
      Action: [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
      ],
      Resource: `${from.bucket}/*`,
    },
    {
      Sid: "Replicate",
      Effect: "Allow",
      Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
      Resource: `${to.bucket}/*`,
    },
    {
      Sid: "Decrypt",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: from.key,
      Condition: throughBucket(from),
    },
    {
      Sid: "Encrypt",
      Effect: "Allow",
      Action: ["kms:GenerateDataKey", "kms:Encrypt"],
      Resource: to.key,
      Condition: throughBucket(to),
    },
  ]);
}
