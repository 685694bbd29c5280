import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { bucketClient, refusal } from "../../test/support/backup";
import { type Drill, judge } from "../context";
import type { LabBucket } from "./bucket";

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
      };
      for (const [what, attempt] of Object.entries(attempts)) {
        const answer = await refusal(attempt());
        const faults = answer === "AccessDenied" ? [] : [`it was not refused: ${answer ?? "it could"}`];
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
