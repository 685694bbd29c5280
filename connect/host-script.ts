import type { RunOptions, RunResult, SshConnection } from "./ssh";

/** A word of the shell that stands for exactly `value`. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * Runs Bash text as root on a host; anyone but root goes through `sudo -n`. The text and its variables travel on standard
 * input and so show in no process list: a variable may be a secret. Its commands must not read standard input.
 * `-euo pipefail`: the first failing step ends it with its exit code, which is an answer and not an error.
 */
export function runScript(
  ssh: SshConnection,
  user: string,
  text: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  // Braces: the shell has read the text to its end before a command could take a bite of it.
  const stdin = [...assignments, "{", text, "exit 0", "} </dev/null", ""].join("\n");
  const sudo = user === "root" ? "" : "sudo -n ";
  return ssh.run(`${sudo}env LC_ALL=C.UTF-8 PATH=${PATH} bash -euo pipefail -s`, { stdin });
}

/**
 * The same for commands that do read standard input, or whose standard error is of interest as it comes. Text and variables
 * are arguments here, which every process list shows: no secret may be among them.
 */
export function runFilter(
  ssh: SshConnection,
  user: string,
  text: string,
  variables: Readonly<Record<string, string>>,
  options: Pick<RunOptions, "stdin" | "onStderr">,
): Promise<RunResult> {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  const sudo = user === "root" ? "" : "sudo -n ";
  const script = [...assignments, text].join("\n");
  // A Bash that sshd starts reads the user's bashrc, also for a -c.
  return ssh.run(
    `${sudo}env LC_ALL=C.UTF-8 PATH=${PATH} bash --norc -euo pipefail -c ${quote(script)}`,
    options,
  );
}

/** Whatever the host's sshd and sudo hand on: ufw and the engines' tools are among root's. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
