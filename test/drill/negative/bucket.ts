import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { BackupOutput } from "../../../estate/outputs";
import { type Manifest, SAFETY } from "../../../ops/backup/manifest";
import { backupOutput, bucketClient, operatorKey } from "../../support/backup";

/** The bucket as the lab's operator, who may do more than any key of the estate: what damages backups on purpose. */
export class LabBucket {
  private constructor(
    private readonly s3: S3Client,
    readonly output: BackupOutput,
  ) {}

  static async open(): Promise<LabBucket> {
    const output = await backupOutput();
    return new LabBucket(bucketClient(output, operatorKey()), output);
  }

  async read(Key: string): Promise<Buffer> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.output.bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async put(Key: string, body: Buffer | string): Promise<void> {
    const Body = Buffer.from(body);
    const ContentMD5 = createHash("md5").update(Body).digest("base64");
    await this.s3.send(new PutObjectCommand({ Bucket: this.output.bucket, Key, Body, ContentMD5 }));
  }

  /** Deletes an object as far as a lock lets anybody: its versions stay. Gives what takes that back. */
  async hide(Key: string): Promise<() => Promise<void>> {
    const Bucket = this.output.bucket;
    const { VersionId } = await this.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    return async () => {
      await this.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    };
  }

  /** Names of objects below a prefix that are to be seen. */
  async list(Prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let KeyMarker: string | undefined;
    do {
      const page = await this.s3.send(
        new ListObjectVersionsCommand({
          Bucket: this.output.bucket,
          Prefix,
          ...(KeyMarker && { KeyMarker }),
        }),
      );
      const gone = new Set(
        (page.DeleteMarkers ?? []).flatMap(({ Key, IsLatest }) => (IsLatest && Key ? [Key] : [])),
      );
      keys.push(
        ...(page.Versions ?? []).flatMap(({ Key, IsLatest }) =>
          Key && IsLatest && !gone.has(Key) ? [Key] : [],
        ),
      );
      KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
    } while (KeyMarker);
    return keys.sort();
  }

  /**
   * A run of now that nobody takes who does not name it, and that holds one database's newest dump changed by `damage`. `honest`: its
   * manifest vouches for what lies there; otherwise for what was sent. Nothing of it is what the bucket would call an attack: it comes
   * when it says, under names that are free.
   */
  async putDamaged(
    { manifest, database, run }: { manifest: Manifest; database: string; run: string },
    damage: (sealed: Buffer) => Buffer,
    honest: boolean,
  ): Promise<string> {
    const object = manifest.objects.find((each) => each.database === database);
    if (!object) throw new Error(`run ${manifest.run} holds no ${database}`);
    const sealed = await this.read(object.key);
    const damaged = damage(sealed);
    const key = object.key.replace(manifest.run, run);
    await this.put(key, damaged);
    const told = honest ? damaged : sealed;
    const sha256 = createHash("sha256").update(told).digest("hex");
    const changed = { ...object, key, sha256, bytes: told.length };
    const finished = `${new Date().toISOString().slice(0, 19)}Z`;
    const text = JSON.stringify({ ...manifest, run, tag: SAFETY, finished, objects: [changed] });
    await this.put(`daily/${manifest.host}/manifests/${run}.json`, text);
    return key;
  }

  close(): void {
    this.s3.destroy();
  }
}
