import { setTimeout as sleep } from "node:timers/promises";

export const GITHUB_API = "https://api.github.com/";

export interface GithubOptions {
  /** undefined: nobody in particular, which GitHub answers for public things alone. */
  token: string | undefined;
  /** `https://github.example.org/` of an enterprise server. Default: github.com. */
  baseUrl?: string | undefined;
  /** How long one request may take, in ms. Default: 10,000. */
  timeoutMs?: number;
  /** How often a request is repeated. Default: 3. */
  maxRetries?: number;
  /** Pause before the first repetition, in ms; doubled for each one after it. Default: 1,000. */
  retryDelayMs?: number;
  /** The longest wait for a rate limit to pass, in ms, all waits of one request together. Default: 60,000. */
  patienceMs?: number;
  signal?: AbortSignal;
}

/** GitHub said no, or nothing. The text is for the user: what was asked for, what came back, what to do. */
export class GithubError extends Error {
  /** `status`: undefined where no answer came. */
  constructor(
    message: string,
    readonly status: number | undefined,
  ) {
    super(message);
    this.name = "GithubError";
  }

  /** Nothing is wrong with what was asked: the service is out of reach, out of order or out of patience. */
  get passing(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}

/** A request that did not work, and whether to try again: after so many ms, or never. */
interface Failure {
  error: GithubError;
  retryInMs: number | "later" | "never";
}

/**
 * GitHub's REST API with bounded patience: what may pass by itself (5xx, no answer, a rate limit) is tried again, and what
 * then still fails is one `GithubError`. No error text carries the token, a request's body or an answer beyond its message.
 */
export class Github {
  readonly baseUrl: string;

  constructor(private readonly options: GithubOptions) {
    this.baseUrl = restUrl(options.baseUrl ?? GITHUB_API);
  }

  /** The answer; undefined: 404. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.ask<T>("GET", path);
    } catch (error) {
      if (error instanceof GithubError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The answer's body; undefined where it has none. `path` without a slash in front. Throws `GithubError`. */
  async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const { maxRetries = 3, retryDelayMs = 1_000, patienceMs = 60_000 } = this.options;
    let waited = 0;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.once<T>(method, path, body);
      if ("answer" in outcome) return outcome.answer;
      const { error, retryInMs } = outcome;
      if (retryInMs === "never" || attempt >= maxRetries) throw error;
      if (retryInMs === "later") {
        await sleep(retryDelayMs * 2 ** attempt, undefined, { signal: this.options.signal });
        continue;
      }
      waited += retryInMs;
      if (waited > patienceMs) throw error;
      await sleep(retryInMs, undefined, { signal: this.options.signal });
    }
  }

  private async once<T>(method: string, path: string, body?: object): Promise<{ answer: T } | Failure> {
    const { token, timeoutMs = 10_000, signal } = this.options;
    const what = `${method} ${this.baseUrl}${path}`;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.baseUrl + path, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          "x-github-api-version": "2022-11-28",
          "user-agent": "database-estate",
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: body && JSON.stringify(body),
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
      });
      const text = await response.text();
      if (response.ok) return { answer: (text ? JSON.parse(text) : undefined) as T };
      return refusal(what, method, response, messageIn(text), token !== undefined);
    } catch (error) {
      if (signal?.aborted) throw error;
      const reason = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
      // Whether it was carried out is not known: only what does no harm twice is asked again.
      const retryInMs = method === "POST" ? "never" : "later";
      return { error: new GithubError(`${what}: GitHub cannot be reached: ${reason}`, undefined), retryInMs };
    }
  }
}

function refusal(
  what: string,
  method: string,
  response: Response,
  message: string,
  hasToken: boolean,
): Failure {
  const { status } = response;
  const fail = (text: string, retryInMs: Failure["retryInMs"], as = status): Failure => ({
    error: new GithubError(`${what}: ${text}`, as),
    retryInMs,
  });
  const limited = limitWait(response);
  if (limited !== undefined) {
    const end = new Date(Date.now() + limited).toISOString().slice(11, 19);
    return fail(`GitHub's rate limit is reached (${status}). Try again after ${end} UTC`, limited, 429);
  }
  if (status === 401) {
    const why = hasToken ? "GITHUB_TOKEN is wrong or has expired" : "GITHUB_TOKEN is not set";
    return fail(`GitHub does not know who asks (401): ${why}`, "never");
  }
  if (status === 403) {
    return fail(`GITHUB_TOKEN is not allowed to do this (403): ${message}`, "never");
  }
  if (status >= 500) {
    const retryInMs = method === "POST" ? "never" : "later";
    return fail(`GitHub is out of order (${status}). Try again later`, retryInMs);
  }
  return fail(`GitHub refuses it (${status}): ${message}`, "never");
}

/** How long a rate limit lasts, in ms; undefined: it is none. */
function limitWait({ status, headers }: Response): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = headers.get("retry-after");
  if (after !== null) return Number(after) * 1000;
  if (headers.get("x-ratelimit-remaining") !== "0") return status === 429 ? 60_000 : undefined;
  return Math.max(0, Number(headers.get("x-ratelimit-reset")) * 1000 - Date.now());
}

/** An enterprise server has its API below api/v3, github.com and *.ghe.com at the root of a host of its own. */
function restUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  const own = url.hostname === "api.github.com" || url.hostname.endsWith(".ghe.com");
  const path = url.pathname.replace(/\/*$/, "/");
  url.pathname = own || path.endsWith("/api/v3/") ? path : `${path}api/v3/`;
  return url.href;
}

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // A proxy's page, for example: it says nothing a user could use.
  }
  return "without a reason";
}

/** `fetch` hides what happened in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  const shown = inner instanceof Error ? inner : error;
  return shown instanceof Error ? shown.message : String(shown);
}
