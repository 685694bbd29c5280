import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endGroup, groupDirectory, groupProcesses, makeGroup } from "./cgroups";
import { attempt, type CommandOptions, type CommandResult, lastLines, must } from "./command";
import { hostsFile, type LabHost } from "./hosts";
import type { Images } from "./images";
import { namespaceFile, renewHostNetwork } from "./network";
import { hostDirectory, run, scripts } from "./paths";

/** The process that is PID 1 inside the host, or undefined when the host is not running. */
export function initProcess(host: LabHost): number | undefined {
  return groupProcesses(groupDirectory(groupOf(host))).find((id) => {
    try {
      return /^NSpid:\t(\d+\t)+1$/m.test(fs.readFileSync(`/proc/${id}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

function groupOf(host: LabHost): string {
  return `host-${host.name}`;
}

/**
 * Makes a blank host: an empty layer on its image, with what a new machine has of its own (identity, host key, name)
 * and the operator's public key, and with `files` by their paths. Made beside and renamed, so a host is there as a whole or not at all.
 */
export async function ensureLayer(
  host: LabHost,
  images: Images,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const place = hostDirectory(host.name);
  if (fs.existsSync(place.directory)) return;
  const fresh = `${place.directory}.new`;
  fs.rmSync(fresh, { recursive: true, force: true });
  const upper = path.join(fresh, "upper");
  for (const directory of ["work", "root", "upper/etc/ssh", "upper/root/.ssh"])
    fs.mkdirSync(path.join(fresh, directory), { recursive: true });
  const write = (file: string, text: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(upper, file)), { recursive: true });
    fs.writeFileSync(path.join(upper, file), text, { mode });
  };
  write("etc/hostname", `${host.name}\n`);
  write("etc/hosts", hostsFile(host));
  write("etc/machine-id", `${randomBytes(16).toString("hex")}\n`, 0o444);
  write("root/.ssh/authorized_keys", fs.readFileSync(`${run.sshKey}.pub`, "utf8"), 0o600);
  for (const [file, text] of Object.entries(files)) write(file, text);
  fs.chmodSync(path.join(upper, "root/.ssh"), 0o700);
  fs.chmodSync(path.join(upper, "root"), 0o700);
  const key = path.join(upper, "etc/ssh/ssh_host_ed25519_key");
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `root@${host.name}`, "-f", key]);
  write("../image", `${images.lower[host.image].join("\n")}\n`);
  fs.renameSync(fresh, place.directory);
}

/** Boots a host that has a layer. Returns when its first process runs; see `waitForSsh`. */
export async function boot(host: LabHost, mirror: string): Promise<void> {
  // What is left of an earlier life: its processes would hold the layer.
  await powerOff(host);
  await renewHostNetwork(host);
  const place = hostDirectory(host.name);
  const lower = fs.readFileSync(place.image, "utf8").trim().split("\n").join(":");
  const group = makeGroup(groupOf(host));
  fs.writeFileSync(place.mirror, `${mirror}\n`);
  const console = fs.openSync(place.console, "a");
  const child = spawn(
    "sh",
    [
      "-c",
      'echo $$ > "$0/cgroup.procs" && exec "$@"',
      makeGroup("supervisors"),
      ...[
        "nsenter",
        `--net=${namespaceFile(host)}`,
        "unshare",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
      ],
      ...["sh", path.join(scripts, "boot.sh")],
      ...[host.name, lower, place.upper, place.work, place.root, mirror, group],
    ],
    { detached: true, stdio: ["ignore", console, console], cwd: "/" },
  );
  child.once("error", () => undefined); // Seen as a host that does not run.
  child.unref();
  fs.closeSync(console);
  for (let round = 0; round < 100 && initProcess(host) === undefined && child.exitCode === null; round += 1)
    await sleep(50);
  if (initProcess(host) === undefined) throw await notUp(host, "its first process ended");
}

/** Takes the power away. */
export function powerOff(host: LabHost): Promise<number> {
  return endGroup(groupDirectory(groupOf(host)));
}

/** Drops the host's layer: its disk is blank then. The host must be off. */
export function dropLayer(host: LabHost): void {
  fs.rmSync(hostDirectory(host.name).directory, { recursive: true, force: true });
}

/** Waits until sshd greets. Errors: the time is up, or the host has died; with what it says. */
export function waitForSsh(host: LabHost): Promise<void> {
  return waitUntil(host, "sshd does not answer", () => answersSsh(host));
}

/** Waits until a service of the host accepts connections. Errors: as above. */
export function waitForPort(host: LabHost, port: number): Promise<void> {
  return waitUntil(host, `port ${port} does not answer`, () => answers(host, port));
}

async function waitUntil(host: LabHost, fault: string, ready: () => Promise<boolean>): Promise<void> {
  const seconds = 60;
  const end = Date.now() + seconds * 1000;
  while (!(await ready())) {
    if (initProcess(host) === undefined) throw await notUp(host, "it died while starting");
    if (Date.now() > end) throw await notUp(host, `${fault} within ${seconds} s`);
    await sleep(100);
  }
}

/** Says what the host itself says: its journal while it runs, otherwise the output of its start. */
async function notUp(host: LabHost, reason: string): Promise<Error> {
  const { console } = hostDirectory(host.name);
  const journal = ["journalctl", "--no-pager", "--lines=12", "--priority=warning"];
  const output = fs.existsSync(console) ? fs.readFileSync(console, "utf8") : "";
  const text = initProcess(host) === undefined ? output : (await onConsole(host, journal)).stdout;
  const said = text.trim() ? ` It says:\n${lastLines(text, 12)}` : " It says nothing.";
  return new Error(
    `the host ${host.name} is not up: ${reason}.${said}\nFor a blank one, run: lab/lab reset ${host.name}`,
  );
}

/** Does sshd greet, as seen from the operator's address? */
export function answersSsh(host: LabHost): Promise<boolean> {
  return answers(host, 22, "SSH-2.0-");
}

/** Does the port accept, and begin with that greeting if there is to be one? */
function answers(host: LabHost, port: number, greeting?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: host.ipv4, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => done(false));
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
    if (greeting) socket.once("data", (said) => done(said.toString().startsWith(greeting)));
    else socket.once("connect", () => done(true));
  });
}

/** Arguments of `nsenter` that run a command on the host, as on its console. Errors: the host is not running. */
export function consoleArguments(host: LabHost, command: readonly string[]): string[] {
  const init = initProcess(host);
  if (init === undefined) throw new Error(`the host ${host.name} is not running. Run: lab/lab up`);
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"];
  const environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"];
  if (process.env.TERM) environment.push(`TERM=${process.env.TERM}`);
  return ["--target", String(init), ...namespaces, "--", "env", "-i", ...environment, ...command];
}

/** Runs a command on the host's console, needing no network and no login. */
export function onConsole(
  host: LabHost,
  command: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  return attempt("nsenter", consoleArguments(host, command), options);
}

/** Writes known_hosts from the hosts' own key files, so that the first connection is verified already. */
export function writeKnownHosts(hosts: readonly LabHost[]): void {
  const lines = hosts.flatMap((host) => {
    const file = path.join(hostDirectory(host.name).upper, "etc/ssh/ssh_host_ed25519_key.pub");
    if (!fs.existsSync(file)) return [];
    const [type, key] = fs.readFileSync(file, "utf8").split(" ");
    return [`${host.name},${host.fqdn},${host.ipv4},${host.ipv6} ${type} ${key}`];
  });
  fs.writeFileSync(`${run.knownHosts}.new`, `${lines.join("\n")}\n`, { mode: 0o600 });
  fs.renameSync(`${run.knownHosts}.new`, run.knownHosts);
}
