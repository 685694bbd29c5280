import type { S3Client } from "@aws-sdk/client-s3";
import type { Kind, Properties, Value } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import type { Aws } from "./clients";
import { inRegion, OWNER } from "./config";

export interface BucketSettingInputs {
  bucket: string;
  /** Default: the provider's. */
  region: string;
}

/** One setting of a bucket, a resource of its own with the bucket's name as its id. */
interface BucketSetting<Inputs extends BucketSettingInputs> {
  token: string;
  /** Without `bucket` and `region`. */
  fields: Fields;
  /** Default: 0, which the real plugin does not write down. */
  schemaVersion?: number;
  write(s3: S3Client, inputs: Inputs): Promise<unknown>;
  /** As it would be declared; undefined: the bucket has none, or is gone. */
  read(
    s3: S3Client,
    bucket: string,
    known: Partial<Inputs> | undefined,
  ): Promise<Omit<Inputs, keyof BucketSettingInputs> | undefined>;
  remove(s3: S3Client, inputs: Inputs): Promise<unknown>;
}

const COMMON: Fields = {
  bucket: { type: "string", required: true, replaces: true },
  region: { type: "string", replaces: true },
};

export function bucketSetting<Inputs extends BucketSettingInputs>(
  setting: BucketSetting<Inputs>,
): Kind<Aws, Inputs, Inputs> {
  const fields: Fields = { ...COMMON, ...setting.fields };
  const local = Object.keys(fields).filter((name) => fields[name]?.local);
  const standing = async (s3: S3Client, known: BucketSettingInputs & Partial<Inputs>) => {
    const read = await setting.read(s3, known.bucket, known);
    const kept = local.map((name) => [name, known[name as keyof Inputs]]);
    return (
      read && present({ ...Object.fromEntries(kept), ...read, bucket: known.bucket, region: known.region })
    );
  };
  return {
    token: setting.token,
    ...(setting.schemaVersion && { schemaVersion: setting.schemaVersion }),

    check: (news, _old, { provider }) => checkFields(OWNER, fields, inRegion(news, provider)),

    diff: ({ state }, news) => changedFields(fields, state as unknown as Properties, news),

    async create({ config }, inputs) {
      const s3 = await config.s3(inputs.region);
      await setting.write(s3, inputs);
      return { id: inputs.bucket, state: ((await standing(s3, inputs)) ?? inputs) as Inputs };
    },

    async read({ config }, id, old) {
      const region = old?.state.region ?? config.config.region;
      const state = await standing(await config.s3(region), { ...old?.state, bucket: id, region } as Inputs);
      if (!state) return undefined;
      const inputs = inputsFrom(fields, state, old?.inputs as Properties | undefined);
      return { id, inputs: inputs as unknown as Inputs, state: state as unknown as Inputs };
    },

    async update({ config }, _id, _old, news) {
      const s3 = await config.s3(news.region);
      await setting.write(s3, news);
      return ((await standing(s3, news)) ?? news) as Inputs;
    },

    async delete({ config }, _id, { state }) {
      const s3 = await config.s3(state.region);
      if (await standing(s3, state)) await setting.remove(s3, state);
    },
  };
}

/** Without what is undefined, at every depth. */
export function present(value: object): Properties {
  return clean(value) as Properties;
}

function clean(value: unknown): Value {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value as Value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, clean(item)]])),
  );
}

/** The items as a list, or undefined where there are none: then an absent one is meant. */
export function someOf<Item>(items: Item[] | undefined): Item[] | undefined {
  return items && items.length > 0 ? items : undefined;
}
