/** A failure that the service plays, as often as it is told: each of them is one that GitHub has shown. */
export interface Fault {
  /**
   * `status`: answers with it. `limit`: the rate limit is reached. `hang`: no answer, the connection stays open.
   * `drop`: the connection ends without an answer.
   */
  kind: "status" | "limit" | "hang" | "drop";
  /** Of kind `status`; `limit` is 429 unless this says 403. */
  status?: number;
  /** Seconds in `retry-after` of a `limit`; without it `x-ratelimit-reset` tells when. Default: 1. */
  retryAfter?: number;
  /** How many requests fail. Default: 1. */
  times?: number;
  /** Requests that pass before the first one fails. Default: 0. */
  after?: number;
  /** Default: any. */
  method?: string;
  /** What the path must contain. Default: anything. */
  path?: string;
  /** true: the request is carried out, only its answer fails. */
  done?: boolean;
}

/** The failures that are still to come. */
export class Faults {
  private planned: Required<Pick<Fault, "times" | "after">>[] & Fault[] = [];

  plan(faults: readonly Fault[]): void {
    this.planned.push(
      ...faults.map((fault) => ({ ...fault, times: fault.times ?? 1, after: fault.after ?? 0 })),
    );
  }

  clear(): void {
    this.planned = [];
  }

  /** The failure for this request; undefined: it goes well. */
  next(method: string, path: string): Fault | undefined {
    for (const fault of this.planned) {
      if (fault.method && fault.method !== method) continue;
      if (fault.path && !path.includes(fault.path)) continue;
      if (fault.after > 0) {
        fault.after -= 1;
        continue;
      }
      if (fault.times <= 0) continue;
      fault.times -= 1;
      return fault;
    }
    return undefined;
  }
}
