import * as net from "node:net";
import * as tls from "node:tls";
// Loaded at the first connection: a preview mostly opens none.
import type { AbstractConnector, Redis } from "ioredis";
import { contained, endRedisReplies } from "./contained";
import { type Endpoint, endOfCertificate, OWN_CERTIFICATE_REFUSED, openSocket, type Trust } from "./socket";

export interface RedisLogin {
  /** ACL user; default: `default`. */
  user?: string | undefined;
  password?: string | undefined;
  /** PEM of a private key and its certificate, shown to a server that asks; default: none. */
  clientCertificate?: string | undefined;
}

export type RedisReply = string | number | null | RedisReply[];

/** A refusal by the server. The text never holds a secret (ioredis keeps a command's arguments in its own errors). */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** One connection over verified TLS. */
export class RedisConnection {
  constructor(
    private readonly redis: Redis,
    /** `TLSv1.3` */
    readonly tlsProtocol: string,
    /** End of the certificate the server has shown, `Nov 20 11:15:11 2028 GMT`. */
    readonly certificateNotAfter: string,
  ) {}

  /** false: the server or the network ended it. */
  get alive(): boolean {
    return this.redis.status === "ready";
  }

  /** One command with its arguments; the reply in RESP2 form. Throws RedisError. */
  async call(command: string, ...args: (string | number)[]): Promise<RedisReply> {
    try {
      return (await this.redis.call(command, ...args)) as RedisReply;
    } catch (error) {
      throw new RedisError(error instanceof Error ? error.message : String(error));
    }
  }

  /** Version and protocol. HELLO answers whoever may log in; INFO is refused to most service users. */
  async serverInfo(): Promise<{ version: string; tlsProtocol: string; certificateNotAfter: string }> {
    const { version } = pairs(await this.call("HELLO"));
    const { tlsProtocol, certificateNotAfter } = this;
    return { version: typeof version === "string" ? version : "", tlsProtocol, certificateNotAfter };
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }
}

/**
 * Logs in over TLS. The server's certificate must be signed by (or be) `trust.caCertificate` and carry
 * `trust.serverName`; otherwise nothing is sent. Throws RedisError.
 */
export async function connectRedis(
  endpoint: Endpoint,
  trust: Trust,
  login: RedisLogin,
  timeoutMs = 10_000,
): Promise<RedisConnection> {
  const user = login.user ?? "default";
  const where = `cannot log in as ${user} at Redis ${endpoint.host}:${endpoint.port}`;
  const ioredis = await import("ioredis");
  await endRedisReplies();
  const socket = await openTls(endpoint, trust, login.clientCertificate, where, timeoutMs);
  // A server of TLS 1.3 judges our certificate after the handshake is over for us: its alert comes instead of the first answer.
  let alert = "";
  socket.on("error", ({ message }) => {
    alert = message;
  });
  const redis = new ioredis.Redis({
    Connector: readySocket(ioredis.AbstractConnector, socket),
    lazyConnect: true,
    // Each of these sends commands of its own, which a service user may not be allowed.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
    commandTimeout: timeoutMs,
    // One socket, one login: who holds the connection opens another when this one ends.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // Every failure reaches the caller of the command that met it; without a listener ioredis prints it as well.
  redis.on("error", () => undefined);
  const connection = new RedisConnection(redis, socket.getProtocol() ?? "", endOfCertificate(socket));
  try {
    await redis.connect();
    if (login.password !== undefined) await connection.call("AUTH", user, login.password);
    return connection;
  } catch (error) {
    redis.disconnect();
    const said = alert || (error instanceof Error ? error.message : String(error));
    throw new RedisError(`${where}: ${said}${tlsFix(said, trust.serverName ?? endpoint.host)}`);
  }
}

/** A TLS socket that has been verified: authority and name. */
async function openTls(
  endpoint: Endpoint,
  trust: Trust,
  clientCertificate: string | undefined,
  where: string,
  timeoutMs: number,
): Promise<tls.TLSSocket> {
  const serverName = trust.serverName ?? endpoint.host;
  const raw = await openSocket(endpoint, timeoutMs);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: raw,
      ca: trust.caCertificate,
      ...(clientCertificate !== undefined && { key: clientCertificate, cert: clientCertificate }),
      minVersion: "TLSv1.2",
      servername: net.isIP(serverName) ? undefined : serverName,
      // Named here, for Node derives no name where it is an address.
      checkServerIdentity: (_hostname, certificate) => tls.checkServerIdentity(serverName, certificate),
    });
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new RedisError(`${where}: ${error.message}${tlsFix(error.message, serverName)}`));
    };
    const timer = setTimeout(() => fail(new Error(`no TLS handshake within ${timeoutMs} ms`)), timeoutMs);
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("the server closed the connection during the TLS handshake")));
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("close");
      socket.off("error", fail);
      resolve(contained(socket));
    });
  });
}

function tlsFix(message: string, serverName: string): string {
  if (OWN_CERTIFICATE_MISSING.test(message)) return ". The server lets nobody in without a certificate";
  if (OWN_CERTIFICATE_REFUSED.test(message))
    return ". The server does not take the login's own certificate: it has ended, or its authority is not in tls-ca-cert-file";
  if (/altnames|does not match certificate/i.test(message)) {
    return `. The certificate must carry the name "${serverName}": correct serverName, or issue a new certificate`;
  }
  if (/self.signed|unable to (verify|get)|certificate/i.test(message)) {
    return ". The certificate is not the pinned one nor signed by it: compare caCertificate with the server's certificate";
  }
  return "";
}

/** What TLS 1.3 says where none was shown to a server that lets nobody in without. */
export const OWN_CERTIFICATE_MISSING = /alert certificate required/;

/** ioredis opens its sockets by a connector: this one hands out the socket that is open and verified already. */
function readySocket(
  Connector: typeof AbstractConnector,
  socket: tls.TLSSocket,
): new () => AbstractConnector {
  return class extends Connector {
    constructor() {
      super(2000);
    }
    connect(): Promise<tls.TLSSocket> {
      this.stream = socket;
      return Promise.resolve(socket);
    }
  };
}

/** `[name, value, name, value]`, which Redis answers for a map, by name. */
export function pairs(reply: RedisReply): Record<string, RedisReply> {
  const found: Record<string, RedisReply> = {};
  if (Array.isArray(reply)) {
    for (let at = 0; at + 1 < reply.length; at += 2) found[String(reply[at])] = reply[at + 1] ?? null;
  }
  return found;
}

/** One Redis instance behind one connection, opened at the first use and again when it was lost. */
export class RedisServer {
  private connection: Promise<RedisConnection> | undefined;
  /** Others on the same host, which have the same admin and show the same certificate; by port. */
  private readonly others = new Map<number, RedisServer>();

  constructor(
    readonly endpoint: Endpoint,
    private readonly trust: Trust,
    private readonly login: RedisLogin,
    /** What the login shows at an instance that asks, by port. */
    private readonly clientCertificates: Readonly<Record<string, string>> = {},
  ) {}

  /** The host's instance on that port. */
  at(port: number): RedisServer {
    if (port === this.endpoint.port) return this;
    const known = this.others.get(port);
    if (known) return known;
    const other = new RedisServer(
      { ...this.endpoint, port },
      this.trust,
      this.login,
      this.clientCertificates,
    );
    this.others.set(port, other);
    return other;
  }

  /** Throws RedisError. */
  async call(command: string, ...args: (string | number)[]): Promise<RedisReply> {
    return (await this.connected()).call(command, ...args);
  }

  /** A connection of somebody else's, on its own: the caller closes it. Throws RedisError. */
  openAs(login: RedisLogin): Promise<RedisConnection> {
    return connectRedis(this.endpoint, this.trust, login);
  }

  /** `[8, 0, 2]` */
  async version(): Promise<number[]> {
    const { version } = await (await this.connected()).serverInfo();
    return version.split(".").map(Number);
  }

  async close(): Promise<void> {
    const connection = await this.connection?.catch(() => undefined);
    this.connection = undefined;
    await connection?.close();
    await Promise.all([...this.others.values()].map((other) => other.close()));
  }

  private async connected(): Promise<RedisConnection> {
    const current = await this.connection?.catch(() => undefined);
    if (current?.alive) return current;
    const clientCertificate = this.clientCertificates[this.endpoint.port];
    this.connection = connectRedis(this.endpoint, this.trust, { ...this.login, clientCertificate });
    return this.connection;
  }
}
