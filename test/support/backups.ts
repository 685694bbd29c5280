import { createHash } from "node:crypto";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { bucketPolicy, readerPolicy, type Writer, writerPolicy } from "../../components/plans/backup-bucket";
import type { BackupOutput, BucketKey } from "../../estate/outputs";
import { keptUnder } from "../../estate/saved";
import type { ServerName } from "../../estate/types";
import type { Manifest } from "../../ops/backup/manifest";
import { bucketClient, clientSettings } from "./backup";
import { type CloudEngine, startCloud } from "./engines-cloud";
import { succeed } from "./run";

export interface BackupStore {
  output: BackupOutput;
  /** Public key of age. */
  recipient: string;
  /** Content of the private key's file. */
  identity: string;
  put(key: string, body: Buffer | string, more?: PutMore): Promise<void>;
  remove(key: string): Promise<void>;
  /** As `put` and `remove` at that time. */
  at<T>(time: Date, work: () => Promise<T>): Promise<T>;
  /** The key of a host's writer, with the rights that the estate gives it. */
  writer(host: ServerName): Promise<BucketKey>;
  /** The bucket as its operator sees it, who may do everything. */
  s3: S3Client;
  /** Puts a run's objects and its manifest. */
  putRun(run: StoredRun): Promise<Manifest>;
  stop(): Promise<void>;
}

type PutMore = Partial<PutObjectCommandInput>;

export interface StoredRun {
  run: string;
  host: string;
  engine: Manifest["engine"];
  tag?: string;
  finished?: Date;
  failed?: string[];
  objects: StoredObject[];
}

/** `lies`: what is put there in its place. */
type StoredObject = { database: string; sealed: Buffer; lies?: Buffer } & Pick<
  Manifest["objects"][number],
  "rows" | "proof" | "notes"
>;

const REGION = "eu-central-1";
const BUCKET = "backups";
const RETENTION = {
  localDays: 30,
  dailyDays: 90,
  queueDays: 30,
  recoveryDays: 30,
  noncurrentDays: 14,
  lockDays: 30,
  erasureDays: 180,
  archive: { years: 7, reason: "a law for this test" },
};

/** The bucket has versions and the estate's own policy; its reader has the estate's rights and no more. */
export async function startBackupStore(): Promise<BackupStore> {
  const cloud: CloudEngine = await startCloud();
  const { endpoint, caCertificate, operator } = cloud;
  const place = { region: REGION, endpoint, caCertificate };
  const s3 = bucketClient(place, operator);
  const iam = new IAMClient(clientSettings({ ...place, region: "us-east-1" }, operator));
  const ends = {
    bucket: `arn:aws:s3:::${BUCKET}`,
    key: "arn:aws:kms:eu-central-1:123456789012:key/0",
    region: REGION,
  };
  await s3.send(
    new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: REGION } }),
  );
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } }),
  );
  const user = async (UserName: string, PolicyDocument: string) => {
    const { User } = await iam.send(new CreateUserCommand({ UserName }));
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const key = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
    return { arn: User?.Arn ?? "", key };
  };
  const writers: (Writer & { key: BucketKey })[] = [];
  const reader = await user("reader", readerPolicy(ends));
  const identity = await succeed("age-keygen", []);
  const recipient = /public key: (\S+)/.exec(identity)?.[1] ?? "";
  const put = async (Key: string, Body: Buffer | string, more: PutMore = {}) => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
  };
  const at = async <T>(time: Date, work: () => Promise<T>): Promise<T> => {
    await cloud.setClock(time);
    try {
      return await work();
    } finally {
      await cloud.setClock(undefined);
    }
  };
  return {
    output: {
      ...place,
      bucket: BUCKET,
      kmsKey: ends.key,
      writers: {},
      reader: reader.key,
      retention: RETENTION,
    },
    recipient,
    identity,
    s3,
    put,
    at,
    remove: async (Key) => {
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    },
    async writer(host) {
      const known = writers.find((each) => each.host === host);
      if (known) return known.key;
      const made = await user(`writer-${host}`, writerPolicy(ends, host, RETENTION));
      writers.push({ host, ...made });
      const Policy = bucketPolicy({ ...ends, writers, retention: RETENTION });
      await s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }));
      return made.key;
    },
    async putRun({ run, host, engine, tag = "daily", finished = timeOf(run), failed = [], objects }) {
      const extension = { mariadb: "sql", postgres: "pgdump", redis: "rdb" }[engine];
      const kept = keptUnder(host as ServerName);
      const manifest: Manifest = {
        run,
        host,
        engine,
        tag,
        ok: failed.length === 0,
        finished: finished.toISOString(),
        durationMs: 1000,
        versions: { server: "1", dump: "1" },
        failed,
        objects: objects.map(({ database, sealed, lies: _, ...rest }) => ({
          database,
          key: `${kept}/${host}/${database}/${run}.${database === "_accounts" ? "sql" : extension}.zst.age`,
          sha256: createHash("sha256").update(sealed).digest("hex"),
          bytes: sealed.length,
          durationMs: 10,
          ...rest,
        })),
      };
      await at(finished, async () => {
        for (const [index, { key }] of manifest.objects.entries())
          await put(key, objects[index]?.lies ?? objects[index]?.sealed ?? "");
        await put(`${kept}/${host}/manifests/${run}.json`, JSON.stringify(manifest));
      });
      return manifest;
    },
    async stop() {
      s3.destroy();
      iam.destroy();
      await cloud.stop();
    },
  };
}

/** Of a run by its name. */
export function timeOf(run: string): Date {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** The name of a run that began then. */
export function runOf(time: Date, random = "00000000"): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z-${random}`;
}
