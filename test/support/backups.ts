import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { BackupOutput } from "../../estate/outputs";
import type { Manifest } from "../../ops/backup/manifest";
import { bucketClient } from "./backup";
import { type CloudEngine, startCloud } from "./engines-cloud";
import { succeed } from "./run";

/** A bucket with backups in a cloud of its own, and the key pair that they are sealed with. */
export interface BackupStore {
  output: BackupOutput;
  /** Public key of age. */
  recipient: string;
  /** Content of the private key's file. */
  identity: string;
  put(key: string, body: Buffer | string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Puts a run's objects and its manifest. */
  putRun(run: StoredRun): Promise<Manifest>;
  stop(): Promise<void>;
}

export interface StoredRun {
  run: string;
  host: string;
  engine: Manifest["engine"];
  tag?: string;
  finished?: Date;
  failed?: string[];
  objects: { database: string; sealed: Buffer; rows: Record<string, number> }[];
}

export async function startBackupStore(): Promise<BackupStore> {
  const cloud: CloudEngine = await startCloud();
  const { endpoint, caCertificate, operator } = cloud;
  const place = { region: "eu-central-1", endpoint, caCertificate };
  const Bucket = "backups";
  const s3: S3Client = bucketClient(place, operator);
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } }),
  );
  const identity = await succeed("age-keygen", []);
  const recipient = /public key: (\S+)/.exec(identity)?.[1] ?? "";
  const put = async (Key: string, Body: Buffer | string) => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  };
  return {
    output: {
      ...place,
      bucket: Bucket,
      kmsKey: "arn:aws:kms:eu-central-1:123456789012:key/0",
      writers: {},
      reader: operator,
      retention: {
        localDays: 30,
        dailyDays: 90,
        recoveryDays: 30,
        noncurrentDays: 14,
        lockDays: 30,
        erasureDays: 180,
      },
    },
    recipient,
    identity,
    put,
    remove: async (Key) => {
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async putRun({ run, host, engine, tag = "daily", finished = new Date(), failed = [], objects }) {
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
        objects: objects.map(({ database, sealed, rows }) => ({
          database,
          key: `daily/${host}/${database}/${run}.zst.age`,
          sha256: createHash("sha256").update(sealed).digest("hex"),
          bytes: sealed.length,
          rows,
          durationMs: 10,
        })),
      };
      for (const [index, { key }] of manifest.objects.entries()) await put(key, objects[index]?.sealed ?? "");
      await put(`daily/${host}/manifests/${run}.json`, JSON.stringify(manifest));
      return manifest;
    },
    async stop() {
      s3.destroy();
      await cloud.stop();
    },
  };
}
