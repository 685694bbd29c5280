import type { S3Client } from "@aws-sdk/client-s3";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { type Aws, found } from "./clients";
import { allTags, inRegion, OWNER } from "./config";

export interface BucketInputs {
  bucket: string;
  forceDestroy: boolean;
  objectLockEnabled?: boolean;
  tags?: Record<string, string>;
  tagsAll: Record<string, string>;
  region: string;
}

interface BucketState extends BucketInputs {
  arn: string;
  bucketDomainName: string;
  bucketRegion: string;
  bucketRegionalDomainName: string;
}

const FIELDS: Fields = {
  bucket: {
    type: "string",
    required: true,
    replaces: true,
    fault: (value) =>
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(String(value)) ? undefined : "is no name of a bucket",
  },
  forceDestroy: { type: "boolean", default: false, local: true },
  objectLockEnabled: { type: "boolean", computed: true, replaces: true },
  tags: { type: "map", local: true },
  tagsAll: { type: "map" },
  region: { type: "string", replaces: true },
};

/**
 * `aws:s3/bucket:Bucket`, without the properties that the real one has for what are resources of their own (versioning,
 * policy, lifecycle rules, ...). Creating one that exists is an error. Deleting one that holds anything is an error, but
 * with `forceDestroy`. The output `hostedZoneId` is left out. Id: the name.
 */
export const bucket: Kind<Aws, BucketInputs, BucketState> = {
  token: "aws:s3/bucket:Bucket",
  computedOutputs: ["arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName"],
  stableOutputs: ["arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName"],

  check(news, _old, { provider }) {
    const { inputs, failures } = checkFields(OWNER, FIELDS, inRegion(news, provider));
    return { inputs: { ...inputs, tagsAll: allTags(inputs, provider) }, failures };
  },

  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateBucketCommand } = await import("@aws-sdk/client-s3");
    const s3 = await config.s3(inputs.region);
    const elsewhere = inputs.region !== "us-east-1";
    await s3.send(
      new CreateBucketCommand({
        Bucket: inputs.bucket,
        ...(inputs.objectLockEnabled && { ObjectLockEnabledForBucket: true }),
        ...(elsewhere && { CreateBucketConfiguration: { LocationConstraint: inputs.region as "eu-west-1" } }),
      }),
    );
    await writeTags(s3, inputs);
    return { id: inputs.bucket, state: (await readState(s3, inputs)) ?? outputsOf(inputs) };
  },

  async read({ config }, id, old) {
    const region = old?.state.region ?? config.config.region;
    const known = { forceDestroy: false, ...old?.state, bucket: id, region };
    const state = await readState(await config.s3(region), known as BucketInputs);
    if (!state) return undefined;
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id, inputs: inputs as unknown as BucketInputs, state };
  },

  async update({ config }, _id, _old, news) {
    const s3 = await config.s3(news.region);
    await writeTags(s3, news);
    return (await readState(s3, news)) ?? outputsOf(news);
  },

  async delete({ config }, _id, { state }) {
    const { DeleteBucketCommand } = await import("@aws-sdk/client-s3");
    const s3 = await config.s3(state.region);
    if (state.forceDestroy) await empty(s3, state.bucket);
    await found(s3.send(new DeleteBucketCommand({ Bucket: state.bucket })));
  },
};

function outputsOf(inputs: BucketInputs): BucketState {
  const { bucket: name, region } = inputs;
  return {
    ...inputs,
    objectLockEnabled: inputs.objectLockEnabled ?? false,
    arn: `arn:aws:s3:::${name}`,
    bucketDomainName: `${name}.s3.amazonaws.com`,
    bucketRegion: region,
    bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
  };
}

async function writeTags(s3: S3Client, { bucket: Bucket, tagsAll }: BucketInputs): Promise<void> {
  const { DeleteBucketTaggingCommand, PutBucketTaggingCommand } = await import("@aws-sdk/client-s3");
  const TagSet = Object.entries(tagsAll).map(([Key, Value]) => ({ Key, Value }));
  if (TagSet.length > 0) await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  else await found(s3.send(new DeleteBucketTaggingCommand({ Bucket })));
}

async function readState(s3: S3Client, known: BucketInputs): Promise<BucketState | undefined> {
  const { GetBucketTaggingCommand, GetObjectLockConfigurationCommand, HeadBucketCommand } = await import(
    "@aws-sdk/client-s3"
  );
  const Bucket = known.bucket;
  const head = await found(s3.send(new HeadBucketCommand({ Bucket })));
  if (!head) return undefined;
  const tags = await found(s3.send(new GetBucketTaggingCommand({ Bucket })));
  const lock = await found(s3.send(new GetObjectLockConfigurationCommand({ Bucket })));
  const tagsAll = Object.fromEntries((tags?.TagSet ?? []).map(({ Key, Value }) => [Key, Value ?? ""]));
  return outputsOf({
    ...known,
    region: head.BucketRegion ?? known.region,
    objectLockEnabled: lock?.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled",
    tagsAll,
  });
}

/** Every version and every delete marker. */
async function empty(s3: S3Client, Bucket: string): Promise<void> {
  const { DeleteObjectsCommand, ListObjectVersionsCommand } = await import("@aws-sdk/client-s3");
  for (;;) {
    const page = await found(s3.send(new ListObjectVersionsCommand({ Bucket })));
    const all = [...(page?.Versions ?? []), ...(page?.DeleteMarkers ?? [])];
    if (all.length === 0) return;
    const Objects = all.map(({ Key, VersionId }) => ({ Key, VersionId }));
    const { Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    if (Errors?.[0]) throw new Error(`${Errors[0].Key} in ${Bucket} cannot be deleted: ${Errors[0].Message}`);
  }
}
