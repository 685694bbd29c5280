import type { DatabaseEntry } from "../../../estate/types";
import { type Drill, judge, stage } from "../context";
import { beatQuery } from "../fill/beats";
import { rowsOf } from "../hosts";
import type { LabBucket } from "../negative/bucket";
import { mustRefuse } from "../negative/refused";
import { lastLines } from "../operator";
import { gapsFrom } from "../prove/log-continuity";
import { live } from "../servers";
import { type BackedUp, BEATS, type RecoverableHost } from "./prepare";

/** One database of each engine whose server keeps a log of changes. */
export const POINTS = ["mo_crm", "mo_idp"] as const;
export const COPY = "drill_point";

/** In the bucket: each server's log from its physical copy on, without a gap. */
export async function continuity(drill: Drill, bucket: LabBucket, { chains }: BackedUp): Promise<void> {
  for (const [host, chain] of chains) {
    const gaps = await gapsOf(bucket, host, chain);
    judge(
      drill,
      "point in time",
      `the log of ${host} goes on from its physical copy without a gap`,
      gaps,
      `from ${chain.from}`,
    );
  }
}

export async function gapsOf(
  bucket: LabBucket,
  host: RecoverableHost,
  { epoch, from }: { epoch: string; from: string },
) {
  return gapsFrom(await bucket.list(`recovery/${host}/log/${epoch}/`), from);
}

/**
 * Both halves, looked for in the rows: what was written before the target is there, what was written after is not. And a target
 * that the logs do not reach is refused, not approached.
 */
export async function pointInTime(drill: Drill, bucket: LabBucket, backedUp: BackedUp): Promise<void> {
  await stage(drill, { name: "back to a point in time", area: "point in time" }, async () => {
    await continuity(drill, bucket, backedUp);
    await Promise.all(POINTS.map((database) => backToTarget(drill, database, backedUp.target)));
    await Promise.all(POINTS.map((database) => outOfReach(drill, database, backedUp.target)));
  });
}

async function backToTarget(drill: Drill, database: string, target: Date): Promise<void> {
  const time = timeOf(target);
  const answer = await drill.operator.type("restoreAt", { DATABASE: database, TIME: time, COPY });
  const what = `${database} as it was at ${time}: the row before is there, the row after is not`;
  if (answer.code !== 0) return judge(drill, "point in time", what, [lastLines(answer, 12)], "");
  const beats = await beatsOf(drill, database);
  const wanted = [BEATS.dumped, BEATS.before].join(", ");
  const faults = beats === wanted ? [] : [`it has the beats ${beats || "none"}; wanted: ${wanted}`];
  judge(drill, "point in time", what, faults, `beats ${beats}, in ${answer.seconds.toFixed(1)} s`);
  await dropCopy(drill, database);
}

async function outOfReach(drill: Drill, database: string, target: Date): Promise<void> {
  const TIME = timeOf(new Date(target.getTime() - 365 * 86_400_000));
  const answer = await drill.operator.type("restoreAt", { DATABASE: database, TIME, COPY });
  const faults = mustRefuse(answer, 1, /reachable|before the first/);
  judge(
    drill,
    "point in time",
    `${database}: a target that cannot be reached is refused`,
    faults,
    lastLines(answer, 1),
  );
}

export const timeOf = (target: Date) => `${target.toISOString().slice(0, 19)}Z`;

async function beatsOf({ servers }: Drill, database: string): Promise<string> {
  const entry = entryOf(database);
  const rows = rowsOf(await servers(entry.server)(beatQuery(entry, COPY)));
  return rows.map(([, n]) => n).join(", ");
}

export async function dropCopy({ servers }: Drill, database: string): Promise<void> {
  await servers(entryOf(database).server)(`DROP DATABASE IF EXISTS ${COPY};`);
}

export function entryOf(database: string): DatabaseEntry {
  const entry = live.find(({ name }) => name === database);
  if (!entry) throw new Error(`${database} is no longer in the catalogue: choose another for the drill`);
  return entry;
}
