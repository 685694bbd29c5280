import type { KMSClient } from "@aws-sdk/client-kms";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { type Aws, found } from "./clients";
import { allTags, inRegion, OWNER } from "./config";

export interface KeyInputs {
  description?: string;
  /** Days. */
  deletionWindowInDays?: number;
  enableKeyRotation?: boolean;
  tags?: Record<string, string>;
  tagsAll: Record<string, string>;
  region: string;
}

interface KeyState extends KeyInputs {
  arn: string;
  keyId: string;
}

const KEY_FIELDS: Fields = {
  description: { type: "string", computed: true },
  deletionWindowInDays: {
    type: "number",
    local: true,
    fault: (value) => (Number(value) < 7 || Number(value) > 30 ? "must be 7 to 30" : undefined),
  },
  enableKeyRotation: { type: "boolean" },
  tags: { type: "map", local: true },
  tagsAll: { type: "map" },
  region: { type: "string", replaces: true },
};

const sdk = () => import("@aws-sdk/client-kms");

/**
 * `aws:kms/key:Key`, a symmetric key with the account's default policy; no property for another. Deleting it schedules
 * its end, and what is scheduled counts as gone. Id: the key's id.
 */
export const key: Kind<Aws, KeyInputs, KeyState> = {
  token: "aws:kms/key:Key",
  computedOutputs: ["arn", "keyId"],
  stableOutputs: ["arn", "keyId"],

  check(news, _old, { provider }) {
    const { inputs, failures } = checkFields(OWNER, KEY_FIELDS, inRegion(news, provider));
    return { inputs: { ...inputs, tagsAll: allTags(inputs, provider) }, failures };
  },

  diff: ({ state }, news) => changedFields(KEY_FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateKeyCommand } = await sdk();
    const kms = await config.kms(inputs.region);
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({ Description: inputs.description, Tags: tagList(inputs.tagsAll) }),
    );
    const id = KeyMetadata?.KeyId ?? "";
    if (inputs.enableKeyRotation) await rotate(kms, id, true);
    const enableKeyRotation = inputs.enableKeyRotation ?? false;
    return { id, state: { ...inputs, enableKeyRotation, arn: KeyMetadata?.Arn ?? "", keyId: id } };
  },

  async read({ config }, id, old) {
    const region = old?.state.region ?? config.config.region;
    const state = await readKey(await config.kms(region), id, { ...old?.state, region });
    if (!state) return undefined;
    const inputs = inputsFrom(
      KEY_FIELDS,
      state as unknown as Properties,
      old?.inputs as Properties | undefined,
    );
    return { id, inputs: inputs as unknown as KeyInputs, state };
  },

  async update({ config }, id, { state }, news) {
    const { TagResourceCommand, UntagResourceCommand, UpdateKeyDescriptionCommand } = await sdk();
    const kms = await config.kms(news.region);
    if (news.description !== undefined && news.description !== state.description)
      await kms.send(new UpdateKeyDescriptionCommand({ KeyId: id, Description: news.description }));
    const rotated = news.enableKeyRotation ?? false;
    if (rotated !== (state.enableKeyRotation ?? false)) await rotate(kms, id, rotated);
    const gone = Object.keys(state.tagsAll).filter((tag) => !(tag in news.tagsAll));
    if (gone.length > 0) await kms.send(new UntagResourceCommand({ KeyId: id, TagKeys: gone }));
    if (Object.keys(news.tagsAll).length > 0)
      await kms.send(new TagResourceCommand({ KeyId: id, Tags: tagList(news.tagsAll) }));
    return (await readKey(kms, id, news)) ?? { ...news, arn: state.arn, keyId: id };
  },

  async delete({ config }, id, { state }) {
    const { ScheduleKeyDeletionCommand } = await sdk();
    const kms = await config.kms(state.region);
    if (!(await readKey(kms, id, state))) return;
    await kms.send(
      new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: state.deletionWindowInDays }),
    );
  },
};

function tagList(tags: Record<string, string>) {
  return Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
}

async function rotate(kms: KMSClient, KeyId: string, on: boolean): Promise<void> {
  const { DisableKeyRotationCommand, EnableKeyRotationCommand } = await sdk();
  if (on) await kms.send(new EnableKeyRotationCommand({ KeyId }));
  else await kms.send(new DisableKeyRotationCommand({ KeyId }));
}

async function readKey(
  kms: KMSClient,
  KeyId: string,
  known: Partial<KeyState> & { region: string },
): Promise<KeyState | undefined> {
  const { DescribeKeyCommand, GetKeyRotationStatusCommand, ListResourceTagsCommand } = await sdk();
  const metadata = (await found(kms.send(new DescribeKeyCommand({ KeyId }))))?.KeyMetadata;
  if (!metadata || metadata.KeyState === "PendingDeletion") return undefined;
  const { KeyRotationEnabled } = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
  const { Tags = [] } = await kms.send(new ListResourceTagsCommand({ KeyId }));
  return {
    ...known,
    description: metadata.Description ?? "",
    enableKeyRotation: KeyRotationEnabled ?? false,
    tagsAll: Object.fromEntries(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue ?? ""])),
    arn: metadata.Arn ?? "",
    keyId: metadata.KeyId ?? KeyId,
  };
}

export interface AliasInputs {
  name: string;
  targetKeyId: string;
  region: string;
}

interface AliasState extends AliasInputs {
  arn: string;
  targetKeyArn: string;
}

const ALIAS_FIELDS: Fields = {
  name: {
    type: "string",
    required: true,
    replaces: true,
    fault: (value) =>
      /^alias\/(?!aws\/)[\w/-]+$/.test(String(value)) ? undefined : "must begin with alias/",
  },
  targetKeyId: {
    type: "string",
    required: true,
    // Either the key's id or its ARN.
    same: (one, other) => String(one).split("/").at(-1) === String(other).split("/").at(-1),
  },
  region: { type: "string", replaces: true },
};

/** `aws:kms/alias:Alias`. Id: the name. */
export const alias: Kind<Aws, AliasInputs, AliasState> = {
  token: "aws:kms/alias:Alias",
  computedOutputs: ["arn", "targetKeyArn"],

  check: (news, _old, { provider }) => checkFields(OWNER, ALIAS_FIELDS, inRegion(news, provider)),

  diff: ({ state }, news) => changedFields(ALIAS_FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateAliasCommand } = await sdk();
    const kms = await config.kms(inputs.region);
    await kms.send(new CreateAliasCommand({ AliasName: inputs.name, TargetKeyId: inputs.targetKeyId }));
    const state = await readAlias(kms, inputs);
    if (!state) throw new Error(`${inputs.name} was created and is not there`);
    return { id: inputs.name, state };
  },

  async read({ config }, id, old) {
    const region = old?.state.region ?? config.config.region;
    const known = { targetKeyId: "", ...old?.state, name: id, region };
    const state = await readAlias(await config.kms(region), known);
    if (!state) return undefined;
    const inputs = inputsFrom(
      ALIAS_FIELDS,
      state as unknown as Properties,
      old?.inputs as Properties | undefined,
    );
    return { id, inputs: inputs as unknown as AliasInputs, state };
  },

  async update({ config }, _id, { state }, news) {
    const { UpdateAliasCommand } = await sdk();
    const kms = await config.kms(news.region);
    await kms.send(new UpdateAliasCommand({ AliasName: news.name, TargetKeyId: news.targetKeyId }));
    return (await readAlias(kms, news)) ?? { ...state, ...news };
  },

  async delete({ config }, _id, { state }) {
    const { DeleteAliasCommand } = await sdk();
    const kms = await config.kms(state.region);
    await found(kms.send(new DeleteAliasCommand({ AliasName: state.name })));
  },
};

async function readAlias(kms: KMSClient, known: AliasInputs): Promise<AliasState | undefined> {
  const { DescribeKeyCommand, paginateListAliases } = await sdk();
  for await (const { Aliases = [] } of paginateListAliases({ client: kms }, {})) {
    const standing = Aliases.find(({ AliasName }) => AliasName === known.name);
    if (!standing?.TargetKeyId) continue;
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: standing.TargetKeyId }));
    const same = known.targetKeyId.split("/").at(-1) === standing.TargetKeyId;
    return {
      ...known,
      targetKeyId: same ? known.targetKeyId : standing.TargetKeyId,
      targetKeyArn: KeyMetadata?.Arn ?? "",
      arn: standing.AliasArn ?? "",
    };
  }
  return undefined;
}
