import * as fs from "node:fs";
import * as path from "node:path";
import { groupDirectory, unifiedHierarchy } from "./cgroups";
import { attempt, lastLines } from "./command";
import { operator } from "./hosts";
import { operatorInterface } from "./network";
import { scripts } from "./paths";
import type { Progress } from "./progress";

/** Programs the lab calls, each with the Debian package that brings it. */
const tools: Record<string, string> = {
  debootstrap: "debootstrap",
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  unshare: "util-linux",
  mount: "mount",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  "age-keygen": "age",
  zstd: "zstd",
};

/** Missing programs of that table, found along PATH. */
export function missingTools(env: NodeJS.ProcessEnv = process.env): string[] {
  const places = (env.PATH ?? "").split(":").filter(Boolean);
  return Object.keys(tools).filter((tool) => !places.some((place) => fs.existsSync(path.join(place, tool))));
}

/**
 * Checks all the lab needs of the machine; installs missing Debian packages where apt is there.
 * Errors: one message that lists everything that is missing.
 */
export async function checkMachine(progress: Progress): Promise<void> {
  const faults: string[] = [];
  const root = process.getuid?.() === 0;
  if (process.platform !== "linux") faults.push(`Linux: this is ${process.platform}`);
  if (!root) faults.push("root: the lab makes namespaces and mounts. Run the command with sudo");
  faults.push(...(await installTools(root, progress)));
  // Without root every kernel feature fails, and says nothing about the kernel.
  if (root && faults.length === 0)
    faults.push(...(await missingKernelFeatures()), ...(await addressConflicts()));
  if (faults.length === 0) return;
  throw new Error(
    `the lab cannot run on this machine. Missing:\n${faults.map((f) => `  - ${f}`).join("\n")}`,
  );
}

async function installTools(root: boolean, progress: Progress): Promise<string[]> {
  const missing = missingTools();
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((tool) => tools[tool] ?? tool))];
  const advice = `${missing.join(", ")}. Install the packages: ${packages.join(" ")}`;
  const apt = fs.existsSync("/usr/bin/apt-get");
  if (!root || !apt) return [`the programs ${advice}`];
  return progress.stage(`installing ${packages.join(", ")}`, async () => {
    const install = [
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "-q",
      "-y",
      "--no-install-recommends",
    ];
    const script = `${install.join(" ")} install "$@" || { apt-get -q update && ${install.join(" ")} install "$@"; }`;
    const { code, stdout, stderr } = await attempt("sh", ["-c", script, "sh", ...packages]);
    if (code === 0 && missingTools().length === 0) return [];
    return [`the programs ${advice} (apt-get tried it and failed:\n${lastLines(stderr || stdout, 4)})`];
  });
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
