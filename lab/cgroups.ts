import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Mount, mounts } from "./mounts";

/**
 * Every process of the lab lives in a cgroup below `estate-lab`: `host-NAME` for a host, `build` for image builds,
 * `supervisors` for the parents of the hosts' first processes. So they can be found and ended whatever happened to
 * the command that started them.
 */
const labGroup = "estate-lab";

/** The directory of the version 2 hierarchy, or undefined where the machine has none. */
export function unifiedHierarchy(table: readonly Mount[] = mounts()): string | undefined {
  const found = table.filter((mount) => mount.type === "cgroup2").map((mount) => mount.target);
  const usual = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((target) => found.includes(target));
  return usual ?? found[0];
}

/** The directory of one group of the lab, or of all of it. Errors: no version 2 hierarchy. */
export function groupDirectory(name?: string): string {
  const hierarchy = unifiedHierarchy();
  if (!hierarchy) throw new Error("this machine has no cgroup2 hierarchy mounted");
  return name ? path.join(hierarchy, labGroup, name) : path.join(hierarchy, labGroup);
}

export function makeGroup(name: string): string {
  const directory = groupDirectory(name);
  fs.mkdirSync(directory, { recursive: true });
  return directory;
}

/** The processes in a group and in all below it. */
export function groupProcesses(directory: string): number[] {
  return [directory, ...below(directory)].flatMap((group) => {
    const text = readIfThere(path.join(group, "cgroup.procs"));
    return text.split("\n").filter(Boolean).map(Number);
  });
}

/**
 * Kills every process of a group and removes the group.
 * Returns how many processes there were. Errors: processes that do not end within ten seconds.
 */
export async function endGroup(directory: string): Promise<number> {
  if (!fs.existsSync(directory)) return 0;
  const count = groupProcesses(directory).length;
  for (let round = 0; round < 200; round += 1) {
    const left = groupProcesses(directory);
    if (left.length > 0) kill(directory, left);
    else if (removeGroups(directory)) return count;
    await sleep(50);
  }
  throw new Error(
    `processes ${groupProcesses(directory).join(", ")} in ${directory} do not end. Look at them with: ps -o pid,stat,wchan,cmd`,
  );
}

function kill(directory: string, processes: readonly number[]): void {
  try {
    fs.writeFileSync(path.join(directory, "cgroup.kill"), "1");
  } catch {
    // Before Linux 5.14 there is no cgroup.kill.
    for (const id of processes) {
      try {
        process.kill(id, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Deepest first; true when none is left. A group stays busy for a moment after its last process. */
function removeGroups(directory: string): boolean {
  for (const group of [...below(directory).reverse(), directory]) {
    try {
      fs.rmdirSync(group);
    } catch {
      if (fs.existsSync(group)) return false;
    }
  }
  return true;
}

function below(directory: string): string[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(directory, entry.name))
    .flatMap((child) => [child, ...below(child)]);
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
