import { isLogFile, logName } from "../../../ops/restore/point";
import { type Drill, judge } from "../context";
import { lastLines } from "../operator";
import { COPY, dropCopy, entryOf, gapsOf, POINTS, timeOf } from "../stages/point-in-time";
import type { BackedUp } from "../stages/prepare";
import type { LabBucket } from "./bucket";
import { mustRefuse } from "./refused";

/**
 * One file of the log is deleted between the physical copy and the target. Its first version stays: the recovery goes on with it, has no
 * hole, and says what was done. That a gap is refused, unit and contract tests show: nobody can make one in a bucket that is locked.
 */
export async function deletedLog(
  drill: Drill,
  bucket: LabBucket,
  { target, chains }: BackedUp,
): Promise<void> {
  for (const [host, chain] of chains) {
    const files = (await bucket.list(`recovery/${host}/log/${chain.epoch}/`)).filter((key) =>
      isLogFile(logName(key)),
    );
    // The last one goes on beyond the target; the one before it holds the row that is looked for.
    const key = files.at(-2);
    if (!key) throw new Error(`the bucket has no log of ${host}`);
    const show = await bucket.hide(key);
    try {
      const gaps = await gapsOf(bucket, host, chain);
      const unseen = gaps.length > 0 ? [] : [`${key} is missing, and no gap was found`];
      judge(drill, "refusals", `a deleted file of ${host}'s log is not to be seen`, unseen, gaps[0] ?? "");
      const database = POINTS.find((each) => entryOf(each).server === host);
      if (!database) continue;
      const asked = await drill.operator.type("restoreAt", {
        DATABASE: database,
        TIME: timeOf(target),
        COPY,
      });
      const faults = mustRefuse(asked, 0, /DELETED recovery\//);
      judge(
        drill,
        "refusals",
        `a deleted file of ${host}'s log is read all the same, and told`,
        faults,
        lastLines(asked, 1),
      );
      await dropCopy(drill, database);
    } finally {
      await show();
    }
  }
}
