import type { IAMClient } from "@aws-sdk/client-iam";
import type { CheckContext, Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { type Aws, found } from "./clients";
import { allTags, OWNER } from "./config";
import { keptText, policyField } from "./document";

const sdk = () => import("@aws-sdk/client-iam");

const name = {
  type: "string",
  required: true,
  replaces: true,
  fault: (value: unknown) =>
    /^[\w+=,.@-]{1,64}$/.test(String(value)) ? undefined : "must be 1 to 64 letters, digits and +=,.@-_",
} as const;

export interface PrincipalInputs {
  name: string;
  path: string;
  tags?: Record<string, string>;
  tagsAll: Record<string, string>;
}

export interface UserInputs extends PrincipalInputs {
  forceDestroy: boolean;
}

interface UserState extends UserInputs {
  arn: string;
  uniqueId: string;
}

const PRINCIPAL_FIELDS: Fields = {
  name,
  path: { type: "string", default: "/", replaces: true },
  tags: { type: "map", local: true },
  tagsAll: { type: "map" },
};
const USER_FIELDS: Fields = {
  ...PRINCIPAL_FIELDS,
  forceDestroy: { type: "boolean", default: false, local: true },
};

function checkTagged(fields: Fields, news: Properties, { provider }: CheckContext) {
  const { inputs, failures } = checkFields(OWNER, fields, news);
  return { inputs: { ...inputs, tagsAll: allTags(inputs, provider) }, failures };
}

function tagList(tags: Record<string, string>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function tagMap(tags: { Key: string | undefined; Value: string | undefined }[] | undefined) {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key, Value ?? ""]));
}

/**
 * `aws:iam/user:User`. Where the real one renames in place, this one replaces. With `forceDestroy` deleting takes access
 * keys along that nobody declared. Id: the name.
 */
export const user: Kind<Aws, UserInputs, UserState> = {
  token: "aws:iam/user:User",
  computedOutputs: ["arn", "uniqueId"],
  stableOutputs: ["arn", "uniqueId"],
  check: (news, _old, context) => checkTagged(USER_FIELDS, news, context),
  diff: ({ state }, news) => changedFields(USER_FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateUserCommand } = await sdk();
    const { User } = await (await config.iam()).send(
      new CreateUserCommand({ UserName: inputs.name, Path: inputs.path, Tags: tagList(inputs.tagsAll) }),
    );
    return {
      id: inputs.name,
      state: { ...inputs, arn: User?.Arn ?? "", uniqueId: User?.UserId ?? "" },
    };
  },

  async read({ config }, id, old) {
    const { GetUserCommand, ListUserTagsCommand } = await sdk();
    const iam = await config.iam();
    const User = (await found(iam.send(new GetUserCommand({ UserName: id }))))?.User;
    if (!User) return undefined;
    const { Tags } = await iam.send(new ListUserTagsCommand({ UserName: id }));
    const state: UserState = {
      forceDestroy: false,
      ...old?.state,
      name: id,
      path: User.Path ?? "/",
      tagsAll: tagMap(Tags),
      arn: User.Arn ?? "",
      uniqueId: User.UserId ?? "",
    };
    const inputs = inputsFrom(
      USER_FIELDS,
      state as unknown as Properties,
      old?.inputs as Properties | undefined,
    );
    return { id, inputs: inputs as unknown as UserInputs, state };
  },

  async update({ config }, id, { state }, news) {
    const { TagUserCommand, UntagUserCommand } = await sdk();
    const iam = await config.iam();
    const gone = Object.keys(state.tagsAll).filter((tag) => !(tag in news.tagsAll));
    if (gone.length > 0) await iam.send(new UntagUserCommand({ UserName: id, TagKeys: gone }));
    if (Object.keys(news.tagsAll).length > 0)
      await iam.send(new TagUserCommand({ UserName: id, Tags: tagList(news.tagsAll) }));
    return { ...news, arn: state.arn, uniqueId: state.uniqueId };
  },

  async delete({ config }, id, { state }) {
    const { DeleteAccessKeyCommand, DeleteUserCommand, ListAccessKeysCommand } = await sdk();
    const iam = await config.iam();
    if (state.forceDestroy) {
      const keys = await found(iam.send(new ListAccessKeysCommand({ UserName: id })));
      for (const { AccessKeyId } of keys?.AccessKeyMetadata ?? [])
        await found(iam.send(new DeleteAccessKeyCommand({ UserName: id, AccessKeyId })));
    }
    await found(iam.send(new DeleteUserCommand({ UserName: id })));
  },
};

export interface RoleInputs extends PrincipalInputs {
  assumeRolePolicy: string;
}

interface RoleState extends RoleInputs {
  arn: string;
  uniqueId: string;
}

const ROLE_FIELDS: Fields = { ...PRINCIPAL_FIELDS, assumeRolePolicy: policyField };

/** `aws:iam/role:Role`. Its policies are resources of their own. Id: the name. */
export const role: Kind<Aws, RoleInputs, RoleState> = {
  token: "aws:iam/role:Role",
  computedOutputs: ["arn", "uniqueId"],
  stableOutputs: ["arn", "uniqueId"],
  check: (news, _old, context) => checkTagged(ROLE_FIELDS, news, context),
  diff: ({ state }, news) => changedFields(ROLE_FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateRoleCommand } = await sdk();
    const { Role } = await (await config.iam()).send(
      new CreateRoleCommand({
        RoleName: inputs.name,
        Path: inputs.path,
        AssumeRolePolicyDocument: inputs.assumeRolePolicy,
        Tags: tagList(inputs.tagsAll),
      }),
    );
    return { id: inputs.name, state: { ...inputs, arn: Role?.Arn ?? "", uniqueId: Role?.RoleId ?? "" } };
  },

  async read({ config }, id, old) {
    const { GetRoleCommand, ListRoleTagsCommand } = await sdk();
    const iam = await config.iam();
    const Role = (await found(iam.send(new GetRoleCommand({ RoleName: id }))))?.Role;
    if (!Role) return undefined;
    const { Tags } = await iam.send(new ListRoleTagsCommand({ RoleName: id }));
    const trusted = decodeURIComponent(Role.AssumeRolePolicyDocument ?? "{}");
    const state: RoleState = {
      ...old?.state,
      name: id,
      path: Role.Path ?? "/",
      assumeRolePolicy: keptText(trusted, old?.state.assumeRolePolicy),
      tagsAll: tagMap(Tags),
      arn: Role.Arn ?? "",
      uniqueId: Role.RoleId ?? "",
    };
    const inputs = inputsFrom(
      ROLE_FIELDS,
      state as unknown as Properties,
      old?.inputs as Properties | undefined,
    );
    return { id, inputs: inputs as unknown as RoleInputs, state };
  },

  async update({ config }, id, { state }, news) {
    const { TagRoleCommand, UntagRoleCommand, UpdateAssumeRolePolicyCommand } = await sdk();
    const iam = await config.iam();
    await iam.send(
      new UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument: news.assumeRolePolicy }),
    );
    const gone = Object.keys(state.tagsAll).filter((tag) => !(tag in news.tagsAll));
    if (gone.length > 0) await iam.send(new UntagRoleCommand({ RoleName: id, TagKeys: gone }));
    if (Object.keys(news.tagsAll).length > 0)
      await iam.send(new TagRoleCommand({ RoleName: id, Tags: tagList(news.tagsAll) }));
    return { ...news, arn: state.arn, uniqueId: state.uniqueId };
  },

  async delete({ config }, id) {
    const { DeleteRoleCommand } = await sdk();
    await found((await config.iam()).send(new DeleteRoleCommand({ RoleName: id })));
  },
};

interface InlinePolicy {
  name: string;
  policy: string;
}
export type UserPolicyInputs = InlinePolicy & { user: string };
export type RolePolicyInputs = InlinePolicy & { role: string };

/** The statements of a user or a role, by name. Id: `owner:name`. */
function inlinePolicy<Inputs extends InlinePolicy>(
  token: string,
  owner: "user" | "role",
  use: {
    put(iam: IAMClient, owner: string, inputs: InlinePolicy): Promise<unknown>;
    get(iam: IAMClient, owner: string, name: string): Promise<{ PolicyDocument?: string | undefined }>;
    remove(iam: IAMClient, owner: string, name: string): Promise<unknown>;
  },
): Kind<Aws, Inputs> {
  const fields: Fields = { name, policy: policyField, [owner]: { ...name } };
  const ownerOf = (inputs: Inputs) => String(inputs[owner as keyof Inputs]);
  return {
    token,
    check: (news) => checkFields(OWNER, fields, news),
    diff: ({ state }, news) => changedFields(fields, state as unknown as Properties, news),

    async create({ config }, inputs) {
      await use.put(await config.iam(), ownerOf(inputs), inputs);
      return { id: `${ownerOf(inputs)}:${inputs.name}`, state: inputs };
    },

    async read({ config }, id, old) {
      const [of = "", policyName = "", ...more] = id.split(":");
      if (policyName === "" || more.length > 0)
        throw new Error(`the id "${id}" is no policy of a ${owner}. Use the form ${owner}:name`);
      const answer = await found(use.get(await config.iam(), of, policyName));
      if (!answer) return undefined;
      const text = decodeURIComponent(answer.PolicyDocument ?? "{}");
      const state = { name: policyName, policy: keptText(text, old?.state.policy), [owner]: of };
      const inputs = inputsFrom(fields, state, old?.inputs as Properties | undefined);
      return { id, inputs: inputs as unknown as Inputs, state: state as unknown as Inputs };
    },

    async update({ config }, _id, _old, news) {
      await use.put(await config.iam(), ownerOf(news), news);
      return news;
    },

    async delete({ config }, _id, { state }) {
      await found(use.remove(await config.iam(), ownerOf(state), state.name));
    },
  };
}

/** `aws:iam/userPolicy:UserPolicy`. */
export const userPolicy = inlinePolicy<UserPolicyInputs>("aws:iam/userPolicy:UserPolicy", "user", {
  async put(iam, UserName, { name: PolicyName, policy: PolicyDocument }) {
    const { PutUserPolicyCommand } = await sdk();
    return iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
  },
  async get(iam, UserName, PolicyName) {
    const { GetUserPolicyCommand } = await sdk();
    return iam.send(new GetUserPolicyCommand({ UserName, PolicyName }));
  },
  async remove(iam, UserName, PolicyName) {
    const { DeleteUserPolicyCommand } = await sdk();
    return iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
  },
});

/** `aws:iam/rolePolicy:RolePolicy`. */
export const rolePolicy = inlinePolicy<RolePolicyInputs>("aws:iam/rolePolicy:RolePolicy", "role", {
  async put(iam, RoleName, { name: PolicyName, policy: PolicyDocument }) {
    const { PutRolePolicyCommand } = await sdk();
    return iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  },
  async get(iam, RoleName, PolicyName) {
    const { GetRolePolicyCommand } = await sdk();
    return iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
  },
  async remove(iam, RoleName, PolicyName) {
    const { DeleteRolePolicyCommand } = await sdk();
    return iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  },
});
