import * as path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { readAnyFile } from "../../components/plans/named-file";
import { redisUsers } from "../../estate/catalogue";
import { loadStackConfig } from "../../estate/load";
import type { StackConfig } from "../../estate/types";
import { couldNotTell, EXIT, type Finish, failed, messageOf } from "../exit";
import type { Io } from "../io";
import { startProgress } from "../render/progress";
import { exportLine, renderRights, renderStatus, renderTunnelJson } from "../render/tunnel";
import { resolveStack } from "../stack";
import { declaredEndpoints } from "../tunnel/endpoints";
import { authorizedKeys, sshdConfig } from "../tunnel/grant";
import { answers, type OpenTunnel, openTunnel } from "../tunnel/open";
import { planTunnel } from "../tunnel/plan";
import { defaultPidFile, findTunnel, stopTunnel } from "../tunnel/running";

export const DEFAULT_PORT = 17077;

interface TunnelOptions {
  stack?: string;
  port: number;
  background?: boolean;
  stop?: boolean;
  status?: boolean;
  pidFile?: string;
  authorizedKeys?: string;
  sshdConfig?: boolean;
  json?: boolean;
}

export function tunnelCommand(io: Io, finish: Finish): Command {
  return new Command("tunnel")
    .description(
      "Open the way in: a SOCKS proxy on 127.0.0.1, with a password, that leads through the plesk host to the declared servers.",
    )
    .option(
      "--stack <name>",
      "stack whose plesk host is used (default: $PULUMI_STACK, then the selected one)",
    )
    .option("--port <number>", "port on 127.0.0.1", parsePort, DEFAULT_PORT)
    .option("--background", "return once the tunnel is open, and leave it open")
    .addOption(new Option("--stop", "close the tunnel on this port").conflicts(["background", "status"]))
    .addOption(new Option("--status", "tell whether it is open: exit code 0 or 1").conflicts("background"))
    .option("--pid-file <file>", "where its process id is kept (default: in $XDG_RUNTIME_DIR or /tmp)")
    .addOption(
      new Option(
        "--authorized-keys <file>",
        "print what authorized_keys of the tunnel's user must say for the public keys in this file",
      ).conflicts(["background", "stop", "status", "sshdConfig"]),
    )
    .addOption(
      new Option(
        "--sshd-config",
        "print what sshd_config of the plesk host must say of the tunnel's user",
      ).conflicts(["background", "stop", "status"]),
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The user on the plesk host is access.tunnelUser of the stack. Its SSH key comes from TUNNEL_PRIVATE_KEY_FILE or
TUNNEL_PRIVATE_KEY (the key's text), else from SSH_PRIVATE_KEY_FILE or SSH_PRIVATE_KEY, else from ssh-agent.
stdout holds only the line for the shell, with the password of this tunnel. A tunnel that is open already is kept.

Examples:
  estate tunnel --stack prod                          until Ctrl-C
  eval "$(estate tunnel --stack prod --background)"     for this shell and everything run in it
  estate tunnel --status
  estate tunnel --stop
  estate tunnel --stack prod --sshd-config            for /etc/ssh/sshd_config.d of the plesk host
  estate tunnel --stack prod --authorized-keys ~/.ssh/id_tunnel.pub`,
    )
    .action(async (options: TunnelOptions) => {
      if (options.authorizedKeys || options.sshdConfig) return grant(io, finish, options);
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
  const plan = planTunnel(loadConfig(io, stack), redisUsers, options.port, io);
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
    if (tunnel.rights.length > 0) io.err(`WARNING: ${renderRights(plan.ssh.user, tunnel.rights)}\n`);
    const { rights } = tunnel;
    io.out(
      options.json
        ? renderTunnelJson(tunnel, { withProxy: true, ...(tunnel.opened && { rights }) })
        : exportLine(tunnel),
    );
    if (tunnel.opened && !options.background) await holdOpen(io, tunnel, interrupted.signal);
    finish(EXIT.done);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** Until Ctrl-C, which is the proper end, or until it ends by itself, which is a failure. */
async function holdOpen(io: Io, tunnel: OpenTunnel, signal: AbortSignal): Promise<void> {
  io.err("Ctrl-C closes it\n");
  const interrupted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const words = await Promise.race([interrupted, tunnel.ended]);
  // Ctrl-C reaches its process too, which may end before this process has taken note of it.
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
  if (options.json) io.out(renderTunnelJson(undefined));
  io.err(running ? `tunnel closed (process ${running.pid})\n` : `no tunnel on port ${options.port}\n`);
  finish(EXIT.done);
}

async function status(io: Io, finish: Finish, options: TunnelOptions, pidFile: string): Promise<void> {
  const found = findTunnel(pidFile, options.port);
  const running = found && (await answers(found)) ? found : undefined;
  io.out(options.json ? renderTunnelJson(running) : renderStatus(running, options.port));
  finish(running ? EXIT.done : EXIT.failed);
}

/** What the plesk host's administrator has to write there. */
async function grant(io: Io, finish: Finish, options: TunnelOptions): Promise<void> {
  const config = loadConfig(io, await resolveStack(io, options.stack));
  const endpoints = declaredEndpoints(config, redisUsers);
  if (options.authorizedKeys) {
    const file = path.resolve(io.cwd, options.authorizedKeys);
    io.out(authorizedKeys(readPublicKeys(file), file, endpoints));
  } else {
    io.out(sshdConfig(config.access.tunnelUser, endpoints));
  }
  finish(EXIT.done);
}

function readPublicKeys(file: string): string {
  try {
    return readAnyFile(file);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    throw couldNotTell(
      `--authorized-keys is ${file}, which cannot be read (${why}): give a file of public keys`,
    );
  }
}

function loadConfig(io: Io, stack: string): StackConfig {
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
