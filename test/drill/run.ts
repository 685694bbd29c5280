import type { Drill } from "./context";
import { LabBucket } from "./negative/bucket";
import type { DatabaseResult } from "./report/model";
import { live } from "./servers";
import { ofDatabases, rowsIn } from "./snapshot/compare";
import { cleanUp, otherRunbooks, refusals } from "./stages/finish";
import { pointInTime } from "./stages/point-in-time";
import { backUp, fillAll, type Memory, remember } from "./stages/prepare";
import { proveData, proveSecurity } from "./stages/prove";
import { destroy, type Restored, rebuild, restore, serve } from "./stages/recover";

/** The whole drill, written down in its report. Throws Stopped where going on would prove nothing; rows are taken away even then. */
export async function runDrill(drill: Drill): Promise<void> {
  const bucket = await LabBucket.open();
  const known = await remember(drill);
  try {
    const memory: Memory = { ...known, ...(await fillAll(drill)) };
    const backedUp = await backUp(drill, bucket);
    const disaster = await destroy(drill, memory.filled);
    await rebuild(drill);
    const restored = await restore(drill);
    drill.report.databases = resultsOf(memory, disaster, restored);
    await serve(drill);
    await proveData(drill, memory);
    await proveSecurity(drill, memory);
    await pointInTime(drill, bucket, backedUp);
    await refusals(drill, bucket, backedUp);
    await otherRunbooks(drill);
  } finally {
    bucket.close();
    await cleanUp(drill, known);
  }
}

function resultsOf({ filled }: Memory, disaster: Date, restored: Restored): DatabaseResult[] {
  return live.map(({ name, server }) => {
    const back = restored.get(name);
    return {
      database: name,
      server,
      rows: rowsIn(ofDatabases(filled, [name])),
      restoreSeconds: back?.seconds,
      rtoSeconds: back && (back.at.getTime() - disaster.getTime()) / 1000,
      // A dump is of no earlier moment than its run's name says.
      rpoSeconds: back && (disaster.getTime() - momentOf(back.run)) / 1000,
    };
  });
}

/** `20260131T020000Z`, in ms. */
export function momentOf(run: string): number {
  return Date.parse(
    run.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-[0-9a-f]{8})?$/, "$1-$2-$3T$4:$5:$6Z"),
  );
}
