import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { endGroup, groupDirectory, unifiedHierarchy } from "./cgroups";
import { attempt } from "./command";
import { mountsUnder } from "./mounts";
import { removeNamespace, removeOperatorInterface } from "./network";
import { run, runDirectory } from "./paths";
import { describeRemains, findRemains, isEmpty, type Remains } from "./remains";

export interface DownResult {
  removed: Remains;
  /** Empty when the lab is gone. */
  left: Remains;
}

/** Takes everything of the lab away, however it came to its present state. The cache stays. Repeatable. */
export async function down(): Promise<DownResult> {
  const removed = await findRemains();
  const netnsMountIsOurs = fs.existsSync(run.madeNetnsMount);
  for (const id of removed.tunnels) endProcess(id, "SIGTERM");
  // What does not end is reported with the rest of what is left.
  if (unifiedHierarchy()) await endGroup(groupDirectory()).catch(() => undefined);
  for (const name of removed.namespaces) await removeNamespace(name);
  await removeOperatorInterface();
  for (const { target } of mountsUnder(runDirectory)) await unmount(target);
  // Without its mount this is an empty directory, or what was written there before the mount.
  if (mountsUnder(runDirectory).length === 0) fs.rmSync(runDirectory, { recursive: true, force: true });
  if (netnsMountIsOurs) await unmountNetns();
  return { removed, left: await settle() };
}

function endProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal);
  } catch {
    // It has ended by itself.
  }
}

async function unmount(target: string): Promise<void> {
  const { code } = await attempt("umount", [target]);
  // Somebody's shell stands in it: it goes from the tree now, and from memory when they leave.
  if (code !== 0) await attempt("umount", ["--lazy", target]);
}

/** The directory of named namespaces was mounted for us; it stays when others have put theirs there. */
async function unmountNetns(): Promise<void> {
  if (fs.existsSync("/run/netns") && fs.readdirSync("/run/netns").length === 0)
    await attempt("umount", ["/run/netns"]);
}

/** Interfaces and processes disappear a moment after they are told to. */
async function settle(): Promise<Remains> {
  let left = await findRemains();
  for (let round = 0; round < 50 && !isEmpty(left); round += 1) {
    await sleep(100);
    if (round === 20) for (const id of left.tunnels) endProcess(id, "SIGKILL");
    left = await findRemains();
  }
  return left;
}

export function describeDown({ removed, left }: DownResult): string {
  const gone = describeRemains(removed).map((line) => `removed ${line}`);
  const stays = describeRemains(left).map((line) => `STILL THERE ${line}`);
  if (gone.length === 0 && stays.length === 0) return "the lab is down: there was nothing to remove";
  return [...gone, ...stays, stays.length > 0 ? "the lab is not down" : "the lab is down"].join("\n");
}
