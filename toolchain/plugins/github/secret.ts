import { seal } from "../../../connect/github-seal";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields } from "../fields";
import type { Account, Place } from "./account";

export interface SecretInputs extends Place {
  secretName: string;
  /** In clear here; GitHub gets it sealed. */
  value: string;
}

export interface SecretState extends SecretInputs {
  repositoryId: number;
  keyId: string;
  /** Times as Go prints them: `2026-01-31 10:20:30 +0000 UTC`. */
  createdAt: string;
  /** When this plugin last wrote it. */
  updatedAt: string;
  /** When GitHub says that it was last written. */
  remoteUpdatedAt: string;
}

interface RemoteSecret {
  created_at: string;
  updated_at: string;
}

const secretName = (value: unknown) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(value as string) && !/^GITHUB_/i.test(value as string)
    ? undefined
    : "use letters, digits and underscores, no digit in front, not GITHUB_ in front";

const FIELDS: Fields = {
  repository: { type: "string", required: true, replaces: true },
  secretName: { type: "string", required: true, replaces: true, fault: secretName },
  value: { type: "string", required: true },
};

/**
 * `github:index/actionsSecret:ActionsSecret`, id `repository:secret`, and
 * `github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret`, id `repository:environment:secret`.
 *
 * As blind as the real ones: a read keeps when GitHub says that a secret was last written, and nothing comes of it, so that
 * one which somebody overwrote is never written again. Deleting one that is gone is an error. Another place deletes before it
 * creates (for another repository the real plugin asks GitHub whether it was only renamed). Only `value` is supported, not
 * the three other ways to give one.
 */
export const actionsSecret = secretKind("github:index/actionsSecret:ActionsSecret", FIELDS);
export const actionsEnvironmentSecret = secretKind(
  "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
  { ...FIELDS, environment: { type: "string", required: true, replaces: true } },
);

function secretKind(token: string, fields: Fields): Kind<Account, SecretInputs, SecretState> {
  return {
    token,
    secretInputs: ["value"],
    secretOutputs: ["value"],
    computedOutputs: ["createdAt", "keyId", "remoteUpdatedAt", "repositoryId", "updatedAt"],
    stableOutputs: ["createdAt", "repositoryId"],
    deleteBeforeReplace: true,

    check: (news) => checkFields("@pulumi/github", fields, news),

    diff: ({ state }, news) => changedFields(fields, state as unknown as Properties, news),

    async create({ config: account }, inputs) {
      return { id: idOf(inputs), state: await write(account, inputs) };
    },

    async read({ config: account }, id, old) {
      const known = old?.state ?? placeOf(token, id, "environment" in fields);
      const repositoryId = old?.state.repositoryId ?? (await account.repositoryId(known.repository));
      const remote = await account.find<RemoteSecret>(
        `${account.pathOf(known, repositoryId)}/${known.secretName}`,
      );
      if (!remote) return undefined;
      const [created, updated] = [goTime(remote.created_at), goTime(remote.updated_at)];
      const state: SecretState = {
        ...known,
        value: old?.state.value ?? "",
        keyId: old?.state.keyId ?? "",
        repositoryId,
        createdAt: old?.state.createdAt || created,
        updatedAt: old?.state.updatedAt || updated,
        remoteUpdatedAt: updated,
      };
      return { id: idOf(state), inputs: inputsOf(state), state };
    },

    update: ({ config: account }, _id, _old, news) => write(account, news),

    async delete({ config: account }, _id, { state }) {
      await account.write("DELETE", `${account.pathOf(state, state.repositoryId)}/${state.secretName}`);
    },
  };
}

/** Creates or overwrites: for GitHub both are one request, so an interrupted run is simply done again. */
async function write(account: Account, inputs: SecretInputs): Promise<SecretState> {
  const repositoryId = await account.repositoryId(inputs.repository);
  const path = account.pathOf(inputs, repositoryId);
  const publicKey = await account.find<{ key_id: string; key: string }>(`${path}/public-key`);
  if (!publicKey) {
    throw new Error(`the repository ${inputs.repository} has no environment ${inputs.environment}`);
  }
  const { key_id: keyId, key } = publicKey;
  await account.write("PUT", `${path}/${inputs.secretName}`, {
    encrypted_value: await seal(inputs.value, key),
    key_id: keyId,
  });
  const remote = await account.get<RemoteSecret>(`${path}/${inputs.secretName}`);
  const time = goTime(remote.updated_at);
  return {
    ...inputs,
    repositoryId,
    keyId,
    createdAt: goTime(remote.created_at),
    updatedAt: time,
    remoteUpdatedAt: time,
  };
}

function inputsOf({ repository, environment, secretName, value }: SecretState): SecretInputs {
  return { repository, secretName, value, ...(environment !== undefined && { environment }) };
}

/** A colon in the name of an environment is written as two question marks. */
function idOf({ repository, environment, secretName }: Omit<SecretInputs, "value">): string {
  const parts = [repository, environment?.replaceAll(":", "??"), secretName];
  return parts.filter((part) => part !== undefined).join(":");
}

function placeOf(token: string, id: string, hasEnvironment: boolean): Omit<SecretInputs, "value"> {
  const parts = id.split(":");
  const [repository, middle, last] = parts;
  if (repository && middle && last && hasEnvironment && parts.length === 3) {
    return { repository, environment: middle.replaceAll("??", ":"), secretName: last };
  }
  if (repository && middle && !hasEnvironment && parts.length === 2)
    return { repository, secretName: middle };
  const form = hasEnvironment ? "repository:environment:secret" : "repository:secret";
  throw new Error(`the id "${id}" is no ${token.split(":").pop()}. Use the form ${form}`);
}

/** `2026-01-31T10:20:30Z` as Go prints it, which is how the real plugin keeps it. */
function goTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000 UTC`;
}
