import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import type { Ssh } from "../../estate/types";
import { readNamedFile } from "./named-file";

/** How the program logs in to a host. Without a key the SSH agent (SSH_AUTH_SOCK) is asked. */
export interface SshLogin extends Ssh {
  privateKey: string | undefined;
  /** `ssh-ed25519 AAAA...`; undefined where the stack pins no host keys. */
  hostKey: string | undefined;
}

export interface SshLoginOptions {
  /** OpenSSH known_hosts file; undefined: the stack pins no host keys. */
  knownHosts: string | undefined;
  /** true: a host without a pinned key is an error. A preview connects to nothing and may do without. */
  pinned: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Login to a host: its address from the configuration, the key from `SSH_PRIVATE_KEY` or `SSH_PRIVATE_KEY_FILE`, the
 * host's own key from known_hosts. Errors: known_hosts lacks the host.
 */
export function sshLogin(ssh: Ssh, { knownHosts, pinned, env = process.env }: SshLoginOptions): SshLogin {
  const key = knownHosts === undefined ? undefined : hostKey(readKnownHosts(knownHosts), ssh);
  if (pinned && knownHosts !== undefined && key === undefined) {
    throw new Error(
      `access.knownHosts: ${knownHosts} has no key of ${ssh.host} (port ${ssh.port}), so the host cannot be told from an ` +
        `impostor. Add it: ssh-keyscan -t ed25519 -p ${ssh.port} ${ssh.host} >> ${knownHosts}, and compare it on the host`,
    );
  }
  return { ...ssh, privateKey: secretFromEnvironment("SSH_PRIVATE_KEY", env), hostKey: key };
}

/**
 * `NAME`, or the content of the file that `NAME_FILE` names. undefined where neither is set: a preview needs no secret.
 * Errors: a file that cannot be read.
 */
export function secretFromEnvironment(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (env[name]) return env[name];
  const file = env[`${name}_FILE`];
  return file ? readNamedFile(`${name}_FILE`, file) : undefined;
}

/**
 * The first key that a known_hosts text has for a host (`ssh-ed25519 AAAA...`), plain or hashed names; undefined: none.
 */
export function hostKey(knownHosts: string, { host, port }: Pick<Ssh, "host" | "port">): string | undefined {
  const name = port === 22 ? host : `[${host}]:${port}`;
  for (const line of knownHosts.split("\n")) {
    const [names = "", type = "", key = ""] = line.trim().split(/\s+/);
    if (names.startsWith("#") || names.startsWith("@") || key === "") continue;
    if (names.split(",").some((pattern) => pattern === name || isHashOf(pattern, name)))
      return `${type} ${key}`;
  }
  return undefined;
}

/** A hashed name is `|1|salt|HMAC-SHA1(salt, name)`, both in base64. */
function isHashOf(pattern: string, name: string): boolean {
  const [, version, salt, hash] = pattern.split("|");
  if (version !== "1" || !salt || !hash) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

/** An absent file pins nothing: a preview runs on machines that never reach the hosts. */
function readKnownHosts(file: string): string {
  return existsSync(file) ? readNamedFile("access.knownHosts", file) : "";
}
