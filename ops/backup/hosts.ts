import { sshLogin } from "../../components/plans/ssh";
import { runFilter, runScript } from "../../connect/host-script";
import { openSsh, type RunOptions, type RunResult, type SshConnection } from "../../connect/ssh";
import { stackServers } from "../../estate/servers";
import type { ServerName, StackConfig } from "../../estate/types";
import { couldNotTell, messageOf } from "../exit";

/** A host of databases or queues, as root. */
export interface DatabaseHost {
  name: ServerName;
  /** A step that reads nothing from standard input; its variables may be secrets. Throws where it fails. */
  script(text: string, variables?: Readonly<Record<string, string>>): Promise<string>;
  /** A step that reads standard input or tells of its progress; no secret in text and variables. Its code is an answer. */
  filter(
    text: string,
    variables: Readonly<Record<string, string>>,
    options: Pick<RunOptions, "stdin" | "onStderr">,
  ): Promise<RunResult>;
  close(): void;
}

/** Opens the way to a host anew; aborted: the connection ends with everything that runs in it. */
export type OpenHost = (server: ServerName, signal?: AbortSignal) => Promise<DatabaseHost>;

/** What a step on a host said against what it was asked to do. */
export class HostRefusal extends Error {}

/** Hosts by the stack's configuration, with the key and the pinned host keys that the program uses. */
export function hostsOf(config: StackConfig, env: NodeJS.ProcessEnv): OpenHost {
  return async (server, signal) => {
    const found = stackServers(config.servers).find(({ name }) => name === server);
    if (!found) throw couldNotTell(`the stack has no server ${server}`);
    const { ssh } = found.server;
    let connection: SshConnection;
    try {
      const login = sshLogin(ssh, { knownHosts: config.access.knownHosts, pinned: true, env });
      connection = await openSsh(login, signal ? { signal } : {});
    } catch (error) {
      throw couldNotTell(`the host ${server} cannot be reached over SSH: ${messageOf(error)}`);
    }
    return databaseHost(server, ssh.user, connection);
  };
}

export function databaseHost(name: ServerName, user: string, connection: SshConnection): DatabaseHost {
  return {
    name,
    async script(text, variables = {}) {
      const { stdout, stderr, code } = await runScript(connection, user, text, variables);
      if (code === 0) return stdout;
      throw new HostRefusal(`${name}: ${lastWords(stderr) || `a step ended with ${code}`}`);
    },
    filter: (text, variables, options) => runFilter(connection, user, text, variables, options),
    close: () => connection.close(),
  };
}

/** What a host answered to a step. Errors: it is no whole number, and so nothing is known. */
export function wholeNumber(text: string | undefined, step: string): number {
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new HostRefusal(`the host's answer to ${step} is no number`);
}

/** The last lines of standard error, as one. */
export function lastWords(stderr: string, lines = 3): string {
  return stderr
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-lines)
    .join("; ")
    .slice(0, 600);
}
