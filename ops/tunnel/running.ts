import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { failed } from "../exit";
import { keptPassword, passwordFile } from "./password";
import { runtimeDirectory } from "./private-directory";
import { tunnelOf } from "./process";

/** Where the process id of the tunnel on a port is kept. */
export function defaultPidFile(env: NodeJS.ProcessEnv, port: number): string {
  return path.join(runtimeDirectory(env), `tunnel-${port}.pid`);
}

export interface RunningTunnel {
  pid: number;
  port: number;
  /** `user@host:port` */
  destination: string;
  /** All that it leads to: `host:port`. */
  endpoints: string[];
  /** What its SOCKS server asks for; empty: it is not known. */
  password: string;
}

/**
 * The tunnel that the pid file names, if it runs. A number alone proves nothing: ids are used again, so the process
 * must also be a tunnel on this very port.
 */
export function findTunnel(pidFile: string, port: number): RunningTunnel | undefined {
  const pid = readPid(pidFile);
  if (pid === undefined) return undefined;
  const found = tunnelOf(argumentsOf(pid), port);
  return found && { pid, port, ...found, password: keptPassword(pidFile) ?? "" };
}

export function writePid(pidFile: string, pid: number): void {
  mkdirSync(path.dirname(pidFile), { recursive: true });
  const draft = `${pidFile}.${process.pid}`;
  writeFileSync(draft, `${pid}\n`, { mode: 0o600 });
  renameSync(draft, pidFile);
}

/** Removes the pid file, and the password beside it, if it still names this process. */
export function forgetTunnel(pidFile: string, pid: number): void {
  if (readPid(pidFile) !== pid) return;
  rmSync(passwordFile(pidFile), { force: true });
  rmSync(pidFile, { force: true });
}

/** Ends the tunnel and waits until it is gone, at most five seconds. */
export async function stopTunnel({ pid, port }: RunningTunnel, pidFile: string): Promise<void> {
  const runs = () => tunnelOf(argumentsOf(pid), port) !== undefined;
  signal(pid, "SIGTERM");
  for (let waited = 0; waited < 5_000 && runs(); waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (runs()) throw failed(`the tunnel (process ${pid}) does not end. Run: kill -9 ${pid}`);
  forgetTunnel(pidFile, pid);
  rmSync(logFile(pidFile), { force: true });
}

/** What the tunnel says is kept beside its process id. */
export function logFile(pidFile: string): string {
  return `${pidFile}.log`;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readPid(pidFile: string): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** Command line of a process; empty when there is none. */
function argumentsOf(pid: number): string[] {
  if (existsSync("/proc/self/cmdline")) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    } catch {
      return [];
    }
  }
  const ps = spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  return ps.status === 0 ? ps.stdout.trim().split(/\s+/) : [];
}
