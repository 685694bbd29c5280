import * as path from "node:path";
import { endpointOf } from "../../connect/address";
import type { SshFault } from "../../connect/ssh";
import type { Ssh } from "../../estate/types";
import { type DeclaredEndpoint, keyOf } from "./endpoints";

/** The process that holds a tunnel open, as those see it who start, find and end it. */

export const SERVE = path.join(__dirname, "serve.ts");

export interface TunnelPlan {
  ssh: Ssh;
  /** Local port of the SOCKS server; it listens on 127.0.0.1 and nowhere else. */
  port: number;
  /** All that it leads to. */
  endpoints: readonly DeclaredEndpoint[];
  knownHosts: {
    file: string;
    /** true: the file pins the hosts. false: an unknown host's key is taken on first sight and kept. */
    pinned: boolean;
  };
}

/** What the process is told on standard input, one line of JSON. Nobody else on the machine can read it there. */
export interface Orders {
  ssh: Ssh;
  port: number;
  endpoints: readonly DeclaredEndpoint[];
  /** `ssh-ed25519 AAAA...`; undefined: any. */
  hostKey: string | undefined;
  privateKey: string | undefined;
  password: string;
  /** true: goes on when whoever started it ends. */
  detached: boolean;
}

/** What it answers on standard output, one line of JSON. */
export type Answer =
  | {
      /** The key that the host has shown. */
      hostKey: string;
      /** What the user can do and should not: `runs commands`. */
      rights: string[];
    }
  | { error: string; code: SshFault | "failed" };

/** Its command line, which every user of the machine can read: it tells what the process is, and no secret. */
export function serveArguments({ ssh, port, endpoints, knownHosts }: TunnelPlan): string[] {
  return ["--import", "tsx", SERVE, String(port), destination(ssh), knownHosts.file, ...endpoints.map(keyOf)];
}

/** A running tunnel, as its command line tells; undefined: the command line is another program's, or of another port. */
export function tunnelOf(
  argv: readonly string[],
  port: number,
): { destination: string; endpoints: string[] } | undefined {
  const at = argv.findIndex((argument) => /(^|\/)ops\/tunnel\/serve\.ts$/.test(argument));
  const [itsPort, itsDestination, , ...endpoints] = at < 0 ? [] : argv.slice(at + 1);
  if (itsDestination === undefined || itsPort !== String(port)) return undefined;
  return { destination: itsDestination, endpoints };
}

export function destination({ host, port, user }: Ssh): string {
  return `${user}@${endpointOf(host, port)}`;
}

/** What the process is given of the caller's environment: it outlives the caller, whose passwords and keys stay behind. */
export function serveEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = ["HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "SSH_AUTH_SOCK"];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
