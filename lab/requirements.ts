import * as fs from "node:fs";
import * as path from "node:path";
import { groupDirectory, unifiedHierarchy } from "./cgroups";
import { attempt } from "./command";
import { operator } from "./hosts";
import { operatorInterface } from "./network";
import { scripts } from "./paths";
import { installPrograms } from "./programs";
import type { Progress } from "./progress";

/**
 * Checks all the lab needs of the machine; installs missing Debian packages where apt is there.
 * Errors: one message that lists everything that is missing.
 */
export async function checkMachine(progress: Progress): Promise<void> {
  const faults = await programFaults(progress);
  // Without root every kernel feature fails, and says nothing about the kernel.
  if (faults.length === 0) faults.push(...(await missingKernelFeatures()), ...(await addressConflicts()));
  refuse("the lab cannot run on this machine", faults);
}

/** The same of what the throw-away servers of tests need: no namespace of the lab's, and no address. */
export async function checkPrograms(progress: Progress): Promise<void> {
  refuse("this cannot run on this machine", await programFaults(progress));
}

async function programFaults(progress: Progress): Promise<string[]> {
  const faults: string[] = [];
  if (process.platform !== "linux") faults.push(`Linux: this is ${process.platform}`);
  if (process.getuid?.() !== 0)
    faults.push("root: the lab and the servers of tests have roots of their own. Run the command with sudo");
  const missing = await installPrograms(progress);
  return missing ? [...faults, missing] : faults;
}

function refuse(what: string, faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`${what}. Missing:\n${faults.map((f) => `  - ${f}`).join("\n")}`);
}

async function missingKernelFeatures(): Promise<string[]> {
  const kinds = ["--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup"];
  const probe = await attempt("unshare", [...kinds, "--fork", "sh", path.join(scripts, "probe.sh")]);
  if (probe.code !== 0) return [`the kernel's namespaces (${probe.stderr.trim()})`, ...missingCgroups()];
  const features = probe.stdout.split("\n").filter(Boolean);
  return [...features.map((feature) => `the kernel feature ${feature}`), ...missingCgroups()];
}

function missingCgroups(): string[] {
  const hierarchy = unifiedHierarchy();
  if (!hierarchy) return ["a mounted cgroup2 hierarchy. Run: mount -t cgroup2 cgroup2 /sys/fs/cgroup"];
  try {
    fs.mkdirSync(groupDirectory(), { recursive: true });
    return [];
  } catch {
    return [`write access to ${hierarchy}, to give each host its cgroup (a container must be privileged)`];
  }
}

/** Another network with the lab's addresses would make hosts unreachable in ways hard to see. */
async function addressConflicts(): Promise<string[]> {
  const { stdout } = await attempt("ip", ["-o", "route", "get", operator.ipv4.replace(/\.1$/, ".11")]);
  const device = / dev (\S+)/.exec(stdout)?.[1];
  const viaGateway = / via /.test(stdout);
  if (!device || viaGateway || device === operatorInterface) return [];
  return [`free addresses: ${operator.ipv4}/${operator.prefix4} is in use on the interface ${device}`];
}
