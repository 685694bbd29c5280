import { setTimeout as sleep } from "node:timers/promises";
import { traitsOf } from "../../../estate/servers";
import { type Drill, judge, mustJudge, stage } from "../context";
import { beatInsert } from "../fill/beats";
import { type Kept, keepCommand, keptOf } from "../fill/clean";
import { fill } from "../fill/fill";
import { leftovers } from "../fill/left";
import { onHost } from "../hosts";
import type { LabBucket } from "../negative/bucket";
import { lastLines } from "../operator";
import { type Structure, takeRoles, takeStructure } from "../prove/structure";
import { byServer, live, onEach, takeSnapshot } from "../servers";
import { rowsIn } from "../snapshot/compare";
import type { Snapshot } from "../snapshot/types";

/** What is remembered of the estate, in the drill alone. */
export interface Memory {
  before: Snapshot;
  kept: Kept;
  filled: Snapshot;
  structure: Structure;
  roles: string;
}

/** The last beat in the dumps, the last one before the target, and one after it. */
export const BEATS = { dumped: 1, before: 2, after: 3 } as const;

export async function remember(drill: Drill): Promise<Pick<Memory, "before" | "kept">> {
  return stage(drill, { name: "remember what is there", area: "backup" }, async () => {
    const before = await takeSnapshot(drill.servers, live);
    const left = await leftovers(drill.servers, live, before);
    if (left.length > 0) {
      throw new Error(
        `a drill was cut short here, and what it brought is still in ${left.join(", ")}: its own rows would be proven. ` +
          "Make the lab anew: make down && make up",
      );
    }
    const programs = live.filter(({ schema }) => schema.owner === "program");
    const kept = await Promise.all(
      byServer(programs).map(async ([server, own]) =>
        keptOf(await onHost(server, ["bash", "-euo", "pipefail", "-c", keepCommand(own)])),
      ),
    );
    return { before, kept: new Map(kept.flat()) };
  });
}

export async function fillAll(drill: Drill): Promise<Pick<Memory, "filled" | "structure" | "roles">> {
  return stage(drill, { name: "fill every database", area: "backup" }, async () => {
    await fill(drill.servers, drill.asService, live);
    await beat(drill, BEATS.dumped);
    const [filled, structure, roles] = await Promise.all([
      takeSnapshot(drill.servers, live),
      takeStructure(live),
      takeRoles(),
    ]);
    drill.say(`    ${rowsIn(filled)} rows in ${filled.size} tables of ${live.length} databases`);
    return { filled, structure, roles };
  });
}

/** What a recovery to a point in time has to go by. */
export interface BackedUp {
  /** Between two beats. */
  target: Date;
  /** By host: the server's life, and the file of the log that its physical copy begins in or after. */
  chains: ReadonlyMap<RecoverableHost, { epoch: string; from: string }>;
}

/** Dumps of all, physical copies, and writes that are in no dump. */
export async function backUp(drill: Drill, bucket: LabBucket): Promise<BackedUp> {
  return stage(drill, { name: "back up, and go on writing", area: "backup" }, async () => {
    const now = await drill.operator.type("backupNow");
    const told = now.code === 0 ? [] : [lastLines(now)];
    mustJudge(
      drill,
      "backup",
      "every host saves its databases",
      told,
      `${live.length} databases in ${now.seconds.toFixed(1)} s`,
    );
    const chains = new Map(
      await Promise.all(
        RECOVERABLE.map(async (host) => [host, await copyServer(drill, bucket, host)] as const),
      ),
    );
    await beat(drill, BEATS.before);
    // In files of their own: the row before the target, and the row after it.
    await shipLogs();
    // The log of MariaDB knows seconds.
    await sleep(2000);
    const target = new Date(Math.floor(Date.now() / 1000) * 1000);
    await sleep(2000);
    await beat(drill, BEATS.after);
    await shipLogs();
    const status = await drill.operator.type("backupStatus");
    judge(
      drill,
      "backup",
      "the bucket holds a fresh backup of each",
      status.code === 0 ? [] : [lastLines(status)],
      lastLines(status, 1),
    );
    return { target, chains };
  });
}

export const AGENT = "/usr/local/sbin/estate-backup";
/** Hosts that keep a log of changes. */
const RECOVERABLE = ["mariadb", "postgres"] as const;
export type RecoverableHost = (typeof RECOVERABLE)[number];

async function copyServer({ servers }: Drill, bucket: LabBucket, host: RecoverableHost) {
  const current =
    traitsOf(host).engine === "postgres"
      ? "SELECT pg_walfile_name(pg_current_wal_lsn())"
      : "SHOW MASTER STATUS";
  const from = (await servers(host)(`${current};`)).trim().split("\t")[0] ?? "";
  await onHost(host, [AGENT, "base"]);
  const copies = (await bucket.list(`recovery/${host}/base/`)).filter((key) => key.endsWith(".json"));
  const newest = copies
    .map((key) => key.split("/"))
    .sort((a, b) => ((a[4] ?? "") < (b[4] ?? "") ? -1 : 1))
    .at(-1);
  return { epoch: newest?.[3] ?? "", from };
}

const shipLogs = () => Promise.all(RECOVERABLE.map((host) => onHost(host, [AGENT, "log"])));
const beat = (drill: Drill, n: number) => onEach(drill.servers, live, (entry) => beatInsert(entry, n));
