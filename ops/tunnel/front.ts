import * as net from "node:net";
import type { Duplex } from "node:stream";
import { SshError } from "../../connect/ssh";
import { type DeclaredEndpoint, keyOf } from "./endpoints";
import { type Destination, HandshakeRefusal, hear, REPLY, reply } from "./handshake";

/** Every local user can connect: who has not shown the password in this time is let go. */
const HANDSHAKE_MS = 5_000;
/**
 * More than these wait with their password: the oldest is let go, so that nobody is kept out by connections that say nothing. Pools of
 * many services open at once, and each has to have its turn.
 */
const MOST_WAITING = 500;
/** Refused connections that are logged: a client in a loop must not fill the disk. */
const MOST_LOGGED = 100;

export interface FrontOptions {
  /** On 127.0.0.1. */
  port: number;
  password: string;
  endpoints: readonly DeclaredEndpoint[];
  /** Connects from the web host on. */
  forward(host: string, port: number): Promise<Duplex>;
  log(line: string): void;
}

/**
 * The SOCKS5 server in front of the way in: for those who have the password, and to declared endpoints alone. Resolves when it listens.
 */
export function startFront(options: FrontOptions): Promise<net.Server> {
  const { port, log } = options;
  const allowed = new Map(options.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  const waiting = new Set<net.Socket>();
  let refused = 0;
  const refuse = (reason: string) => {
    refused += 1;
    if (refused <= MOST_LOGGED) log(`refused: ${reason}`);
    if (refused === MOST_LOGGED) log("more that is refused is not told");
  };

  const serve = async (socket: net.Socket): Promise<void> => {
    const destination = await heardInTime(socket, options.password, waiting, refuse);
    if (!destination) return;
    const endpoint = allowed.get(keyOf(destination));
    if (!endpoint) {
      refuse(`${shown(destination)} is not declared in the stack`);
      return leave(socket, reply(REPLY.notAllowed));
    }
    try {
      const channel = await options.forward(endpoint.host, endpoint.port);
      socket.write(reply(REPLY.succeeded));
      join(socket, channel);
    } catch (error) {
      const forbidden = error instanceof SshError && error.code === "forbidden";
      refuse(error instanceof Error ? error.message : String(error));
      leave(socket, reply(forbidden ? REPLY.notAllowed : REPLY.hostUnreachable));
    }
  };

  // A client that has said all may still have something to hear.
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    void serve(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(server));
  });
}

async function heardInTime(
  socket: net.Socket,
  password: string,
  waiting: Set<net.Socket>,
  refuse: (reason: string) => void,
): Promise<Destination | undefined> {
  const [oldest] = waiting;
  if (waiting.size >= MOST_WAITING) oldest?.destroy();
  waiting.add(socket);
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
  try {
    return await hear(socket, password);
  } catch (error) {
    if (!(error instanceof HandshakeRefusal)) throw error;
    refuse(error.message);
    leave(socket, error.answer);
    return undefined;
  } finally {
    clearTimeout(timer);
    waiting.delete(socket);
  }
}

function leave(socket: net.Socket, answer: Uint8Array | undefined): void {
  if (answer) socket.write(answer);
  socket.destroySoon();
}

function join(socket: net.Socket, channel: Duplex): void {
  channel.on("error", () => socket.destroy());
  channel.once("close", () => socket.destroySoon());
  socket.once("close", () => channel.destroy());
  if (socket.destroyed) channel.destroy();
  socket.pipe(channel);
  channel.pipe(socket);
}

/** What a client asked for, fit for a log. */
function shown({ host, port }: Destination): string {
  return `${JSON.stringify(host.slice(0, 100))} port ${port}`;
}
