import { createHash } from "node:crypto";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
// Loaded at the first connection: a preview mostly opens none.
import type { Client, ClientChannel, ConnectConfig, SFTPWrapper } from "ssh2";
import { endpointOf } from "./address";
import { linesOf } from "./lines";
import { openSocket } from "./socket";

/** An SSH server and how to log in to it. At least one of privateKey, password and an agent is needed. */
export interface SshTarget {
  host: string;
  port: number;
  user: string;
  /** Content of an OpenSSH or PEM private key. */
  privateKey?: string | undefined;
  privateKeyPassword?: string | undefined;
  password?: string | undefined;
  /** The only key the host may show, `ssh-ed25519 AAAA...`; undefined: any, the caller decides by `hostKey`. */
  hostKey?: string | undefined;
  /** Default: SSH_AUTH_SOCK. */
  agentSocketPath?: string | undefined;
  /** Bastion through which the host is reached. */
  proxy?: SshTarget | undefined;
}

export interface SshOptions {
  /** Most time for connecting and logging in, in ms; 0: no limit. Default 15 s. */
  timeoutMs?: number;
  /** How long a server that refuses the connection is asked again, in ms. Default 5 s: one that reads its settings anew does not listen for a moment. */
  patienceMs?: number;
  /** Ends the attempt, and later the connection with everything that runs in it. */
  signal?: AbortSignal;
}

export interface RunOptions {
  /** A stream is read as fast as the command takes it. When the stream breaks off, the command sees no end: close the connection. */
  stdin?: string | Readable;
  environment?: Record<string, string>;
  /** Gets standard error line by line, as it comes. */
  onStderr?: (line: string) => void;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** `forbidden`: the SSH server does not let this user do it. Only `unreachable` is worth another try. */
export type SshFault = "unreachable" | "host-key" | "auth" | "key-file" | "cancelled" | "lost" | "forbidden";

/** `code` tells what went wrong. */
export class SshError extends Error {
  constructor(
    readonly code: SshFault,
    message: string,
  ) {
    super(message);
    this.name = "SshError";
  }
}

/** What a command may say: it is kept in memory, and a host that was taken over never ends. */
const LARGEST_ANSWER = 64 * 2 ** 20;
/** The same of standard error, which is progress and reasons: a terminal takes longer for each line than a network. */
const LARGEST_WORDS = 4 * 2 ** 20;

/** A silent peer is given up after this many ms times three. */
const KEEPALIVE = 15_000;

/** RFC 4254, 5.1: why a channel was not opened. */
const ADMINISTRATIVELY_PROHIBITED = 1;

/** A connection that is logged in. */
export class SshConnection {
  /** The fault that ended the connection, if one did. */
  private fault: SshError | undefined;
  /** When the connection has ended, with its fault if one ended it. Never rejects. */
  readonly ended: Promise<SshError | undefined>;

  constructor(
    private readonly client: Client,
    /** The key the host showed, `ssh-ed25519 AAAA...`. */
    readonly hostKey: string,
    private readonly where: string,
    private readonly via: SshConnection | undefined,
    signal: AbortSignal | undefined,
  ) {
    const cancel = () => {
      this.fault ??= new SshError("cancelled", `cancelled while connected to ${where}`);
      this.close();
    };
    signal?.addEventListener("abort", cancel, { once: true });
    client.on("error", (error) => {
      this.fault ??= new SshError("lost", `lost the connection to ${where}: ${error.message}`);
    });
    this.ended = new Promise((resolve) => {
      client.on("close", () => {
        signal?.removeEventListener("abort", cancel);
        resolve(this.fault);
      });
    });
  }

  /** `SHA256:...` of the host key, as ssh-keygen -l prints it. */
  get fingerprint(): string {
    return fingerprintOf(this.hostKey);
  }

  /**
   * Runs a command in the user's shell on the host. A code other than 0 is an answer, not an error.
   * `environment` reaches the command only where the server's AcceptEnv allows it: it does not say so.
   * @throws SshError when the connection is lost, the command says more than memory takes, or ends without an exit code (a signal)
   */
  run(command: string, options: RunOptions = {}): Promise<RunResult> {
    const { stdin = "", onStderr } = options;
    return new Promise((resolve, reject) => {
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let ended: { code: number | null; signal?: string } | undefined;
      const lost = (reason: string) => this.fault ?? new SshError("lost", `${reason} at ${this.where}`);
      const onClose = () => reject(lost("the connection was closed"));
      this.client.once("close", onClose);
      this.attempt(reject, () =>
        this.client.exec(command, { env: options.environment ?? {} }, (error, channel) => {
          if (error) return reject(lost(`the command was not started (${error.message})`));
          const hear = (into: Buffer[], most: number, tell?: (data: Buffer) => void) => {
            let bytes = 0;
            return (data: Buffer) => {
              bytes += data.length;
              if (bytes > most) {
                reject(lost(`the command said more than ${most} bytes`));
                channel.close();
                return;
              }
              into.push(data);
              tell?.(data);
            };
          };
          const lines = onStderr && linesOf(onStderr);
          channel.on("data", hear(out, LARGEST_ANSWER));
          channel.stderr.on("data", hear(err, LARGEST_WORDS, lines?.take));
          channel.on("exit", (code: number | null, signal?: string) => {
            ended = { code, signal };
          });
          // The command may well end before it has read its stdin.
          channel.on("error", () => undefined);
          channel.on("close", () => {
            this.client.off("close", onClose);
            lines?.end();
            if (ended?.signal) return reject(lost(`the command was ended by ${ended.signal}`));
            if (typeof ended?.code !== "number")
              return reject(lost("the command ended without an exit code"));
            const stdout = Buffer.concat(out).toString();
            resolve({ stdout, stderr: Buffer.concat(err).toString(), code: ended.code });
          });
          if (typeof stdin === "string") channel.end(stdin);
          else stdin.pipe(channel);
        }),
      );
    });
  }

  /** Opens the file transfer subsystem. */
  sftp(): Promise<SFTPWrapper> {
    return new Promise((resolve, reject) => {
      this.attempt(reject, () =>
        this.client.sftp((error, sftp) => {
          if (!error) return resolve(sftp);
          reject(this.fault ?? new SshError("lost", `no file transfer with ${this.where}: ${error.message}`));
        }),
      );
    });
  }

  /** Opens a TCP connection from the host on. @throws SshError: `unreachable`, or `forbidden` */
  forward(host: string, port: number): Promise<Duplex> {
    return this.openChannel(endpointOf(host, port), (done) =>
      this.client.forwardOut("127.0.0.1", 0, host, port, done),
    );
  }

  /** Opens a connection to a Unix socket of the host. @throws SshError: `unreachable`, or `forbidden` */
  forwardToSocket(path: string): Promise<Duplex> {
    return this.openChannel(path, (done) => this.client.openssh_forwardOutStreamLocal(path, done));
  }

  /** Whether the host listens for us on a port of its loopback that it chooses; it stops again at once. */
  listens(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.attempt(reject, () =>
        this.client.forwardIn("127.0.0.1", 0, (error, port) => {
          if (error) return resolve(false);
          this.client.unforwardIn("127.0.0.1", port, () => resolve(true));
        }),
      );
    });
  }

  private openChannel(
    to: string,
    start: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.attempt(reject, () =>
        start((error, channel) => {
          if (!error) return resolve(channel);
          const prohibited = "reason" in error && error.reason === ADMINISTRATIVELY_PROHIBITED;
          reject(
            prohibited
              ? new SshError("forbidden", `${this.where} is not allowed to forward to ${to}`)
              : new SshError("unreachable", `${this.where} cannot reach ${to}: ${error.message}`),
          );
        }),
      );
    });
  }

  close(): void {
    this.client.end();
    this.via?.close();
  }

  /** ssh2 throws at once on a connection that is closed already. */
  private attempt(reject: (error: unknown) => void, start: () => void): void {
    try {
      start();
    } catch (error) {
      reject(this.fault ?? new SshError("lost", `not connected to ${this.where}: ${messageOf(error)}`));
    }
  }
}

/**
 * Connects and logs in. Direct, or through `target.proxy`: never through ALL_PROXY, which is for database ports.
 * @throws SshError, its text names host, user and what to do
 */
export async function openSsh(target: SshTarget, options: SshOptions = {}): Promise<SshConnection> {
  const { patienceMs = 5_000, signal } = options;
  const end = Date.now() + patienceMs;
  for (let pauseMs = 50; ; pauseMs *= 2) {
    try {
      return await attemptSsh(target, options);
    } catch (error) {
      const again = error instanceof SshError && error.code === "unreachable" && Date.now() + pauseMs < end;
      if (!again || signal?.aborted) throw error;
      await sleep(pauseMs);
    }
  }
}

async function attemptSsh(target: SshTarget, options: SshOptions): Promise<SshConnection> {
  const { timeoutMs = 15_000, signal } = options;
  const { Client } = await import("ssh2");
  if (signal?.aborted) throw new SshError("cancelled", `cancelled before connecting to ${placeOf(target)}`);
  const pinned = target.hostKey === undefined ? undefined : parseHostKey(target.hostKey, target.host);
  const login = loginOf(target);
  const via = target.proxy && (await attemptSsh(target.proxy, options));
  try {
    const socket = await reach(target, via, timeoutMs);
    const client = new Client();
    return await handshake(
      client,
      target,
      { ...login, sock: socket, readyTimeout: timeoutMs },
      pinned,
      via,
      signal,
    );
  } catch (error) {
    via?.close();
    throw error;
  }
}

async function reach(
  target: SshTarget,
  via: SshConnection | undefined,
  timeoutMs: number,
): Promise<Readable> {
  if (via) return via.forward(target.host, target.port);
  try {
    // An empty proxy, and not an absent one: openSocket would take ALL_PROXY instead.
    return await openSocket({ host: target.host, port: target.port, proxy: "" }, timeoutMs);
  } catch (error) {
    throw new SshError(
      "unreachable",
      `${messageOf(error)}. Is sshd running there, and does its firewall let you in?`,
    );
  }
}

function handshake(
  client: Client,
  target: SshTarget,
  config: ConnectConfig,
  pinned: HostKey | undefined,
  via: SshConnection | undefined,
  signal: AbortSignal | undefined,
): Promise<SshConnection> {
  const where = placeOf(target);
  let shown: HostKey | undefined;
  return new Promise((resolve, reject) => {
    const fail = (error: SshError) => {
      signal?.removeEventListener("abort", cancel);
      client.destroy();
      reject(error);
    };
    const cancel = () => fail(new SshError("cancelled", `cancelled while connecting to ${where}`));
    signal?.addEventListener("abort", cancel, { once: true });
    const onError = (error: Error & { level?: string }) => {
      // A missing or refusing agent is not the end: the other ways to log in follow.
      if (error.level !== "agent") fail(explain(error, target, shown, pinned));
    };
    const onClose = () =>
      fail(new SshError("unreachable", `${where} closed the connection before the login`));
    client.on("error", onError);
    client.on("close", onClose);
    client.on("keyboard-interactive", (_name, _text, _language, prompts, answer) =>
      answer(prompts.map(() => target.password ?? "")),
    );
    client.on("ready", () => {
      signal?.removeEventListener("abort", cancel);
      client.off("error", onError);
      client.off("close", onClose);
      resolve(new SshConnection(client, shown?.text ?? "", where, via, signal));
    });
    try {
      client.connect({
        ...config,
        keepaliveInterval: KEEPALIVE,
        hostVerifier: (blob: Buffer) => {
          shown = hostKeyOf(blob);
          return pinned === undefined || pinned.blob.equals(blob);
        },
        ...(pinned ? { algorithms: { serverHostKey: algorithmsOf(pinned.type) } } : {}),
      });
    } catch (error) {
      const reason = messageOf(error);
      fail(
        /privateKey|passphrase|key/i.test(reason)
          ? new SshError("key-file", `the private key for ${where} cannot be used: ${reason}`)
          : new SshError("unreachable", `cannot connect to ${where}: ${reason}`),
      );
    }
  });
}

function explain(
  error: Error & { level?: string },
  target: SshTarget,
  shown: HostKey | undefined,
  pinned: HostKey | undefined,
): SshError {
  const where = placeOf(target);
  if (pinned && shown && !pinned.blob.equals(shown.blob)) {
    return new SshError(
      "host-key",
      `${where} shows another host key than the pinned one: ${fingerprintOf(shown.text)}, not ` +
        `${fingerprintOf(pinned.text)}. If the machine was replaced, pin its new key; if not, do not connect`,
    );
  }
  if (pinned && /no matching (server )?host key/i.test(error.message)) {
    return new SshError("host-key", `${where} has no ${pinned.type} host key, which is the pinned one`);
  }
  if (error.level === "client-authentication") {
    const tried = waysOf(target).join(", ");
    return new SshError(
      "auth",
      `${where} refuses the login (tried: ${tried}). Is the public key in its authorized_keys?`,
    );
  }
  if (error.level === "client-timeout") return new SshError("unreachable", `${where} did not answer in time`);
  return new SshError("unreachable", `cannot connect to ${where}: ${error.message}`);
}

function loginOf(target: SshTarget): ConnectConfig {
  const ways = waysOf(target);
  if (ways.length === 0) {
    throw new SshError(
      "auth",
      `no way to log in to ${placeOf(target)}: give a private key, or start an agent (SSH_AUTH_SOCK is not set)`,
    );
  }
  return {
    username: target.user,
    privateKey: target.privateKey,
    passphrase: target.privateKeyPassword,
    password: target.password,
    agent: agentOf(target),
    tryKeyboard: target.password !== undefined,
    authHandler: ways,
  };
}

type Way = "publickey" | "agent" | "password" | "keyboard-interactive";

function waysOf(target: SshTarget): Way[] {
  const ways: Way[] = [];
  if (target.privateKey !== undefined) ways.push("publickey");
  if (agentOf(target) !== undefined) ways.push("agent");
  if (target.password !== undefined) ways.push("password", "keyboard-interactive");
  return ways;
}

function agentOf(target: SshTarget): string | undefined {
  return target.agentSocketPath || process.env.SSH_AUTH_SOCK || undefined;
}

interface HostKey {
  type: string;
  blob: Buffer;
  /** `ssh-ed25519 AAAA...` */
  text: string;
}

/** Reads the first field of the blob, which names its type. */
function hostKeyOf(blob: Buffer): HostKey {
  const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1");
  return { type, blob, text: `${type} ${blob.toString("base64")}` };
}

/** An OpenSSH public key, comment allowed. Throws SshError where the text is none. */
export function parseHostKey(text: string, host: string): HostKey {
  const [type, encoded] = text.trim().split(/\s+/);
  const blob = Buffer.from(encoded ?? "", "base64");
  const valid =
    type && blob.length > 8 && 4 + blob.readUInt32BE(0) < blob.length && hostKeyOf(blob).type === type;
  if (valid) return hostKeyOf(blob);
  throw new SshError(
    "host-key",
    `the pinned host key of ${host} is no OpenSSH public key. Use the form "ssh-ed25519 AAAA...", as in ` +
      "/etc/ssh/ssh_host_ed25519_key.pub on the host",
  );
}

/** The signature algorithms that prove a key of this type. An RSA key signs with SHA-2. */
function algorithmsOf(
  type: string,
): ("ssh-ed25519" | "ecdsa-sha2-nistp256" | "rsa-sha2-256" | "rsa-sha2-512")[] {
  if (type === "ssh-rsa") return ["rsa-sha2-512", "rsa-sha2-256"];
  return [type as "ssh-ed25519"];
}

/** `SHA256:...`, as ssh-keygen -l prints it. */
export function fingerprintOf(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function placeOf(target: SshTarget): string {
  return `${target.user}@${target.host}:${target.port}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
