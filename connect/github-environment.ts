import { setTimeout as sleep } from "node:timers/promises";
import { Github, GithubError, type GithubOptions } from "./github";
import { seal } from "./github-seal";

/** One environment of one repository, by name. */
export interface EnvironmentName {
  /** `owner/name` */
  repository: string;
  environment: string;
  /** `https://github.example.org/` of an enterprise server; absent: github.com. */
  baseUrl?: string | null | undefined;
}

/** What GitHub tells of a secret; its value it tells nobody. */
interface Told {
  updated_at?: unknown;
}

/** GitHub limits bursts of writes. In ms. */
const PAUSE = 100;

/** The way to GitHub of one provider instance: one token, and one write at a time. */
export class GithubAccess {
  private writes: Promise<unknown> = Promise.resolve();

  /** @param pauseMs after each write */
  constructor(
    private readonly options: GithubOptions,
    private readonly pauseMs = PAUSE,
  ) {}

  open(place: EnvironmentName, signal: AbortSignal): Environment {
    const github = new Github({ ...this.options, baseUrl: place.baseUrl ?? undefined, signal });
    return new Environment(github, place, (work) => this.inTurn(work));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.writes.then(work);
    this.writes = turn.catch(() => undefined).then(() => sleep(this.pauseMs));
    return turn;
  }
}

/**
 * The secrets of one environment. A repository is found by its name once and then named by its number, which stays when it
 * is renamed. Errors are `GithubError`: a repository or an environment that is missing, and what the client says.
 */
export class Environment {
  constructor(
    private readonly github: Github,
    private readonly place: EnvironmentName,
    private readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>,
  ) {}

  async repositoryId(): Promise<number> {
    const { repository } = this.place;
    const found = await this.github.find<{ id?: unknown }>(`repos/${repository}`);
    if (Number.isSafeInteger(found?.id)) return found?.id as number;
    throw new GithubError(
      `there is no repository ${repository} at ${this.github.baseUrl}, or GITHUB_TOKEN may not see it. Correct the name, ` +
        "or give the token access",
      404,
    );
  }

  /** Creates or overwrites, which GitHub does with one request; gives when it says that it was written. */
  async write(repositoryId: number, name: string, value: string): Promise<string> {
    const path = this.pathOf(repositoryId);
    const key = await this.github.find<{ key_id: string; key: string }>(`${path}/public-key`);
    if (!key) {
      const { repository, environment } = this.place;
      throw new GithubError(`the repository ${repository} has no environment ${environment}`, 404);
    }
    const sealed = { encrypted_value: await seal(value, key.key), key_id: key.key_id };
    return this.inTurn(async () => {
      await this.github.ask<void>("PUT", `${path}/${name}`, sealed);
      return this.timeOf(await this.github.ask<Told>("GET", `${path}/${name}`), name);
    });
  }

  /**
   * When it was last written; undefined: it is not there. GitHub answers "not found" for what a token may not see, too: of a
   * repository that cannot be seen nothing is known, and that is an error.
   */
  async updatedAt(repositoryId: number, name: string): Promise<string | undefined> {
    const found = await this.github.find<Told>(`${this.pathOf(repositoryId)}/${name}`);
    if (found) return this.timeOf(found, name);
    if (await this.sees(repositoryId)) return undefined;
    throw new GithubError(
      `the repository ${this.place.repository} is gone, or GITHUB_TOKEN may not see it: nothing is known of ${name}`,
      404,
    );
  }

  /** What is gone already is no error. false: whether it is gone cannot be told, for the repository cannot be seen. */
  async delete(repositoryId: number, name: string): Promise<boolean> {
    try {
      await this.inTurn(() => this.github.ask<void>("DELETE", `${this.pathOf(repositoryId)}/${name}`));
      return true;
    } catch (error) {
      if (!(error instanceof GithubError) || error.status !== 404) throw error;
      return this.sees(repositoryId);
    }
  }

  /** `2026-01-31T10:20:30Z`, whole seconds. */
  private timeOf(told: Told, name: string): string {
    const time = told.updated_at;
    if (typeof time === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time))
      return time;
    throw new GithubError(`${this.github.baseUrl} does not say when ${name} was written`, undefined);
  }

  private async sees(repositoryId: number): Promise<boolean> {
    return (await this.github.find<object>(`repositories/${repositoryId}`)) !== undefined;
  }

  private pathOf(repositoryId: number): string {
    return `repositories/${repositoryId}/environments/${encodeURIComponent(this.place.environment)}/secrets`;
  }
}
