import type { DatabaseEntry } from "../../estate/types";
import { type Drill, judge, stage } from "../context";
import { beatQuery } from "../fill/beats";
import { rowsOf } from "../hosts";
import { lastLines } from "../operator";
import { live } from "../servers";
import { BEATS } from "./prepare";

/** One database of each engine whose server keeps a log of changes. */
export const POINTS = ["mo_crm", "mo_idp"] as const;
export const COPY = "drill_point";

/**
 * Both halves, looked for in the rows: what was written before the target is there, what was written after is not. And a target
 * that the logs do not reach is refused, not approached.
 */
export async function pointInTime(drill: Drill, target: Date): Promise<void> {
  await stage(drill, { name: "back to a point in time", area: "point in time" }, async () => {
    const time = `${target.toISOString().slice(0, 19)}Z`;
    await Promise.all(
      POINTS.map(async (database) => {
        const variables = { DATABASE: database, TIME: time, COPY };
        const answer = await drill.operator.type("restoreAt", variables);
        const what = `${database} as it was at ${time}: the row before is there, the row after is not`;
        if (answer.code !== 0) {
          judge(drill, "point in time", what, [lastLines(answer, 12)], "");
          return;
        }
        const beats = await beatsOf(drill, database);
        const wanted = [BEATS.dumped, BEATS.before].join(", ");
        const faults = beats === wanted ? [] : [`it has the beats ${beats || "none"}; wanted: ${wanted}`];
        judge(drill, "point in time", what, faults, `beats ${beats}, in ${answer.seconds.toFixed(1)} s`);
        await dropCopy(drill, database);
      }),
    );
    await Promise.all(
      POINTS.map(async (database) => {
        const never = new Date(target.getTime() - 365 * 86_400_000).toISOString();
        const answer = await drill.operator.type("restoreAt", { DATABASE: database, TIME: never, COPY });
        const said = lastLines(answer, 3);
        const faults = [
          ...(answer.code === 1 ? [] : [`it ended with ${answer.code}: ${said}`]),
          ...(/before the first physical copy|reachable/.test(said) ? [] : [`it said: ${said}`]),
        ];
        judge(
          drill,
          "point in time",
          `${database}: a target that cannot be reached is refused`,
          faults,
          said,
        );
      }),
    );
  });
}

async function beatsOf({ servers }: Drill, database: string): Promise<string> {
  const entry = entryOf(database);
  const rows = rowsOf(await servers[entry.server](beatQuery(entry, COPY)));
  return rows.map(([, n]) => n).join(", ");
}

export async function dropCopy({ servers }: Drill, database: string): Promise<void> {
  await servers[entryOf(database).server](`DROP DATABASE IF EXISTS ${COPY};`);
}

export function entryOf(database: string): DatabaseEntry {
  const entry = live.find(({ name }) => name === database);
  if (!entry) throw new Error(`${database} is no longer in the catalogue: choose another for the drill`);
  return entry;
}
