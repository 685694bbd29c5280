import { Github, GithubError, type GithubOptions } from "./github";

/** One environment of one repository, by name. */
export interface Target {
  /** `owner/name` */
  repository: string;
  environment: string;
  baseUrl?: string | undefined;
}

/**
 * Whether secrets can be published there, by looking only: repository, environment and the token's rights. Throws
 * `GithubError`: what is wrong and what to do; `passing` where it could not be told.
 */
export async function checkTarget(target: Target, options: GithubOptions): Promise<void> {
  const github = new Github({ ...options, baseUrl: target.baseUrl });
  const path = `repos/${target.repository}`;
  const repository = await github.find<{ permissions?: { push?: boolean } }>(path);
  if (!repository) {
    throw new GithubError(
      `github.repository is "${target.repository}": there is no such repository at ${github.baseUrl}, or GITHUB_TOKEN may ` +
        "not see it. Correct the name, or give the token access",
      404,
    );
  }
  const environmentPath = `${path}/environments/${encodeURIComponent(target.environment)}`;
  const environment = await rights(target, () => github.find<object>(environmentPath));
  if (!environment) {
    throw new GithubError(
      `github.environment is "${target.environment}": ${target.repository} has no such environment. Make it under ` +
        "Settings, Environments, with its reviewers",
      404,
    );
  }
  await rights(target, () => github.ask<object>("GET", `${environmentPath}/secrets/public-key`));
  if (repository.permissions?.push === false) throw noRights(target, 403);
}

async function rights<T>(target: Target, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof GithubError && error.status === 403) throw noRights(target, error.status);
    throw error;
  }
}

function noRights({ repository, environment }: Target, status: number): GithubError {
  return new GithubError(
    `GITHUB_TOKEN may not write secrets of the environment ${environment} of ${repository}. Give it the repository ` +
      'permission "Environments: read and write", or take another token',
    status,
  );
}
