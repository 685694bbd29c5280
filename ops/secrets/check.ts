import { Github, GithubError } from "../../connect/github";
import { checkTarget } from "../../connect/github-target";
import { type ExpectedSecret, expectedSecrets } from "../../estate/published";
import type { Estate, GithubTarget } from "../../estate/types";
import { couldNotTell, failed } from "../exit";
import type { Written } from "./written";

/** One secret that has to be there, and where it is. Its value nobody can read. */
export interface SecretFound extends ExpectedSecret {
  /** The environment, or the whole repository; undefined: nowhere. */
  in: "environment" | "repository" | undefined;
  /** `2026-01-31T10:20:30Z` */
  updatedAt: string | undefined;
  /** false: the program keeps it, and the last write was not the stack's own. */
  own: boolean;
}

interface Listed {
  name: string;
  updated_at: string;
}

/**
 * Looks for every secret by name, and compares when it was written with the stack's own last write: nobody can read a value.
 * Writes nothing. Throws `CommandError`: not to be told, or not to be published there.
 */
export async function checkSecrets(
  estate: Estate,
  env: NodeJS.ProcessEnv,
  readWritten: (target: GithubTarget) => Promise<Written>,
): Promise<SecretFound[]> {
  const target = estate.config.github;
  if (!target)
    throw couldNotTell(`the stack ${estate.stack} publishes no secrets: it has no database-estate:github`);
  const token = env.GITHUB_TOKEN || undefined;
  if (!token) throw couldNotTell("GITHUB_TOKEN is not set: GitHub tells nobody which secrets there are");
  try {
    await checkTarget(target, { token });
    const written = await readWritten(target);
    return await find(estate, target, new Github({ token, baseUrl: target.baseUrl }), written);
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    throw error.passing ? couldNotTell(error.message) : failed(error.message);
  }
}

async function find(
  estate: Estate,
  target: GithubTarget,
  github: Github,
  written: Written,
): Promise<SecretFound[]> {
  const repository = `repos/${target.repository}`;
  const environment = `${repository}/environments/${encodeURIComponent(target.environment)}/secrets`;
  const [inEnvironment, inRepository] = await Promise.all([
    list(github, environment),
    // A token for environments alone may not list these: then they do not count.
    list(github, `${repository}/actions/secrets`).catch((error: unknown) => {
      if (error instanceof GithubError && error.status === 403) return new Map<string, Listed>();
      throw error;
    }),
  ]);
  return expectedSecrets(estate).map((expected) => {
    const here = inEnvironment.get(expected.name);
    // What the program publishes must be the environment's own; the operator may have one for all environments.
    const wider = expected.keptBy === "operator" ? inRepository.get(expected.name) : undefined;
    const found = here ?? wider;
    return {
      ...expected,
      in: here ? "environment" : wider ? "repository" : undefined,
      updatedAt: found?.updated_at,
      own: expected.keptBy === "operator" || !here || here.updated_at === written.get(expected.name),
    };
  });
}

async function list(github: Github, path: string): Promise<Map<string, Listed>> {
  const found = new Map<string, Listed>();
  for (let page = 1; ; page++) {
    const answer = await github.ask<{ total_count: number; secrets: Listed[] }>(
      "GET",
      `${path}?per_page=100&page=${page}`,
    );
    for (const secret of answer.secrets) found.set(secret.name, secret);
    if (answer.secrets.length === 0 || found.size >= answer.total_count) return found;
  }
}
