import type { DatabaseEntry, RedisUserEntry } from "../../estate/types";
import { messageOf } from "../exit";
import { isTarget, type Missing, type Target } from "../reach/targets";
import type { ProbeResult } from "./probe";

/** What one service user turned out to be able to do. Holds no secret. */
export interface Privileges {
  kind: Target["kind"];
  /** Database, or Redis ACL user. */
  name: string;
  server: string;
  engine: Target["engine"];
  /** Who logged in. */
  user?: string;
  /** `application` or `program`; undefined for Redis. */
  profile?: DatabaseEntry["schema"]["owner"];
  probes: ProbeResult[];
  /** Why nothing, or not everything, could be tried. */
  fault?: string;
}

/** Logs in as the target's service and tries everything on its engine's list. */
export type Prove = (target: Target, timeoutMs: number) => Promise<ProbeResult[]>;

export interface PrivilegesOptions {
  prove: Prove;
  databases: readonly DatabaseEntry[];
  /** For each network step, and ten times that for one service as a whole. */
  timeoutMs: number;
  /** Services at the same time. */
  parallel: number;
  onResult?(result: Privileges): void;
}

/** Tries every target; the results keep the targets' order. Never rejects because a target fails. */
export async function checkPrivileges(
  targets: readonly (Target | Missing)[],
  options: PrivilegesOptions,
): Promise<Privileges[]> {
  const results = new Array<Privileges>(targets.length);
  const queue = targets.entries();
  // All workers draw from one iterator, so each target is taken once.
  const work = async () => {
    for (const [index, target] of queue) {
      const result = await checkOne(target, options);
      results[index] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.parallel, targets.length) }, work));
  return results;
}

async function checkOne(target: Target | Missing, options: PrivilegesOptions): Promise<Privileges> {
  const { kind, name, server, engine } = target;
  const found: Privileges = { kind, name, server, engine, probes: [] };
  const profile =
    kind === "database" ? options.databases.find((entry) => entry.name === name)?.schema.owner : undefined;
  if (profile) found.profile = profile;
  if (!isTarget(target))
    return { ...found, fault: "declared, but not in the stack's outputs. Run: pulumi up" };
  found.user = target.expected.loggedInAs;
  const hide = (text: string) => (target.password ? text.replaceAll(target.password, "***") : text);
  try {
    const probes = await within(options.timeoutMs * 10, options.prove(target, options.timeoutMs));
    found.probes = probes.map((probe) =>
      probe.detail === undefined ? probe : { ...probe, detail: hide(probe.detail) },
    );
    return found;
  } catch (error) {
    return { ...found, fault: hide(messageOf(error)).replaceAll("\n", "; ") };
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not through within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  // After the time is up its own failure is nobody's news.
  work.catch(() => {});
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}

/** Everything was tried and is as it must be. */
export function sound({ probes, fault }: Privileges): boolean {
  return fault === undefined && probes.length > 0 && probes.every(({ ok }) => ok);
}

export interface Declared {
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}
