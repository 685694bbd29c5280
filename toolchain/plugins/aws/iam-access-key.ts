import type { AccessKeyMetadata, IAMClient } from "@aws-sdk/client-iam";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { type Aws, found } from "./clients";
import { OWNER } from "./config";

const sdk = () => import("@aws-sdk/client-iam");

export interface AccessKeyInputs {
  user: string;
  status: "Active" | "Inactive";
}

interface AccessKeyState extends AccessKeyInputs {
  /** Only known to who created the key: empty after an import. */
  secret: string;
  createDate: string;
}

const FIELDS: Fields = {
  user: { type: "string", required: true, replaces: true },
  status: {
    type: "string",
    default: "Active",
    fault: (value) => (/^(Active|Inactive)$/.test(String(value)) ? undefined : "must be Active or Inactive"),
  },
};

/** `aws:iam/accessKey:AccessKey`, without PGP and the password for mail that is made from the secret. Id: the key's id. */
export const accessKey: Kind<Aws, AccessKeyInputs, AccessKeyState> = {
  token: "aws:iam/accessKey:AccessKey",
  secretOutputs: ["secret"],
  computedOutputs: ["secret", "createDate"],
  stableOutputs: ["secret", "createDate"],
  check: (news) => checkFields(OWNER, FIELDS, news),
  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config }, inputs) {
    const { CreateAccessKeyCommand } = await sdk();
    const iam = await config.iam();
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: inputs.user }));
    const id = AccessKey?.AccessKeyId ?? "";
    if (inputs.status === "Inactive") await setStatus(iam, id, inputs);
    const createDate = AccessKey?.CreateDate?.toISOString() ?? "";
    return { id, state: { ...inputs, secret: AccessKey?.SecretAccessKey ?? "", createDate } };
  },

  async read({ config }, id, old) {
    const { GetAccessKeyLastUsedCommand } = await sdk();
    const iam = await config.iam();
    const owner =
      old?.state.user ??
      (await found(iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id }))))?.UserName;
    const standing = owner === undefined ? undefined : await keyOf(iam, owner, id);
    if (!owner || !standing) return undefined;
    const state: AccessKeyState = {
      user: owner,
      status: standing.Status === "Active" ? "Active" : "Inactive",
      secret: old?.state.secret ?? "",
      createDate: standing.CreateDate?.toISOString() ?? "",
    };
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id, inputs: inputs as unknown as AccessKeyInputs, state };
  },

  async update({ config }, id, { state }, news) {
    await setStatus(await config.iam(), id, news);
    return { ...state, ...news };
  },

  async delete({ config }, id, { state }) {
    const { DeleteAccessKeyCommand } = await sdk();
    const iam = await config.iam();
    await found(iam.send(new DeleteAccessKeyCommand({ UserName: state.user, AccessKeyId: id })));
  },
};

async function setStatus(iam: IAMClient, AccessKeyId: string, { user, status }: AccessKeyInputs) {
  const { UpdateAccessKeyCommand } = await sdk();
  await iam.send(new UpdateAccessKeyCommand({ UserName: user, AccessKeyId, Status: status }));
}

async function keyOf(iam: IAMClient, owner: string, id: string): Promise<AccessKeyMetadata | undefined> {
  const { ListAccessKeysCommand } = await sdk();
  const answer = await found(iam.send(new ListAccessKeysCommand({ UserName: owner })));
  return answer?.AccessKeyMetadata?.find(({ AccessKeyId }) => AccessKeyId === id);
}
