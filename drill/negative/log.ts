import { type Drill, judge } from "../context";
import { lastLines } from "../operator";
import { COPY, dropCopy, entryOf, POINTS } from "../stages/point-in-time";
import type { LabBucket } from "./bucket";
import { mustRefuse } from "./dumps";

/** One file of the log is missing between the physical copy and the target: nobody may get a database with a hole. */
export async function missingLog(drill: Drill, bucket: LabBucket, target: Date): Promise<void> {
  const TIME = `${target.toISOString().slice(0, 19)}Z`;
  for (const database of POINTS) {
    const { server } = entryOf(database);
    const base = (await bucket.list(`recovery/${server}/base/`)).filter((key) => key.endsWith(".json"));
    const copy = base
      .map((key) => ({ key, epoch: key.split("/")[3] ?? "", id: key.split("/").at(-1) ?? "" }))
      .filter(({ id }) => id.slice(0, 16) <= stamp(target))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .at(-1);
    const logs = copy ? await bucket.list(`recovery/${server}/log/${copy.epoch}/`) : [];
    // The last one goes on beyond the target; the one before it holds the row that is looked for.
    const key = logs.filter((each) => !/\.(backup|history)\./.test(each)).at(-2);
    if (!key) throw new Error(`the bucket has no log of ${server}`);
    const show = await bucket.hide(key);
    try {
      const asked = await drill.operator.type("restoreAt", { DATABASE: database, TIME, COPY });
      const faults = mustRefuse(asked, 1, /FAILED|reachable|missing|gap|ends/);
      judge(
        drill,
        "refusals",
        `a missing file of ${server}'s log stops a recovery that needs it`,
        faults,
        lastLines(asked, 2),
      );
      await dropCopy(drill, database);
    } finally {
      await show();
    }
  }
}

const stamp = (date: Date) => `${date.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
