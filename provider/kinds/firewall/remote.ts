import type { SshConnection } from "../../../connect/ssh";

/** A word of the shell that stands for exactly `value`. */
export function word(value: string): string {
  return /^[\w./:,@=+-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * Runs bash as root on a host (through `sudo -n` where the SSH user is another) and gives its standard output.
 * Errors: it ends with another code than 0; the message ends with what it printed on standard error.
 */
export async function runAsRoot(
  ssh: SshConnection,
  user: string,
  what: string,
  text: string,
): Promise<string> {
  const root = user === "root" ? "" : "sudo -n ";
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const { stdout, stderr, code } = await ssh.run(
    `${root}env LC_ALL=C.UTF-8 PATH=${path} bash -euo pipefail -c ${word(text)}`,
  );
  if (code === 0) return stdout;
  throw new Error(`${what} ended with ${code}: ${stderr.trim() || stdout.trim() || "it says nothing"}`);
}
