import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CheckFailure, Properties } from "../../../provider/wire/kind";
import { checkFields, type Fields, parseConfig } from "../fields";

export const OWNER = "@pulumi/aws";

export interface AwsConfig {
  region: string;
  accessKey?: string;
  secretKey?: string;
  token?: string;
  endpoints?: readonly { s3?: string; kms?: string; iam?: string }[];
  /** Path of a PEM file: the authorities that are trusted instead of the system's. */
  customCaBundle?: string;
  s3UsePathStyle?: boolean;
}

const url = {
  type: "string",
  fault: (value) => (/^https?:\/\/[^/]/.test(String(value)) ? undefined : "must be a URL"),
} as const satisfies Fields[string];

const FIELDS: Fields = {
  region: { type: "string" },
  accessKey: { type: "string" },
  secretKey: { type: "string" },
  token: { type: "string" },
  endpoints: {
    type: "objects",
    // The last two are asked by the real plugin only.
    fields: { s3: url, kms: url, iam: url, sts: url, s3control: url },
  },
  customCaBundle: { type: "string" },
  s3UsePathStyle: { type: "boolean" },
  defaultTags: { type: "object", fields: { tags: { type: "map" } } },
  // Nothing here asks STS or the metadata service for these, or knows a list of regions.
  skipCredentialsValidation: { type: "boolean" },
  skipMetadataApiCheck: { type: "boolean" },
  skipRegionValidation: { type: "boolean" },
  skipRequestingAccountId: { type: "boolean" },
};

/** The real plugin's configuration. As with it, no resource can even be previewed without credentials. */
export function checkConfig(
  news: Properties,
  env: NodeJS.ProcessEnv = process.env,
): { inputs: Properties; failures: CheckFailure[] } {
  const { inputs, failures } = checkFields(OWNER, FIELDS, parseConfig(FIELDS, news));
  if (inputs.region === undefined && !env.AWS_REGION && !env.AWS_DEFAULT_REGION)
    failures.push({ property: "region", reason: "is missing, and AWS_REGION is not set" });
  const given = inputs.accessKey !== undefined && inputs.secretKey !== undefined;
  if (!given && !hasCredentials(env)) {
    failures.push({
      property: "accessKey",
      reason: "is missing, and no valid credential sources were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID",
    });
  }
  return { inputs, failures };
}

/** Checked configuration. */
export function awsConfig(inputs: Properties, env: NodeJS.ProcessEnv = process.env): AwsConfig {
  const given = parseConfig(FIELDS, inputs) as Partial<AwsConfig>;
  return {
    ...given,
    region: given.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "",
    customCaBundle: given.customCaBundle ?? (env.AWS_CA_BUNDLE || undefined),
  };
}

const SOURCES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

function hasCredentials(env: NodeJS.ProcessEnv): boolean {
  const file = env.AWS_SHARED_CREDENTIALS_FILE || join(env.HOME || homedir(), ".aws", "credentials");
  return SOURCES.some((name) => env[name]) || existsSync(file);
}

/** The provider's tags and the resource's own, which win. */
export function allTags(inputs: Properties, provider: Properties | undefined): Properties {
  const { defaultTags } = parseConfig(FIELDS, provider ?? {}) as { defaultTags?: { tags?: Properties } };
  return { ...defaultTags?.tags, ...(inputs.tags as Properties | undefined) };
}

/** What is declared, with the region it lives in: its own or, where it has none, its provider's. */
export function inRegion(news: Properties, provider: Properties | undefined): Properties {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const region = news.region ?? provider?.region ?? AWS_REGION ?? AWS_DEFAULT_REGION;
  return region === undefined ? news : { ...news, region };
}
