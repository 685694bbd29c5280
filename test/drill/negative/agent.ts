import { createHash } from "node:crypto";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { bucketClient, refusal } from "../../support/backup";
import { type Drill, judge } from "../context";
import type { LabBucket } from "./bucket";

/** A locked bucket looks for it before anything else. */
const md5 = (text: string) => createHash("md5").update(text).digest("base64");

/** Whoever holds a host holds its agent's credentials: with those nothing may be reached that was sent. */
export async function agentCredentials(drill: Drill, bucket: LabBucket): Promise<void> {
  const { output } = bucket;
  const Bucket = output.bucket;
  for (const host of ["plesk", "mariadb", "postgres"] as const) {
    const writer = output.writers[host];
    const Key = (await bucket.list(`daily/${host}/`)).find((each) => each.endsWith(".age"));
    if (!Key || !writer) throw new Error(`the bucket has no dump of ${host}, or no writer for it`);
    const s3 = bucketClient(output, writer);
    try {
      const attempts = {
        list: () => s3.send(new ListObjectsV2Command({ Bucket, Prefix: `daily/${host}/` })),
        read: () => s3.send(new GetObjectCommand({ Bucket, Key })),
        delete: () => s3.send(new DeleteObjectCommand({ Bucket, Key })),
        replace: () => s3.send(new PutObjectCommand({ Bucket, Key, Body: "poison" })),
        "conditionally replace": () =>
          s3.send(
            new PutObjectCommand({
              Bucket,
              Key,
              Body: "poison",
              ContentMD5: md5("poison"),
              IfNoneMatch: "*",
            }),
          ),
        "replace in parts": () => s3.send(new CreateMultipartUploadCommand({ Bucket, Key })),
      };
      for (const [what, attempt] of Object.entries(attempts)) {
        const answer = await refusal(attempt());
        const refused = answer === "AccessDenied" || answer === "PreconditionFailed";
        const faults = refused ? [] : [`it was not refused: ${answer ?? "it could"}`];
        judge(
          drill,
          "refusals",
          `the agent of ${host} trying to ${what} old backups`,
          faults,
          "AccessDenied",
        );
      }
    } finally {
      s3.destroy();
    }
    const still = (await bucket.list(`daily/${host}/`)).includes(Key);
    judge(drill, "refusals", `old backups of ${host} are all there`, still ? [] : [`${Key} is gone`], Key);
  }
}
