import type * as net from "node:net";
import * as tls from "node:tls";
// Loaded at the first connection: a preview mostly opens none.
import type * as mysql from "mysql2/promise";
import { contained } from "./contained";
import { lineOfSyntaxError, mariadbWords } from "./mariadb-words";
import { type Endpoint, endOfCertificate, OWN_CERTIFICATE_REFUSED, openSocket, type Trust } from "./socket";

export interface MariadbLogin {
  user: string;
  password?: string | undefined;
  /** Database to open; default: none. */
  database?: string | undefined;
  /** PEM of a private key and its certificate, shown to a server that asks; default: none. */
  clientCertificate?: string | undefined;
}

export type MariadbValue = string | number | null;
export type MariadbRow = Record<string, unknown>;

/**
 * A refusal by the server: `errno` is MariaDB's error number (1045, 1290, ...). The text never holds a secret, nor a value of a row:
 * what the driver says goes through mariadbWords, and nothing else of its error is kept.
 */
export class MariadbError extends Error {
  constructor(
    message: string,
    readonly errno?: number,
    /** Of a syntax error: its line in the statement, from 1. */
    readonly line?: number,
  ) {
    super(message);
    this.name = "MariadbError";
  }
}

/** What mysql2 throws. */
type DriverError = Partial<mysql.QueryError> & { message: string };

/** One connection over verified TLS. */
export class MariadbConnection {
  private dead = false;

  constructor(private readonly inner: mysql.Connection) {
    // Without a listener a connection that the server drops while idle would end the process.
    inner.on("error", () => {
      this.dead = true;
    });
    inner.on("end", () => {
      this.dead = true;
    });
  }

  /** false: the server or the network ended it. */
  get alive(): boolean {
    return !this.dead;
  }

  /** Runs one statement; `?` in it stand for `values`. Rows of a SELECT, none of anything else. Throws MariadbError. */
  async query<Row extends MariadbRow = MariadbRow>(
    sql: string,
    values: readonly MariadbValue[] = [],
  ): Promise<Row[]> {
    try {
      const [rows] = await this.inner.query<mysql.RowDataPacket[]>(sql, [...values]);
      return Array.isArray(rows) ? (rows as unknown as Row[]) : [];
    } catch (error) {
      const said = error as DriverError;
      if (said.fatal) this.dead = true;
      throw new MariadbError(mariadbWords(said), said.errno, lineOfSyntaxError(said));
    }
  }

  /**
   * `version`: `11.8.6-MariaDB-...`; `tlsProtocol`: `TLSv1.3`, as the server sees this very connection;
   * `certificateNotAfter`: end of the certificate it has shown, `Nov 20 11:15:11 2028 GMT`.
   */
  async serverInfo(): Promise<{ version: string; tlsProtocol: string; certificateNotAfter: string }> {
    const [version] = await this.query<{ version: string }>("SELECT @@version AS version");
    const [ssl] = await this.query<{ Value: string }>("SHOW SESSION STATUS LIKE 'Ssl_version'");
    return {
      version: version?.version ?? "",
      tlsProtocol: ssl?.Value ?? "",
      certificateNotAfter: endOfCertificate(socketOf(this.inner)),
    };
  }

  async close(): Promise<void> {
    if (this.dead) return this.inner.destroy();
    this.dead = true;
    await this.inner.end().catch(() => this.inner.destroy());
  }
}

/**
 * Logs in over TLS. The server's certificate must be signed by (or be) `trust.caCertificate` and carry
 * `trust.serverName`; otherwise no login is attempted and nothing is sent. Throws MariadbError.
 */
export async function connectMariadb(
  endpoint: Endpoint,
  trust: Trust,
  login: MariadbLogin,
  timeoutMs = 10_000,
): Promise<MariadbConnection> {
  const serverName = trust.serverName ?? endpoint.host;
  const where = `${login.user} at MariaDB ${endpoint.host}:${endpoint.port}`;
  const { createConnection } = await import("mysql2/promise");
  const socket = verifiedAs(await openSocket(endpoint, timeoutMs), serverName);
  let inner: mysql.Connection;
  try {
    inner = await createConnection({
      stream: socket,
      // mysql2 takes the name to verify from here; the connection itself is `stream`.
      host: serverName,
      user: login.user,
      password: login.password,
      database: login.database,
      connectTimeout: timeoutMs,
      // A fresh object each time: mysql2 resumes TLS sessions by it, and a resumed one is not verified again.
      ssl: {
        ca: trust.caCertificate,
        ...(login.clientCertificate && { key: login.clientCertificate, cert: login.clientCertificate }),
        rejectUnauthorized: true,
        verifyIdentity: true,
        minVersion: "TLSv1.2",
      },
      authPlugins: Object.fromEntries(TELLING.map((name) => [name, refuseToTell(name)])),
      charset: "utf8mb4",
      supportBigNumbers: true,
      multipleStatements: false,
    });
  } catch (error) {
    socket.destroy();
    throw explainConnect(error, where, serverName);
  }
  const connection = new MariadbConnection(inner);
  const fault = identityFault(inner, serverName);
  if (fault) {
    await connection.close();
    throw explainConnect(fault, where, serverName);
  }
  contained(socketOf(inner) as tls.TLSSocket);
  // String literals are written for these modes; a server default of ANSI_QUOTES must not change their meaning.
  await connection.query("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'");
  return connection;
}

/** Ways to log in that hand the server the password itself, over TLS; no account of MariaDB needs one. A server that was taken over asks. */
const TELLING = ["caching_sha2_password", "sha256_password", "mysql_clear_password"];

function refuseToTell(name: string): mysql.AuthPlugin {
  return () => () => {
    throw new Error(`the server asks for the password in clear (${name}), which it is not told`);
  };
}

/**
 * mysql2 hands Node no name to verify where the name is an IP address, and Node then takes the one the socket was
 * looked up by (`_host`), or "localhost".
 */
function verifiedAs(socket: net.Socket, serverName: string): net.Socket {
  return Object.defineProperty(socket, "_host", { value: serverName });
}

function socketOf(connection: mysql.Connection): unknown {
  const { stream } = connection as unknown as { stream: unknown };
  if (stream instanceof tls.TLSSocket) return stream;
  return (connection as unknown as { connection: { stream: unknown } }).connection.stream;
}

/** The same verification once more, independent of what mysql2 and Node made of the name. */
function identityFault(connection: mysql.Connection, serverName: string): Error | undefined {
  const socket = socketOf(connection);
  if (!(socket instanceof tls.TLSSocket)) return new Error("the connection is not encrypted");
  if (!socket.authorized) return socket.authorizationError ?? new Error("the certificate is not trusted");
  return tls.checkServerIdentity(serverName, socket.getPeerCertificate(true));
}

function explainConnect(error: unknown, where: string, serverName: string): MariadbError {
  const said = error as DriverError;
  const fix = connectFix(said.code, said.message, serverName);
  return new MariadbError(
    `cannot log in as ${where}: ${mariadbWords(said)}${fix ? `. ${fix}` : ""}`,
    said.errno,
  );
}

function connectFix(code: string | undefined, message: string, serverName: string): string {
  if (code === "HANDSHAKE_NO_SSL_SUPPORT") return "The server offers no TLS: set ssl_cert and ssl_key there";
  if (/altnames|does not match certificate/i.test(message)) {
    return `The certificate must carry the name "${serverName}": correct serverName, or issue a new certificate`;
  }
  if (OWN_CERTIFICATE_REFUSED.test(message))
    return "The server does not take the login's own certificate: it has ended, or its authority is not in ssl_ca";
  if (/self.signed|unable to (verify|get)|certificate/i.test(message)) {
    return "The certificate is not the pinned one nor signed by it: compare caCertificate with the server's certificate";
  }
  if (code === "ETIMEDOUT")
    return "It took the connection and says nothing: MariaDB does so while its disk is full";
  if (code === "ER_ACCESS_DENIED_ERROR") return "Wrong password, unknown account, or REQUIRE not met";
  return "";
}
