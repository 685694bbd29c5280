import * as fs from "node:fs";
import * as path from "node:path";
import { groupDirectory, groupProcesses, unifiedHierarchy } from "./cgroups";
import { mountsUnder } from "./mounts";
import { interfaceExists, namespaces, operatorInterface } from "./network";
import { run, runDirectory } from "./paths";

/** Everything of a lab that exists on the machine, found by looking and not by what anybody wrote down. */
export interface Remains {
  /** Processes in the lab's cgroups: hosts, their supervisors, image builds. */
  processes: number[];
  /** Tunnels on this machine, of the CLI or of ssh, that use the lab's keys. */
  tunnels: number[];
  namespaces: string[];
  interfaces: string[];
  mounts: string[];
  cgroups: string[];
  files: string[];
}

export async function findRemains(): Promise<Remains> {
  const group = unifiedHierarchy() ? groupDirectory() : undefined;
  const groupExists = group !== undefined && fs.existsSync(group);
  return {
    processes: groupExists ? groupProcesses(group) : [],
    tunnels: findTunnels(),
    namespaces: await namespaces(),
    interfaces: (await interfaceExists(operatorInterface)) ? [operatorInterface] : [],
    mounts: mountsUnder(runDirectory).map(({ target }) => target),
    cgroups: groupExists ? [group] : [],
    files: fs.existsSync(runDirectory) ? [runDirectory] : [],
  };
}

export function isEmpty(remains: Remains): boolean {
  return Object.values(remains).every((found) => found.length === 0);
}

/** One line a kind: `network namespaces: estate-plesk, estate-redis`. */
export function describeRemains(remains: Remains): string[] {
  const { processes, tunnels, namespaces: networks, interfaces, mounts, cgroups, files } = remains;
  const line = (label: string, found: readonly (string | number)[]) =>
    found.length > 0 ? [`${label}: ${found.join(", ")}`] : [];
  return [
    ...(processes.length > 0 ? [`processes: ${processes.length}`] : []),
    ...line("tunnels", tunnels),
    ...line("network namespaces", networks),
    ...line("interfaces", interfaces),
    ...line("mounts", mounts),
    ...line("cgroups", cgroups),
    ...line("files", files),
  ];
}

/** What uses the lab's keys, and what the tunnel's pid file names. */
function findTunnels(): number[] {
  const noted = Number.parseInt(readIfThere(run.tunnelPid), 10);
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (id) =>
        id !== process.pid && isTunnel(readIfThere(path.join("/proc", String(id), "cmdline")), id === noted),
    );
}

/**
 * Is that command line (arguments ended by NUL) one of ours? A process that is only noted may be another one by now,
 * under a number used again: it must be an SSH client, or the CLI's own, at least.
 */
export function isTunnel(commandLine: string, noted: boolean): boolean {
  const [program = "", ...rest] = commandLine.split("\0");
  const isSsh = path.basename(program) === "ssh";
  const isServe = rest.some((argument) => argument.endsWith("/ops/tunnel/serve.ts"));
  if (noted) return isSsh || isServe || rest.includes("tunnel");
  return (isSsh || isServe) && rest.some((argument) => argument.includes(`${runDirectory}/`));
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
