import type { Ssh } from "../../estate/types";

export interface TunnelPlan {
  ssh: Ssh;
  /** Local port of the SOCKS proxy; it listens on 127.0.0.1 and nowhere else. */
  port: number;
  /** Private key file; undefined: whatever ssh-agent and the user's ssh configuration offer. */
  keyFile: string | undefined;
  knownHosts: {
    file: string;
    /** true: the file pins the hosts. false: an unknown host's key is taken on first sight and kept. */
    pinned: boolean;
  };
}

/** The command line of `ssh`. It names files and never holds a key: everybody on the machine can read it. */
export function sshArguments({ ssh, port, keyFile, knownHosts }: TunnelPlan): string[] {
  const options = [
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    `StrictHostKeyChecking=${knownHosts.pinned ? "yes" : "accept-new"}`,
    `UserKnownHostsFile=${quoted(knownHosts.file)}`,
    // With pins, a key that the machine's own list happens to hold must not count.
    ...(knownHosts.pinned ? ["GlobalKnownHostsFile=/dev/null"] : []),
    // A shared connection of the user's own would take the forward with it when it ends.
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "GatewayPorts=no",
    "PermitLocalCommand=no",
    ...(keyFile ? ["IdentitiesOnly=yes"] : []),
  ];
  return [
    "-N",
    "-T",
    "-D",
    `127.0.0.1:${port}`,
    ...options.flatMap((option) => ["-o", option]),
    ...(keyFile ? ["-i", keyFile.replaceAll("%", "%%")] : []),
    "-p",
    String(ssh.port),
    "-l",
    ssh.user,
    "--",
    ssh.host,
  ];
}

/** OpenSSH splits the value at blanks and expands `%`. */
function quoted(file: string): string {
  return `"${file.replaceAll("%", "%%")}"`;
}

/** Whether a running process's arguments are the tunnel on this port. */
export function isTunnelOn(argv: readonly string[], port: number): boolean {
  return /(^|\/)ssh$/.test(argv[0] ?? "") && argumentOf(argv, "-D") === `127.0.0.1:${port}`;
}

/** Where a running tunnel's arguments lead. */
export function destinationOf(argv: readonly string[]): string {
  return `${argumentOf(argv, "-l") ?? "?"}@${argv.at(-1) ?? "?"}:${argumentOf(argv, "-p") ?? "?"}`;
}

export function destination({ host, port, user }: Ssh): string {
  return `${user}@${host}:${port}`;
}

function argumentOf(argv: readonly string[], flag: string): string | undefined {
  const at = argv.indexOf(flag);
  return at < 0 ? undefined : argv[at + 1];
}

/** What `ssh` is given of the caller's environment: it outlives the caller, whose passwords and keys stay behind. */
export function sshEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TERM",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
  ];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
