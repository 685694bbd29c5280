import * as os from "node:os";
import * as path from "node:path";
import type { LabHostName } from "./hosts";

/** This checkout: a lab belongs to one. */
export const checkout = path.resolve(__dirname, "..");
export const scripts = path.join(__dirname, "scripts");

/** Everything of a running lab; a tmpfs of its own, gone after `down`. */
export const runDirectory = "/run/estate-lab";

export const run = {
  owner: path.join(runDirectory, "owner"),
  hosts: path.join(runDirectory, "hosts"),
  ssh: path.join(runDirectory, "ssh"),
  sshKey: path.join(runDirectory, "ssh", "id_ed25519"),
  /** Logs in to the web host as the tunnel's user, and nowhere else. */
  tunnelKey: path.join(runDirectory, "ssh", "id_tunnel"),
  knownHosts: path.join(runDirectory, "ssh", "known_hosts"),
  secrets: path.join(runDirectory, "secrets"),
  pleskAdmin: path.join(runDirectory, "secrets", "plesk-admin"),
  tunnelPassword: path.join(runDirectory, "secrets", "tunnel"),
  awsCredentials: path.join(runDirectory, "secrets", "aws-credentials"),
  /** What backups are encrypted to, and what opens them. */
  backup: path.join(runDirectory, "backup"),
  backupRecipients: path.join(runDirectory, "backup", "recipients.txt"),
  backupKey: path.join(runDirectory, "backup", "key.txt"),
  pulumi: path.join(runDirectory, "pulumi"),
  /** Certificates of the lab's own services, a file each, and all of them in one. */
  tls: path.join(runDirectory, "tls"),
  authorities: path.join(runDirectory, "tls", "authorities.pem"),
  tunnelPid: path.join(runDirectory, "tunnel.pid"),
  madeNetnsMount: path.join(runDirectory, "made-netns-mount"),
} as const;

/** The directory of one host: its layer, what it boots from, and its console. */
export function hostDirectory(name: LabHostName) {
  const directory = path.join(run.hosts, name);
  return {
    directory,
    upper: path.join(directory, "upper"),
    work: path.join(directory, "work"),
    /** Where the host mounts its root; empty when looked at from outside, for the mount is the host's own. */
    root: path.join(directory, "root"),
    /** The image directories that the layer stands on, uppermost first, one a line. */
    image: path.join(directory, "image"),
    /** The package repository that the host has mounted since it booted. */
    mirror: path.join(directory, "mirror"),
    console: path.join(directory, "console.log"),
  };
}

/** Images and packages; survives `down`. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base =
    env.ESTATE_CACHE ||
    path.join(env.XDG_CACHE_HOME || path.join(env.HOME || os.homedir(), ".cache"), "database-estate");
  return path.join(base, "images");
}
