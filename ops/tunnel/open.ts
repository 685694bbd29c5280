import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { readAnyFile } from "../../components/plans/named-file";
import { hostKey } from "../../components/plans/ssh";
import type { SshFault } from "../../connect/ssh";
import type { Ssh } from "../../estate/types";
import { failed, messageOf } from "../exit";
import { keyOf } from "./endpoints";
import { PROXY_USER } from "./handshake";
import { tunnelKey } from "./key";
import { withLock } from "./lock";
import { keepPassword, tunnelPassword } from "./password";
import {
  type Answer,
  destination,
  type Orders,
  SERVE,
  serveArguments,
  serveEnvironment,
  type TunnelPlan,
} from "./process";
import { findTunnel, forgetTunnel, logFile, type RunningTunnel, writePid } from "./running";
import { portIsFree, proxyState } from "./socks";

/** The most that the login and its looking round take, and the start of a program on a busy machine. */
const OPENING_MS = 60_000;

export interface OpenRequest {
  plan: TunnelPlan;
  env: NodeJS.ProcessEnv;
  cwd: string;
  pidFile: string;
  /** true: the tunnel goes on when this process ends. */
  detached: boolean;
  /** Aborted: the half-open tunnel is closed again. */
  signal: AbortSignal;
}

export interface OpenTunnel extends RunningTunnel {
  /** false: it ran already and was kept. */
  opened: boolean;
  /** What the user of the way in can do and should not; of a tunnel that was kept nothing is known. */
  rights: string[];
  /** Ends with the tunnel; its last words. Never ends for a tunnel that was kept. */
  ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens the tunnel, or keeps the one that is open to the same host. Resolves once its SOCKS port answers.
 * Errors say what SSH said and what to do. A failed start leaves no process and no file.
 */
export function openTunnel(request: OpenRequest): Promise<OpenTunnel> {
  mkdirSync(path.dirname(request.pidFile), { recursive: true });
  return withLock(`${request.pidFile}.lock`, async () => (await keepTunnel(request)) ?? startTunnel(request));
}

async function keepTunnel({ plan, pidFile }: OpenRequest): Promise<OpenTunnel | undefined> {
  const { port } = plan;
  const running = findTunnel(pidFile, port);
  const wanted = destination(plan.ssh);
  const another = `Stop it (estate tunnel --stop --port ${port}) or take another port: --port ${port + 1}`;
  if (running && running.destination !== wanted) {
    throw failed(`port ${port} carries a tunnel to ${running.destination}, not to ${wanted}. ${another}`);
  }
  if (running && (await answers(running))) {
    const missing = plan.endpoints.map(keyOf).filter((key) => !running.endpoints.includes(key));
    if (missing.length > 0) {
      const since = `since it was opened, ${missing.join(", ")} came to what the stack declares`;
      throw failed(`port ${port} carries a tunnel that does not lead everywhere: ${since}. ${another}`);
    }
    return { ...running, opened: false, rights: [], ended: new Promise(() => {}), close: async () => {} };
  }
  if (!(await portIsFree(port))) {
    throw failed(`127.0.0.1:${port} is in use by another program. Take another port: --port ${port + 1}`);
  }
  return undefined;
}

/** Whether the tunnel takes its password. */
export async function answers({ port, password }: RunningTunnel): Promise<boolean> {
  const login = { user: PROXY_USER, password };
  return (await proxyState({ host: "127.0.0.1", port, login })) === "open";
}

async function startTunnel(request: OpenRequest): Promise<OpenTunnel> {
  const { plan, env, cwd, pidFile, detached, signal } = request;
  const pinned = pinnedKey(plan);
  const password = tunnelPassword(env, cwd);
  const { ssh, port, endpoints } = plan;
  const privateKey = tunnelKey(env, cwd);
  const orders: Orders = { ssh, port, endpoints, hostKey: pinned, privateKey, password, detached };
  const { child, ended, log } = spawnServe(request);
  let rights: string[];
  try {
    const shown = await answerOf(child, orders, plan, ended, signal);
    rights = shown.rights;
    if (pinned === undefined) rememberKey(plan, shown.hostKey);
    if (child.pid === undefined) throw failed("the tunnel's process did not start");
    keepPassword(pidFile, password);
    writePid(pidFile, child.pid);
  } catch (error) {
    child.kill("SIGTERM");
    await ended;
    rmSync(log, { force: true });
    throw error;
  }
  const { pid } = child;
  if (detached) release(child);
  const running = { pid, port, destination: destination(ssh), endpoints: endpoints.map(keyOf), password };
  return {
    ...running,
    opened: true,
    rights,
    ended,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
      forgetTunnel(pidFile, pid);
      rmSync(log, { force: true });
    },
  };
}

function spawnServe({ plan, env, pidFile, detached }: OpenRequest) {
  // A file and not a pipe: the tunnel may outlive this process and must not die of a broken pipe.
  const log = logFile(pidFile);
  const handle = openSync(log, "w", 0o600);
  const child = spawn(process.execPath, serveArguments(plan), {
    stdio: ["pipe", "pipe", handle],
    env: serveEnvironment(env),
    // Where tsx is found.
    cwd: path.dirname(path.dirname(path.dirname(SERVE))),
    detached,
  });
  closeSync(handle);
  // It may end before it has read what it is told.
  child.stdin?.on("error", () => {});
  return { child, log, ended: whenEnded(child, log) };
}

/** Nothing of this process holds on to the tunnel, nor the tunnel to it. */
function release(child: ChildProcess): void {
  child.unref();
  child.stdin?.end();
  child.stdout?.destroy();
}

/** The tunnel's last words, once it has ended. Never rejects. */
function whenEnded(child: ChildProcess, log: string): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("exit", (code, signal) =>
      resolve(lastWords(log) || `its process ended (${signal ?? `code ${code}`})`),
    );
  });
}

function lastWords(log: string): string {
  try {
    return readFileSync(log, "utf8").trim().split("\n").slice(-4).join("; ").replace(/\.$/, "");
  } catch {
    return "";
  }
}

/** Hands the orders over and waits for the answer. */
async function answerOf(
  child: ChildProcess,
  orders: Orders,
  plan: TunnelPlan,
  ended: Promise<string>,
  signal: AbortSignal,
): Promise<Extract<Answer, { rights: string[] }>> {
  const to = destination(plan.ssh);
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw failed(`no tunnel to ${to}: its process did not start`);
  const waiting = new AbortController();
  const answered = new Promise<Answer>((resolve) => {
    createInterface({ input: stdout }).once("line", (line) => resolve(JSON.parse(line) as Answer));
  });
  const died = ended.then((words): Answer => ({ error: words, code: "failed" }));
  const refusal = new Promise<Answer>((_resolve, reject) => {
    const give = (reason: string) => reject(failed(reason));
    const interrupted = () => give("interrupted before the tunnel was open");
    const timer = setTimeout(() => give(`no tunnel to ${to} within ${OPENING_MS / 1000} s`), OPENING_MS);
    signal.addEventListener("abort", interrupted);
    waiting.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", interrupted);
    });
    if (signal.aborted) interrupted();
  });
  try {
    stdin.write(`${JSON.stringify(orders)}\n`);
    const answer = await Promise.race([answered, died, refusal]);
    if ("rights" in answer) return answer;
    throw failed(`no tunnel to ${to}: ${answer.error}${adviceOn(answer.code, plan)}`);
  } finally {
    waiting.abort();
  }
}

/** The key that the host must show; undefined: whichever it shows first. */
export function pinnedKey({ ssh, knownHosts: { file, pinned } }: TunnelPlan): string | undefined {
  const key = hostKey(readIfThere(file), ssh);
  if (key !== undefined || !pinned) return key;
  throw failed(
    `access.knownHosts: ${file} has no key of ${ssh.host} (port ${ssh.port}), so the host cannot be told from an ` +
      `impostor. Add it: ssh-keyscan -t ed25519 -p ${ssh.port} ${ssh.host} >> ${file}, and compare it on the host`,
  );
}

function rememberKey({ ssh: { host, port }, knownHosts }: TunnelPlan, key: string): void {
  const name = port === 22 ? host : `[${host}]:${port}`;
  appendFileSync(knownHosts.file, `${name} ${key}\n`, { mode: 0o600 });
}

function readIfThere(file: string): string {
  try {
    return readAnyFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** What to do about the usual complaints of SSH. */
export function adviceOn(
  code: SshFault | "failed",
  { ssh, knownHosts }: { ssh: Pick<Ssh, "user">; knownHosts: TunnelPlan["knownHosts"] },
): string {
  switch (code) {
    case "auth":
      return (
        ` The line for ${ssh.user} there prints: estate tunnel --authorized-keys KEY.pub. The key comes from ` +
        "TUNNEL_PRIVATE_KEY_FILE, SSH_PRIVATE_KEY_FILE or ssh-agent"
      );
    case "key-file":
      return ". A key with a passphrase goes to ssh-agent: ssh-add";
    case "host-key":
      return knownHosts.pinned
        ? `. The pinned key is in ${knownHosts.file}`
        : `. It is another than at first: remove its line from ${knownHosts.file}`;
    default:
      return "";
  }
}
