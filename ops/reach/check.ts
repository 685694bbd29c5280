import { messageOf } from "../exit";
import { daysLeft, daysLeftOf, evaluate, type SessionFacts, shortVersion } from "./evaluate";
import { isTarget, type Missing, type Target } from "./targets";

/** An open session over verified TLS. */
export interface Session {
  facts(): Promise<SessionFacts>;
  /** One query's round trip. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a session as the target's service. `timeoutMs` bounds each network step. */
export type Connect = (target: Target, timeoutMs: number) => Promise<Session>;

/** The outcome of one login. Holds no secret. Times in milliseconds. */
export interface Reach {
  kind: Target["kind"];
  name: string;
  server: string;
  engine: Target["engine"];
  host?: string;
  port?: number;
  reachable: boolean;
  version?: string;
  tlsProtocol?: string;
  /** Whole days until the certificate that the server shows ends. */
  certificateDaysLeft?: number;
  /** Whole days until the certificate that the service shows ends; absent: it has none. */
  clientCertificateDaysLeft?: number;
  /** Median round trip of a query on the open session. */
  latencyMs?: number;
  /** TCP, TLS and login together. */
  loginMs?: number;
  /** Why it is not reachable. */
  reason?: string;
}

export interface CheckOptions {
  connect: Connect;
  /** For one target as a whole. */
  timeoutMs: number;
  /** Logins at the same time. */
  parallel: number;
  onResult?(result: Reach): void;
  /** Milliseconds from any fixed moment. Default: `performance.now`. */
  now?(): number;
  /** The time of day, in milliseconds. Default: `Date.now`. */
  clock?(): number;
}

/** Tries every target; the results keep the targets' order. Never rejects because a target fails. */
export async function checkAll(
  targets: readonly (Target | Missing)[],
  options: CheckOptions,
): Promise<Reach[]> {
  const results = new Array<Reach>(targets.length);
  const queue = targets.entries();
  // All workers draw from one iterator, so each target is taken once.
  const work = async () => {
    for (const [index, target] of queue) {
      const result = isTarget(target) ? await checkOne(target, options) : notPutOut(target);
      results[index] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.parallel, targets.length) }, work));
  return results;
}

function notPutOut({ kind, name, server, engine }: Missing): Reach {
  const reason = "declared, but not in the stack's outputs. Run: pulumi up";
  return { kind, name, server, engine, reachable: false, reason };
}

async function checkOne(target: Target, options: CheckOptions): Promise<Reach> {
  const { kind, name, server, engine, endpoint, password } = target;
  const found: Reach = {
    kind,
    name,
    server,
    engine,
    host: endpoint.host,
    port: endpoint.port,
    reachable: false,
  };
  const { timeoutMs } = options;
  const attempt: Attempt = { step: "logging in", abandoned: false };
  try {
    await within(timeoutMs, attempt, measure(target, options, attempt, found));
    return found;
  } catch (error) {
    const reason = messageOf(error).replaceAll("\n", "; ");
    return { ...found, reachable: false, reason: password ? reason.replaceAll(password, "***") : reason };
  }
}

interface Attempt {
  step: "logging in" | "asking who it is" | "measuring";
  /** The time is up: whatever opens now is closed again and asked nothing. */
  abandoned: boolean;
}

async function measure(target: Target, options: CheckOptions, attempt: Attempt, found: Reach): Promise<void> {
  const now = options.now ?? (() => performance.now());
  const begun = now();
  const session = await options.connect(target, options.timeoutMs);
  try {
    if (attempt.abandoned) return;
    found.loginMs = now() - begun;
    attempt.step = "asking who it is";
    const facts = await session.facts();
    attempt.step = "measuring";
    const latencyMs = await medianOfThree(() => session.ping(), now);
    found.version = shortVersion(facts.version);
    found.tlsProtocol = facts.tlsProtocol;
    const left = daysLeft(facts.certificateNotAfter, (options.clock ?? Date.now)());
    if (left !== undefined) found.certificateDaysLeft = left;
    const own = daysLeftOf(target.clientCertificate, (options.clock ?? Date.now)());
    if (own !== undefined) found.clientCertificateDaysLeft = own;
    found.latencyMs = latencyMs;
    const faults = evaluate(facts, target.expected);
    found.reachable = faults.length === 0;
    if (faults.length > 0) found.reason = faults.join("; ");
  } finally {
    // A farewell that hangs must not turn a good answer into a bad one.
    session.close().catch(() => {});
  }
}

async function medianOfThree(ping: () => Promise<void>, now: () => number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const begun = now();
    await ping();
    times.push(now() - begun);
  }
  return times.sort((a, b) => a - b)[1] ?? 0;
}

async function within(timeoutMs: number, attempt: Attempt, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      attempt.abandoned = true;
      reject(new Error(`no answer within ${timeoutMs / 1000} s while ${attempt.step}`));
    }, timeoutMs);
  });
  // After the time is up its own failure is nobody's news.
  work.catch(() => {});
  await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
