import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";

/** The server's side of SOCKS5 (RFC 1928) with a password (RFC 1929), CONNECT alone. */

/** The one user of a tunnel; what tells its clients from others is the password. */
export const PROXY_USER = "estate";

const VERSION = 5;
const LOGIN_VERSION = 1;
const PASSWORD_METHOD = 2;
const NO_METHOD = 0xff;
const CONNECT = 1;

/** What CONNECT is answered with. */
export const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  hostUnreachable: 4,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

/** The peer is told so and let go. The text is for the log, and repeats nothing that the peer sent. */
export class HandshakeRefusal extends Error {
  constructor(
    message: string,
    readonly answer: Uint8Array | undefined,
  ) {
    super(message);
  }
}

export interface Destination {
  /** As the peer asked for it: a name, an IPv4 address, or an IPv6 address of eight groups. Not trusted. */
  host: string;
  port: number;
}

/**
 * Hears whoever has connected, as far as what they want to reach. Reads at most 777 bytes; how long it may take is up to the caller.
 * Errors: `HandshakeRefusal`.
 */
export async function hear(socket: Socket, password: string): Promise<Destination> {
  await authenticate(socket, password);
  const [version, command, , type] = await take(socket, 4);
  if (version !== VERSION) throw new HandshakeRefusal("a request of another version", undefined);
  if (command !== CONNECT) {
    throw new HandshakeRefusal("a command other than CONNECT", reply(REPLY.commandNotSupported));
  }
  const host = await takeAddress(socket, type);
  return { host, port: (await take(socket, 2)).readUInt16BE(0) };
}

/** The answer to CONNECT. The address that follows the code is nobody's: it tells nothing here. */
export function reply(code: (typeof REPLY)[keyof typeof REPLY]): Uint8Array {
  return Uint8Array.of(VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0);
}

async function authenticate(socket: Socket, password: string): Promise<void> {
  const [version, count = 0] = await take(socket, 2);
  if (version !== VERSION) throw new HandshakeRefusal("no SOCKS5", undefined);
  const methods = await take(socket, count);
  if (!methods.includes(PASSWORD_METHOD)) {
    throw new HandshakeRefusal("no password", Uint8Array.of(VERSION, NO_METHOD));
  }
  socket.write(Uint8Array.of(VERSION, PASSWORD_METHOD));
  const [loginVersion, userLength = 0] = await take(socket, 2);
  if (loginVersion !== LOGIN_VERSION) throw new HandshakeRefusal("a login of another version", undefined);
  const user = await take(socket, userLength);
  const [passwordLength = 0] = await take(socket, 1);
  const given = await take(socket, passwordLength);
  // Both in every case: the time that it takes tells nothing.
  const right = [same(user, PROXY_USER), same(given, password)].every(Boolean);
  if (!right) throw new HandshakeRefusal("a wrong password", Uint8Array.of(LOGIN_VERSION, 1));
  socket.write(Uint8Array.of(LOGIN_VERSION, 0));
}

function same(given: Buffer, expected: string): boolean {
  const digest = (value: Buffer | string) => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

async function takeAddress(socket: Socket, type: number | undefined): Promise<string> {
  switch (type) {
    case 1:
      return (await take(socket, 4)).join(".");
    case 3: {
      const [length = 0] = await take(socket, 1);
      return (await take(socket, length)).toString("latin1");
    }
    case 4: {
      const bytes = await take(socket, 16);
      return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(2 * group).toString(16)).join(":");
    }
    default:
      throw new HandshakeRefusal("an unknown kind of address", reply(REPLY.addressNotSupported));
  }
}

/** Exactly so many bytes; what follows them stays in the socket. */
function take(socket: Socket, count: number): Promise<Buffer> {
  // The stream would answer "nothing yet" to a read of nothing.
  if (count === 0) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const settle = (bytes: Buffer | undefined) => {
      socket.off("readable", attempt).off("end", gone).off("close", gone);
      if (bytes?.length === count) resolve(bytes);
      else reject(new HandshakeRefusal("an end in the middle of the handshake", undefined));
    };
    const attempt = () => {
      const bytes: Buffer | null = socket.read(count);
      if (bytes !== null) settle(bytes);
    };
    const gone = () => settle(undefined);
    socket.on("readable", attempt).once("end", gone).once("close", gone);
    if (socket.destroyed || socket.readableEnded) gone();
    else attempt();
  });
}
