import * as fs from "node:fs";
import { installCloud } from "./cloud/install";
import { must } from "./command";
import { down } from "./down";
import { closeHost } from "./firewall";
import { installGithubApi } from "./github/install";
import { hosts, type LabHost } from "./hosts";
import { ensureImages, type Images, pruneImages } from "./images";
import { boot, dropLayer, ensureLayer, initProcess, powerOff, waitForSsh, writeKnownHosts } from "./machine";
import { mounts } from "./mounts";
import { ensureSwitch } from "./network";
import { checkout, hostDirectory, run, runDirectory } from "./paths";
import type { Progress } from "./progress";
import { checkMachine } from "./requirements";
import { ensurePassword, prepareWebHost } from "./web-host";

/** Brings the lab to its running state from any other: what runs is left alone, what is dead or absent is started. */
export async function up(progress: Progress): Promise<void> {
  await checkMachine(progress);
  await claim();
  const images = await ensureImages(progress);
  await ensureRunDirectory();
  await ensureSwitch();
  const idle = await progress.stage("hosts", () => startAll(images, progress));
  if (idle) progress.note("every host was running already");
  pruneImages(images, imagesInUse());
}

/** Makes one host blank: as after the loss of the machine. */
export async function reset(host: LabHost, progress: Progress): Promise<void> {
  await claim();
  if (!fs.existsSync(run.owner)) throw new Error("the lab is not up. Run: lab/lab up");
  const images = await ensureImages(progress);
  await progress.stage(`blank host ${host.name}`, async () => {
    await powerOff(host);
    dropLayer(host);
    await start(host, images);
    writeKnownHosts(hosts);
  });
}

/** A machine has one lab, and it belongs to one checkout. A dead one of another checkout is cleared away. */
async function claim(): Promise<void> {
  if (!fs.existsSync(run.owner)) return;
  const owner = fs.readFileSync(run.owner, "utf8").trim();
  if (owner === checkout) return;
  const alive = hosts.filter((host) => initProcess(host) !== undefined);
  if (alive.length > 0)
    throw new Error(
      `this machine has a lab already, which belongs to ${owner} (running: ${alive.map((h) => h.name).join(", ")}). Take it down first: ${owner}/lab/lab down`,
    );
  await down();
}

async function ensureRunDirectory(): Promise<void> {
  if (!mounts().some(({ target }) => target === runDirectory)) {
    fs.mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
    // The hosts' disks are in memory: fast, and gone for certain.
    await must("mount", ["-t", "tmpfs", "-o", "size=60%,mode=0700", "estate-lab", runDirectory]);
  }
  for (const directory of [run.hosts, run.ssh, run.secrets, run.backup, run.pulumi])
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  fs.writeFileSync(run.owner, `${checkout}\n`);
  for (const [key, owner] of [
    [run.sshKey, "lab-operator"],
    [run.tunnelKey, "lab-tunnel"],
  ] as const) {
    if (!fs.existsSync(key)) await makeKey(key, owner);
  }
  if (!fs.existsSync(run.backupKey)) await makeBackupKey();
  ensurePassword(run.pleskAdmin);
  ensurePassword(run.tunnelPassword);
}

/** Of age: hosts get the public half alone. */
async function makeBackupKey(): Promise<void> {
  fs.rmSync(`${run.backupKey}.new`, { force: true });
  await must("age-keygen", ["-o", `${run.backupKey}.new`]);
  const recipient = await must("age-keygen", ["-y", `${run.backupKey}.new`]);
  fs.writeFileSync(run.backupRecipients, recipient);
  fs.renameSync(`${run.backupKey}.new`, run.backupKey);
}

async function makeKey(file: string, owner: string): Promise<void> {
  fs.rmSync(`${file}.new`, { force: true });
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", owner, "-f", `${file}.new`]);
  fs.renameSync(`${file}.new.pub`, `${file}.pub`);
  fs.renameSync(`${file}.new`, file);
}

async function startAll(images: Images, progress: Progress): Promise<boolean> {
  const dead = hosts.filter((host) => initProcess(host) === undefined);
  const outcomes = await Promise.allSettled(
    hosts.map((host) =>
      dead.includes(host) ? progress.stage(`host ${host.name}`, () => start(host, images)) : finish(host),
    ),
  );
  writeKnownHosts(hosts);
  const faults = outcomes.flatMap((o) => (o.status === "rejected" ? [messageOf(o.reason)] : []));
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return dead.length === 0;
}

async function start(host: LabHost, images: Images): Promise<void> {
  await ensureLayer(host, images, host.image === "web" ? filesOfWebHost() : {});
  await boot(host, images.mirror);
  await finish(host);
}

/**
 * Loaded when it is needed: the lab's other commands know nothing of what is declared, and are called often. By `require`, as
 * `import()` looks for JavaScript.
 */
function filesOfWebHost(): Record<string, string> {
  const { wayInFiles } = require("./way-in") as typeof import("./way-in");
  return wayInFiles();
}

/** What a host still needs when it runs; a host may be running from a command that was ended before this. */
async function finish(host: LabHost): Promise<void> {
  await waitForSsh(host);
  if (host.image === "web") await prepareWebHost();
  if (host.image === "cloud") {
    await installCloud();
    await installGithubApi();
  }
  await closeHost(host);
}

function imagesInUse(): string[] {
  return hosts.flatMap((host) => {
    const { image, mirror } = hostDirectory(host.name);
    return [image, mirror]
      .filter((file) => fs.existsSync(file))
      .flatMap((file) => fs.readFileSync(file, "utf8").trim().split("\n"));
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
