import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { failed, messageOf } from "../exit";
import { provideKey } from "./key";
import { withLock } from "./lock";
import { findTunnel, forgetPid, logFile, type RunningTunnel, writePid } from "./running";
import { portIsFree, socksAnswers } from "./socks";
import { destination, sshArguments, sshEnvironment, type TunnelPlan } from "./ssh-arguments";

const OPENING_MS = 20_000;

export interface OpenRequest {
  plan: Omit<TunnelPlan, "keyFile">;
  env: NodeJS.ProcessEnv;
  cwd: string;
  pidFile: string;
  /** true: ssh goes on when this process ends. */
  detached: boolean;
  /** Aborted: the half-open tunnel is closed again. */
  signal: AbortSignal;
}

export interface OpenTunnel extends RunningTunnel {
  /** false: it ran already and was kept. */
  opened: boolean;
  /** Ends with ssh; its last words. Never ends for a tunnel that was kept. */
  ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens the tunnel, or keeps the one that is open to the same host. Resolves once its SOCKS port answers.
 * Errors say what ssh said and what to do. A failed start leaves no process and no file.
 */
export function openTunnel(request: OpenRequest): Promise<OpenTunnel> {
  mkdirSync(path.dirname(request.pidFile), { recursive: true });
  return withLock(`${request.pidFile}.lock`, async () => (await keepTunnel(request)) ?? startTunnel(request));
}

async function keepTunnel({ plan, pidFile }: OpenRequest): Promise<OpenTunnel | undefined> {
  const running = findTunnel(pidFile, plan.port);
  const wanted = destination(plan.ssh);
  if (running && running.destination !== wanted) {
    throw failed(
      `port ${plan.port} carries a tunnel to ${running.destination}, not to ${wanted}. ` +
        `Stop it (estate tunnel --stop --port ${plan.port}) or take another port: --port ${plan.port + 1}`,
    );
  }
  if (running && (await socksAnswers("127.0.0.1", plan.port))) {
    return { ...running, opened: false, ended: new Promise(() => {}), close: async () => {} };
  }
  if (!(await portIsFree(plan.port))) {
    throw failed(
      `127.0.0.1:${plan.port} is in use by another program. Take another port: --port ${plan.port + 1}`,
    );
  }
  return undefined;
}

async function startTunnel(request: OpenRequest): Promise<OpenTunnel> {
  const { plan, env, pidFile, detached, signal } = request;
  const key = provideKey(env, request.cwd);
  // A file and not a pipe: ssh may outlive this process and must not die of a broken pipe.
  const log = logFile(pidFile);
  const handle = openSync(log, "w", 0o600);
  const child = spawn("ssh", sshArguments({ ...plan, keyFile: key.file }), {
    stdio: ["ignore", "ignore", handle],
    env: sshEnvironment(env),
    detached,
  });
  closeSync(handle);
  const ended = whenEnded(child, log);
  try {
    await whenAnswering(plan, ended, signal);
    if (child.pid === undefined) throw failed("ssh did not start");
    writePid(pidFile, child.pid);
  } catch (error) {
    child.kill("SIGTERM");
    await ended;
    rmSync(log, { force: true });
    throw error;
  } finally {
    key.remove();
  }
  const { pid } = child;
  if (detached) child.unref();
  return {
    pid,
    port: plan.port,
    destination: destination(plan.ssh),
    opened: true,
    ended,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
      forgetPid(pidFile, pid);
      rmSync(log, { force: true });
    },
  };
}

/** ssh's last words, once it has ended. Never rejects. */
function whenEnded(child: ChildProcess, log: string): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === "ENOENT" ? "there is no ssh on PATH. Install OpenSSH's client" : messageOf(error),
      ),
    );
    child.once("exit", (code, signal) =>
      resolve(lastWords(log) || `ssh ended (${signal ?? `code ${code}`})`),
    );
  });
}

function lastWords(log: string): string {
  try {
    return readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .slice(-4)
      .join("; ")
      .replaceAll("\r", "")
      .replace(/\.$/, "");
  } catch {
    return "";
  }
}

async function whenAnswering(
  plan: OpenRequest["plan"],
  ended: Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  let death: string | undefined;
  void ended.then((words) => {
    death = words;
  });
  const deadline = Date.now() + OPENING_MS;
  const to = destination(plan.ssh);
  for (;;) {
    if (signal.aborted) throw failed("interrupted before the tunnel was open");
    if (death !== undefined) throw failed(`no tunnel to ${to}: ${death}${adviceOn(death, plan)}`);
    if (await socksAnswers("127.0.0.1", plan.port)) return;
    if (Date.now() > deadline) throw failed(`no tunnel to ${to} within ${OPENING_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What to do about ssh's usual complaints. */
export function adviceOn(words: string, { knownHosts }: Pick<TunnelPlan, "knownHosts">): string {
  if (/permission denied/i.test(words)) {
    return ". Set SSH_PRIVATE_KEY_FILE or SSH_PRIVATE_KEY, or load the key with ssh-add (a key with a passphrase goes there)";
  }
  if (/host key verification failed|identification has changed/i.test(words)) {
    return knownHosts.pinned
      ? `. ${knownHosts.file} does not hold the key this host shows. If the host is known to be new, put its key there`
      : `. The host shows another key than at first. If it is known to be new, remove its line from ${knownHosts.file}`;
  }
  return "";
}
