import type { EnvironmentName, GithubAccess } from "../../connect/github-environment";
import type { EstateConfig } from "../config";
import { diffInputs } from "../wire/diff";
import { type Call, type CheckFailure, type Kind, type Properties, UNKNOWN, type Value } from "../wire/kind";

interface SecretInputs {
  /** `owner/name` */
  repository: string;
  environment: string;
  secretName: string;
  /** In clear here; GitHub gets it sealed. */
  value: string;
  /** null: github.com. */
  baseUrl: string | null;
}

interface SecretState extends SecretInputs {
  /** Stays when the repository is renamed. */
  repositoryId: number;
  /** When GitHub said, after our write, that it was written: `2026-01-31T10:20:30Z`. */
  writtenAt: string;
  /** When GitHub said so at the last look. Another time than `writtenAt`: somebody else wrote it. */
  changedAt: string;
}

/** Bytes that GitHub takes. */
const LARGEST_VALUE = 48 * 1024;

/** Each input's form, with what is wrong with a value of another one. */
const FORMS: Readonly<Record<keyof SecretInputs, { holds(text: string): boolean; fault: string }>> = {
  repository: {
    holds: (text) => /^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/.test(text),
    fault: "must be the repository as owner/name",
  },
  environment: {
    holds: (text) => text.trim() !== "" && text.length <= 255,
    fault: "must be the name of an environment",
  },
  secretName: {
    holds: (text) => /^(?!GITHUB_)[A-Z_][A-Z0-9_]*$/.test(text),
    fault: "must be capitals, digits and underscores, with no digit and no GITHUB_ in front",
  },
  value: {
    holds: (text) => text !== "" && Buffer.byteLength(text) <= LARGEST_VALUE,
    fault: `must be a text of 1 to ${LARGEST_VALUE} bytes`,
  },
  baseUrl: {
    holds: (text) => /^https?:\/\/[^/?#@\s]+(\/[^?#@\s]*)?$/.test(text),
    fault: "must be a URL such as https://github.example.org/",
  },
};

/**
 * `estate:github:EnvironmentSecret`: one secret of one environment. A new value overwrites the old one in one request; in
 * another environment, repository or under another name it is written there before it goes here. GitHub tells nobody a
 * value, so drift is told by time: a read that finds another time of the last write than our own shows as a change of
 * `changedAt`, and the next update writes the secret again. Id: `owner/name:environment:NAME`, percent-encoded in the middle.
 * Errors: no such repository or environment, a token without rights, GitHub out of reach.
 */
export const githubEnvironmentSecret: Kind<EstateConfig, SecretInputs, SecretState> = {
  token: "estate:github:EnvironmentSecret",
  secretInputs: ["value"],
  computedOutputs: ["repositoryId", "writtenAt", "changedAt"],

  check(news) {
    const failures: CheckFailure[] = Object.keys(news)
      .filter((property) => !(property in FORMS) && news[property] !== null)
      .map((property) => ({
        property,
        reason: `is no property of a secret; it has ${Object.keys(FORMS).join(", ")}`,
      }));
    const inputs: Record<string, Value> = {};
    for (const [property, { holds, fault }] of Object.entries(FORMS)) {
      const value = news[property] ?? null;
      inputs[property] = value;
      if (value === UNKNOWN || (property === "baseUrl" && value === null)) continue;
      if (typeof value !== "string" || !holds(value)) failures.push({ property, reason: fault });
    }
    return { inputs, failures };
  },

  diff({ inputs, state }, news) {
    const changes = diffInputs(inputs as unknown as Properties, news);
    return state.writtenAt === state.changedAt
      ? changes
      : [...changes, { path: "changedAt", kind: "update" }];
  },

  async create(call, inputs) {
    return { id: idOf(inputs), state: await write(call, inputs) };
  },

  async read(call, id, old) {
    const known = old?.state ?? { ...placeOf(id), value: "" };
    const environment = accessOf(call).open(known, call.signal);
    const repositoryId = old?.state.repositoryId ?? (await environment.repositoryId());
    const changedAt = await environment.updatedAt(repositoryId, known.secretName);
    if (changedAt === undefined) return undefined;
    const { repository, environment: name, secretName, value, baseUrl } = known;
    const inputs = { repository, environment: name, secretName, value, baseUrl };
    const writtenAt = old?.state.writtenAt ?? changedAt;
    return { id: idOf(inputs), inputs, state: { ...inputs, repositoryId, writtenAt, changedAt } };
  },

  async update(call, _id, { state: before }, news) {
    const state = await write(call, news);
    await leave(call, before, state);
    return state;
  },

  async delete(call, _id, { state }) {
    const { repositoryId, secretName, repository } = state;
    if (await accessOf(call).open(state, call.signal).delete(repositoryId, secretName)) return;
    call.warn?.(
      `${secretName}: the repository ${repository} is gone, or GITHUB_TOKEN may not see it. If it is there, delete the ` +
        `secret from its environment ${state.environment} by hand`,
    );
  },
};

async function write(call: Call<EstateConfig>, inputs: SecretInputs): Promise<SecretState> {
  const environment = accessOf(call).open(inputs, call.signal);
  const repositoryId = await environment.repositoryId();
  const writtenAt = await environment.write(repositoryId, inputs.secretName, inputs.value);
  return { ...inputs, repositoryId, writtenAt, changedAt: writtenAt };
}

/**
 * Takes the secret away from where it was, once it is written elsewhere. What only seems to be elsewhere stays: a renamed
 * repository keeps its number, and neither environments nor secrets tell capitals from small letters. Of a server with
 * another address nobody knows whether it is another server.
 */
async function leave(call: Call<EstateConfig>, before: SecretState, after: SecretState): Promise<void> {
  // A state of @pulumi/github, taken over: the same place.
  if (before.writtenAt === undefined) return;
  if ((before.baseUrl ?? null) !== (after.baseUrl ?? null)) {
    call.warn?.(
      `${before.secretName} was left at ${before.baseUrl ?? "github.com"}. Delete it there by hand`,
    );
    return;
  }
  const place = ({ repositoryId, environment, secretName }: SecretState) =>
    [repositoryId, environment.toLowerCase(), secretName.toUpperCase()].join(":");
  if (place(before) === place(after)) return;
  await accessOf(call).open(before, call.signal).delete(before.repositoryId, before.secretName);
}

function accessOf({ config }: Call<EstateConfig>): GithubAccess {
  if (config.github) return config.github;
  throw new Error("this instance of the provider has no way to GitHub");
}

function idOf({ repository, environment, secretName }: Omit<SecretInputs, "value">): string {
  return `${repository}:${encodeURIComponent(environment)}:${secretName}`;
}

function placeOf(id: string): EnvironmentName & Pick<SecretInputs, "secretName" | "baseUrl"> {
  const [repository = "", environment = "", secretName = "", ...more] = id.split(":");
  if (FORMS.repository.holds(repository) && environment && secretName && more.length === 0)
    return { repository, environment: decodeURIComponent(environment), secretName, baseUrl: null };
  throw new Error(`the id "${id}" is no secret. Use the form owner/name:environment:NAME`);
}
