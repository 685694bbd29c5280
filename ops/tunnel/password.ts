import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { failed } from "../exit";
import { PROXY_USER } from "./handshake";

/**
 * The password of a tunnel that is about to be opened: a new one, or the one in the file that TUNNEL_PASSWORD_FILE names, for programs
 * that were told of it before.
 */
export function tunnelPassword(env: NodeJS.ProcessEnv, cwd: string): string {
  const named = env.TUNNEL_PASSWORD_FILE;
  if (!named) return newPassword();
  const file = path.resolve(cwd, named);
  const password = readPrivately(file);
  if (password === undefined) {
    throw failed(
      `TUNNEL_PASSWORD_FILE is ${file}, which is no file that only you can read. Run: chmod 600 ${file}`,
    );
  }
  if (!/^[A-Za-z0-9_-]{32,255}$/.test(password)) {
    throw failed(
      "TUNNEL_PASSWORD_FILE holds no password of 32 to 255 letters, digits, _ and -. Make one: openssl rand -hex 32",
    );
  }
  return password;
}

/** 256 bits, of characters that stand in a URL as they are. */
export function newPassword(): string {
  return randomBytes(32).toString("base64url");
}

/** What goes into ALL_PROXY. */
export function proxyUrl(port: number, password: string): string {
  return `socks5://${PROXY_USER}:${password}@127.0.0.1:${port}`;
}

/** Beside the process id, for whoever finds the tunnel open. */
export function passwordFile(pidFile: string): string {
  return `${pidFile}.password`;
}

export function keepPassword(pidFile: string, password: string): void {
  const draft = `${passwordFile(pidFile)}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, password, { mode: 0o600, flag: "wx" });
  renameSync(draft, passwordFile(pidFile));
}

/** undefined: there is none, or others could have written or read it. */
export function keptPassword(pidFile: string): string | undefined {
  return readPrivately(passwordFile(pidFile));
}

function readPrivately(file: string): string | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  const foreign = process.getuid !== undefined && stat?.uid !== process.getuid();
  if (!stat?.isFile() || foreign || (stat.mode & 0o077) !== 0) return undefined;
  return readFileSync(file, "utf8").trim();
}
