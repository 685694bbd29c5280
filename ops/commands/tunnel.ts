import * as path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { loadStackConfig } from "../../estate/load";
import { couldNotTell, EXIT, failed, messageOf } from "../exit";
import type { Io } from "../io";
import type { Finish } from "../program";
import { startProgress } from "../render/progress";
import { exportLine, renderStatus, renderStatusJson } from "../render/tunnel";
import { resolveStack } from "../stack";
import { type OpenTunnel, openTunnel } from "../tunnel/open";
import { stateDirectory } from "../tunnel/private-directory";
import { defaultPidFile, findTunnel, stopTunnel } from "../tunnel/running";
import { socksAnswers } from "../tunnel/socks";
import type { TunnelPlan } from "../tunnel/ssh-arguments";

export const DEFAULT_PORT = 17077;

interface TunnelOptions {
  stack?: string;
  port: number;
  background?: boolean;
  stop?: boolean;
  status?: boolean;
  pidFile?: string;
  json?: boolean;
}

export function tunnelCommand(io: Io, finish: Finish): Command {
  return new Command("tunnel")
    .description("Open the way in: a SOCKS proxy on 127.0.0.1 that leads through the plesk host.")
    .option(
      "--stack <name>",
      "stack whose plesk host is used (default: $PULUMI_STACK, then the selected one)",
    )
    .option("--port <number>", "port on 127.0.0.1", parsePort, DEFAULT_PORT)
    .option("--background", "return once the tunnel is open, and leave it open")
    .addOption(new Option("--stop", "close the tunnel on this port").conflicts(["background", "status"]))
    .addOption(new Option("--status", "tell whether it is open: exit code 0 or 1").conflicts("background"))
    .option("--pid-file <file>", "where its process id is kept (default: in $XDG_RUNTIME_DIR or /tmp)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The SSH key comes from SSH_PRIVATE_KEY_FILE, from SSH_PRIVATE_KEY (the key's text), or from ssh-agent.
stdout holds only the line for the shell. A tunnel that is open already is kept.

Examples:
  estate tunnel --stack prod                          until Ctrl-C
  eval "$(estate tunnel --stack prod --background)"     for this shell and everything run in it
  estate tunnel --status
  estate tunnel --stop`,
    )
    .action(async (options: TunnelOptions) => {
      const pidFile = options.pidFile
        ? path.resolve(io.cwd, options.pidFile)
        : defaultPidFile(io.env, options.port);
      if (options.stop) return stop(io, finish, options, pidFile);
      if (options.status) return status(io, finish, options, pidFile);
      return open(io, finish, options, pidFile);
    });
}

async function open(io: Io, finish: Finish, options: TunnelOptions, pidFile: string): Promise<void> {
  const stack = await resolveStack(io, options.stack);
  const plan = planTunnel(io, stack, options.port);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) process.on(name, interrupt);
  const progress = startProgress(io, `opening the tunnel to ${plan.ssh.host} ...`);
  try {
    const tunnel = await openTunnel({
      plan,
      env: io.env,
      cwd: io.cwd,
      pidFile,
      detached: options.background ?? false,
      signal: interrupted.signal,
    }).finally(() => progress.end());
    const state = tunnel.opened ? "open" : "open already";
    io.err(
      `tunnel ${state}: 127.0.0.1:${tunnel.port} through ${tunnel.destination} (process ${tunnel.pid})\n`,
    );
    io.out(options.json ? renderStatusJson(tunnel) : exportLine(tunnel.port));
    if (tunnel.opened && !options.background) await holdOpen(io, tunnel, interrupted.signal);
    finish(EXIT.done);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** Until Ctrl-C, which is the proper end, or until ssh ends by itself, which is a failure. */
async function holdOpen(io: Io, tunnel: OpenTunnel, signal: AbortSignal): Promise<void> {
  io.err("Ctrl-C closes it\n");
  const interrupted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const words = await Promise.race([interrupted, tunnel.ended]);
  // Ctrl-C reaches ssh too, which may end before this process has taken note of it.
  const byItself = words !== undefined && !signal.aborted && !(await soon(interrupted));
  await tunnel.close();
  if (byItself) throw failed(`the tunnel through ${tunnel.destination} ended: ${words}`);
  io.err("tunnel closed\n");
}

function soon(interrupted: Promise<undefined>): Promise<boolean> {
  const patience = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200));
  return Promise.race([interrupted.then(() => true), patience]);
}

async function stop(io: Io, finish: Finish, options: TunnelOptions, pidFile: string): Promise<void> {
  const running = findTunnel(pidFile, options.port);
  if (running) await stopTunnel(running, pidFile);
  if (options.json) io.out(renderStatusJson(undefined));
  io.err(running ? `tunnel closed (process ${running.pid})\n` : `no tunnel on port ${options.port}\n`);
  finish(EXIT.done);
}

async function status(io: Io, finish: Finish, options: TunnelOptions, pidFile: string): Promise<void> {
  const found = findTunnel(pidFile, options.port);
  const running = found && (await socksAnswers("127.0.0.1", found.port)) ? found : undefined;
  io.out(options.json ? renderStatusJson(running) : renderStatus(running, options.port));
  finish(running ? EXIT.done : EXIT.failed);
}

function planTunnel(io: Io, stack: string, port: number): Omit<TunnelPlan, "keyFile"> {
  const config = loadConfig(io, stack);
  const pins = config.access.knownHosts;
  return {
    ssh: config.servers.plesk.ssh,
    port,
    knownHosts: pins
      ? { file: path.resolve(io.projectDir, pins), pinned: true }
      : { file: path.join(stateDirectory(io.env), "known_hosts"), pinned: false },
  };
}

function loadConfig(io: Io, stack: string) {
  try {
    return loadStackConfig(stack, io.projectDir);
  } catch (error) {
    throw couldNotTell(messageOf(error));
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw new InvalidArgumentError("It takes a number from 1 to 65535.");
  }
  return port;
}
