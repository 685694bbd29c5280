import type { CheckFailure, Properties } from "../../../provider/wire/kind";
import { checkFields, type Fields, parseConfig } from "../fields";

export interface GithubConfig {
  owner: string;
  /** undefined: no request will be answered. */
  token: string | undefined;
  baseUrl: string | undefined;
  maxRetries: number;
  /** Milliseconds. */
  retryDelayMs: number;
  /** Milliseconds between two writes: GitHub limits bursts of them. */
  writeDelayMs: number;
}

const count = {
  type: "number",
  fault: (value: unknown) => ((value as number) < 0 ? "must be 0 or more" : undefined),
} as const;

const FIELDS: Fields = {
  owner: { type: "string" },
  token: { type: "string" },
  baseUrl: {
    type: "string",
    fault: (value) =>
      /^https?:\/\/[^/?#]+(\/[^?#]*)?$/.test(value as string)
        ? undefined
        : "give a URL such as https://github.example.org/",
  },
  maxRetries: count,
  retryDelayMs: count,
  writeDelayMs: count,
};

/** The real plugin's configuration, its defaults from the environment included (GITHUB_OWNER, GITHUB_TOKEN, ...). */
export function checkConfig(
  news: Properties,
  env: NodeJS.ProcessEnv = process.env,
): { inputs: Properties; failures: CheckFailure[] } {
  const { inputs, failures } = checkFields("@pulumi/github", FIELDS, parseConfig(FIELDS, news));
  if (inputs.owner === undefined && !env.GITHUB_OWNER && failures.length === 0) {
    failures.push({ property: "owner", reason: "is missing, and GITHUB_OWNER is not set" });
  }
  // Kept as it came: the package gives numbers as texts.
  return { inputs: news, failures };
}

/** Checked configuration with every default filled in. */
export function githubConfig(inputs: Properties, env: NodeJS.ProcessEnv = process.env): GithubConfig {
  const given = parseConfig(FIELDS, inputs) as Partial<GithubConfig>;
  return {
    owner: given.owner ?? env.GITHUB_OWNER ?? "",
    token: given.token || env.GITHUB_TOKEN || undefined,
    baseUrl: given.baseUrl ?? (env.GITHUB_BASE_URL || undefined),
    maxRetries: given.maxRetries ?? 3,
    retryDelayMs: given.retryDelayMs ?? 1_000,
    writeDelayMs: given.writeDelayMs ?? 1_000,
  };
}
