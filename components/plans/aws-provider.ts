import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ProviderArgs } from "@pulumi/aws/provider";
import type { BackupConfig } from "../../estate/types";

export interface AwsProviderFacts {
  region: string;
  backup: Pick<BackupConfig, "endpoint" | "caBundle">;
  tags: Readonly<Record<string, string>>;
  /** A preview: nothing is asked of AWS. */
  preview: boolean;
  env?: NodeJS.ProcessEnv;
}

const UNCHECKED = {
  skipCredentialsValidation: true,
  skipMetadataApiCheck: true,
  skipRequestingAccountId: true,
} as const;

/**
 * Settings of the AWS provider of one region. Credentials come from the environment, as for every AWS program. A preview
 * where there are none gets some that open nothing, for the plugin does not start without: it shows them as a change of
 * the provider, and asks for nothing.
 */
export function awsProviderArgs({ region, backup, tags, preview, env = process.env }: AwsProviderFacts) {
  const { endpoint, caBundle } = backup;
  return {
    region,
    defaultTags: { tags: { ...tags } },
    ...(endpoint && {
      endpoints: [{ s3: endpoint, s3control: endpoint, kms: endpoint, iam: endpoint, sts: endpoint }],
      s3UsePathStyle: true,
      // Services that are not AWS have no STS to ask.
      ...UNCHECKED,
    }),
    ...(caBundle && { customCaBundle: caBundle }),
    ...(preview && !hasCredentials(env) && { accessKey: "preview", secretKey: "preview", ...UNCHECKED }),
  } satisfies ProviderArgs;
}

const SOURCES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

function hasCredentials(env: NodeJS.ProcessEnv): boolean {
  const directory = join(env.HOME || homedir(), ".aws");
  const files = [
    env.AWS_SHARED_CREDENTIALS_FILE || join(directory, "credentials"),
    join(directory, "config"),
  ];
  return SOURCES.some((name) => env[name]) || files.some((file) => existsSync(file));
}
