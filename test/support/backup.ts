import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { S3Client } from "@aws-sdk/client-s3";
import { type AwsPlace, awsClientSettings } from "../../connect/aws";
import type { BackupOutput, BucketKey } from "../../estate/outputs";
import { pulumi } from "./project";

/** The stack's bucket as its output tells of it, secrets in the clear. */
export async function backupOutput(): Promise<BackupOutput> {
  const printed = await pulumi(["stack", "output", "backup", "--stack", "local", "--show-secrets", "--json"]);
  return JSON.parse(printed.stdout) as BackupOutput;
}

/** The operator's key in the lab, which may do everything. */
export function operatorKey(): BucketKey {
  const text = readFileSync(process.env.AWS_SHARED_CREDENTIALS_FILE ?? "", "utf8");
  const entry = (name: string) => new RegExp(`^${name} = (\\S+)$`, "m").exec(text)?.[1] ?? "";
  return {
    accessKeyId: entry("aws_access_key_id"),
    secretAccessKey: entry("aws_secret_access_key"),
  };
}

/** What a client of any of the services needs to work as one identity. Never retries: a refusal is an answer. */
export function clientSettings(place: AwsPlace, { accessKeyId, secretAccessKey }: BucketKey) {
  return { ...awsClientSettings(place), credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
}

/** Buckets as one identity sees them. */
export function bucketClient(place: AwsPlace, key: BucketKey): S3Client {
  return new S3Client(clientSettings(place, key));
}

/** `AccessDenied` and the like; undefined: it was allowed. */
export async function refusal(asked: Promise<unknown>): Promise<string | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

/** What a locked bucket wants to see of a body: base64 of its MD5. */
export function md5(body: string): string {
  return createHash("md5").update(body).digest("base64");
}
