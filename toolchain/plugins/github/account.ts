import { setTimeout as sleep } from "node:timers/promises";
import { Github } from "../../../connect/github";
import type { GithubConfig } from "./config";

/** Where secrets are: in a repository, or in one of its environments. */
export interface Place {
  repository: string;
  environment?: string | undefined;
}

/** What one provider resource names: an owner's repositories, through one token. */
export class Account {
  private writes: Promise<unknown> = Promise.resolve();
  private readonly github: Github;

  constructor(
    private readonly config: GithubConfig,
    timeoutMs = 10_000,
  ) {
    this.github = new Github({ ...config, timeoutMs });
  }

  /** What the real plugin asks before anything else: whether the owner is an organisation. Errors: no token, no answer. */
  async connect(): Promise<void> {
    await this.github.find<object>(`orgs/${this.config.owner}`);
  }

  /** The number of a repository. Errors: there is none, or the token may not see it, which GitHub answers alike. */
  async repositoryId(repository: string): Promise<number> {
    const { owner } = this.config;
    const found = await this.github.find<{ id: number }>(`repos/${owner}/${encodeURIComponent(repository)}`);
    if (found) return found.id;
    throw new Error(`there is no repository ${owner}/${repository}, or GITHUB_TOKEN may not see it`);
  }

  /** Where the secrets of a place are; names of environments may hold any character. */
  pathOf({ repository, environment }: Place, repositoryId: number): string {
    return environment === undefined
      ? `repos/${this.config.owner}/${encodeURIComponent(repository)}/actions/secrets`
      : `repositories/${repositoryId}/environments/${encodeURIComponent(environment)}/secrets`;
  }

  get<T>(path: string): Promise<T> {
    return this.github.ask<T>("GET", path);
  }

  find<T>(path: string): Promise<T | undefined> {
    return this.github.find<T>(path);
  }

  /** One write at a time, with the configured pause after each. */
  write(method: "PUT" | "DELETE", path: string, body?: object): Promise<void> {
    const turn = this.writes.then(() => this.github.ask<void>(method, path, body));
    this.writes = turn.catch(() => undefined).then(() => sleep(this.config.writeDelayMs));
    return turn;
  }
}
