import type { EventEmitter } from "node:events";
import type * as net from "node:net";
import * as tls from "node:tls";
// Loaded at the first connection: a preview mostly opens none.
import type { Client, ClientConfig, DatabaseError, QueryConfig } from "pg";
import { contained, endPostgresMessages } from "./contained";
import { postgresDetail, postgresWords } from "./postgres-words";
import { type Endpoint, endOfCertificate, OWN_CERTIFICATE_REFUSED, openSocket, type Trust } from "./socket";

export interface PostgresLogin {
  user: string;
  password?: string | undefined;
  /** Database to open. Default: `postgres`. */
  database?: string | undefined;
  /** Settings of the session from its first statement on, `{ search_path: "pg_catalog" }`. */
  settings?: Record<string, string> | undefined;
  /** PEM of a private key and its certificate, shown to a server that asks; default: none. */
  clientCertificate?: string | undefined;
}

export type PostgresValue = string | number | boolean | null | readonly string[] | readonly number[];
export type PostgresRow = Record<string, unknown>;

/**
 * A refusal by the server or on the way to it: `code` is the SQLSTATE (`28P01`, `3D000`, ...). Never holds a secret, nor a value of
 * a row: what the driver says goes through postgresWords, and nothing else of its error is kept.
 */
export class PostgresError extends Error {
  constructor(
    message: string,
    readonly code?: string,
    /** The server's DETAIL: what a role that cannot be dropped still holds, for one. */
    readonly detail?: string,
    /** Where in the statement, in characters from 1. */
    readonly position?: number,
  ) {
    super(message);
    this.name = "PostgresError";
  }
}

/** One connection over verified TLS. */
export class PostgresConnection {
  private dead = false;

  constructor(
    private readonly inner: Client,
    readonly database: string,
  ) {
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

  /** Runs one statement; `$1`, `$2` stand for `values`. Rows of a SELECT, none of anything else. Throws PostgresError. */
  async query<Row extends PostgresRow = PostgresRow>(
    sql: string,
    values: readonly PostgresValue[] = [],
  ): Promise<Row[]> {
    try {
      return (await this.inner.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw this.refusal(error);
    }
  }

  /** Runs text that was told to be one statement; the server refuses it where it finds a second. Throws PostgresError. */
  async statement(text: string): Promise<void> {
    // Without values pg would send a simple query, which may hold any number of statements. Its types do not know the mode.
    const single: QueryConfig & { queryMode: "extended" } = { text, queryMode: "extended" };
    try {
      await this.inner.query(single);
    } catch (error) {
      throw this.refusal(error);
    }
  }

  private refusal(error: unknown): PostgresError {
    const said = error as Partial<DatabaseError> & { message: string };
    const { code, severity, position } = said;
    if (severity === undefined || severity === "FATAL" || severity === "PANIC") this.dead = true;
    return new PostgresError(
      postgresWords(said),
      code,
      postgresDetail(said),
      position === undefined ? undefined : Number(position),
    );
  }

  /** Runs `work` between BEGIN and COMMIT; rolls back where it throws. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.query("BEGIN");
    try {
      const result = await work();
      await this.query("COMMIT");
      return result;
    } catch (error) {
      if (this.alive) await this.query("ROLLBACK").catch(() => this.destroy());
      throw error;
    }
  }

  /**
   * `version`: `17.6 (Debian 17.6-0+deb13u1)`; `tlsProtocol`: `TLSv1.3`, as the server sees this very connection;
   * `certificateNotAfter`: end of the certificate it has shown, `Nov 20 11:15:11 2028 GMT`.
   */
  async serverInfo(): Promise<{ version: string; tlsProtocol: string; certificateNotAfter: string }> {
    const [row] = await this.query<{ version: string; tls: string | null }>(
      "SELECT current_setting('server_version') AS version, " +
        "(SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls",
    );
    return {
      version: row?.version ?? "",
      tlsProtocol: row?.tls ?? "",
      certificateNotAfter: endOfCertificate(socketOf(this.inner)),
    };
  }

  async close(): Promise<void> {
    if (this.dead) return this.destroy();
    this.dead = true;
    await this.inner.end().catch(() => undefined);
  }

  private destroy(): void {
    this.dead = true;
    socketOf(this.inner)?.destroy();
  }
}

/**
 * Logs in over TLS. The server's certificate must be signed by (or be) `trust.caCertificate` and carry
 * `trust.serverName`; otherwise no login is attempted and nothing but the wish for TLS is sent. Throws PostgresError.
 */
export async function connectPostgres(
  endpoint: Endpoint,
  trust: Trust,
  login: PostgresLogin,
  timeoutMs = 10_000,
): Promise<PostgresConnection> {
  const serverName = trust.serverName ?? endpoint.host;
  const database = login.database ?? "postgres";
  const where = `${login.user} to database ${database} of PostgreSQL ${endpoint.host}:${endpoint.port}`;
  const pg = await import("pg");
  await endPostgresMessages();
  const socket = await openSocket(endpoint, timeoutMs);
  const client = new pg.Client({
    // pg hands this name to the TLS layer; the connection itself is `stream`.
    host: serverName,
    port: endpoint.port,
    user: login.user,
    // Without one pg would search PGPASSWORD and ~/.pgpass.
    password: login.password ?? "",
    database,
    ssl: verifiedTls(trust, serverName, login.clientCertificate),
    stream: () => alreadyConnected(socket),
    connectionTimeoutMillis: timeoutMs,
    application_name: "database-estate",
    options: Object.entries(login.settings ?? {})
      .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, "\\$&")}`)
      .join(" "),
  } satisfies ClientConfig);
  const connection = new PostgresConnection(client, database);
  neverTell(client);
  containSecure(client);
  try {
    await client.connect();
  } catch (error) {
    socket.destroy();
    throw explainConnect(error, where, serverName);
  }
  // A stripped or refused TLS must never go unnoticed, whatever the driver made of it.
  const fault = identityFault(client, serverName);
  if (fault) {
    await connection.close();
    throw explainConnect(fault, where, serverName);
  }
  return connection;
}

/**
 * pg gives a server that asks for it the password itself, or its MD5; ours have SCRAM verifiers, and one that was taken over asks. The
 * first listener ends the connection, and what pg's own then writes goes nowhere.
 */
function neverTell(client: Client): void {
  const { connection } = client as unknown as { connection: EventEmitter & { stream: net.Socket } };
  for (const asked of ["authenticationCleartextPassword", "authenticationMD5Password"]) {
    connection.prependListener(asked, () =>
      connection.stream.destroy(new Error("the server asks for the password itself, which it is not told")),
    );
  }
}

/** From the first byte that came encrypted on. */
function containSecure(client: Client): void {
  const { connection } = client as unknown as { connection: EventEmitter & { stream: net.Socket } };
  connection.once("sslconnect", () => contained(connection.stream));
}

function verifiedTls(trust: Trust, serverName: string, shown: string | undefined): tls.ConnectionOptions {
  return {
    ca: trust.caCertificate,
    ...(shown && { key: shown, cert: shown }),
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
  };
}

/** pg calls `connect` on the stream it is given and waits for the event; this one is connected, through the proxy too. */
function alreadyConnected(socket: net.Socket): net.Socket {
  const announce = () => {
    process.nextTick(() => socket.emit("connect"));
    return socket;
  };
  return Object.defineProperty(socket, "connect", { value: announce });
}

function socketOf(client: Client): net.Socket | undefined {
  return (client as unknown as { connection?: { stream?: net.Socket } }).connection?.stream;
}

function identityFault(client: Client, serverName: string): Error | undefined {
  const socket = socketOf(client);
  if (!(socket instanceof tls.TLSSocket)) return new Error("the connection is not encrypted");
  if (!socket.authorized) return socket.authorizationError ?? new Error("the certificate is not trusted");
  return tls.checkServerIdentity(serverName, socket.getPeerCertificate(true));
}

function explainConnect(error: unknown, where: string, serverName: string): PostgresError {
  const said = error as Partial<DatabaseError> & { message: string };
  const fix = connectFix(said.code, said.message, serverName);
  return new PostgresError(
    `cannot connect ${where}: ${postgresWords(said)}${fix ? `. ${fix}` : ""}`,
    said.code,
  );
}

function connectFix(code: string | undefined, message: string, serverName: string): string {
  if (/does not support SSL/i.test(message)) return "The server offers no TLS: set ssl = on there";
  if (/altnames|does not match certificate/i.test(message)) {
    return `The certificate must carry the name "${serverName}": correct serverName, or issue a new certificate`;
  }
  if (/requires a valid client certificate/.test(message))
    return "The server lets this login in with a certificate of its own alone: give clientCertificate";
  if (OWN_CERTIFICATE_REFUSED.test(message))
    return "The server does not take the login's own certificate: it has ended, or its authority is not in ssl_ca_file";
  if (/self.signed|unable to (verify|get)|certificate/i.test(message)) {
    return "The certificate is not the pinned one nor signed by it: compare caCertificate with the server's certificate";
  }
  if (code === "28P01") return "Wrong password, or no such login";
  if (code === "28000")
    return "The login is switched off, or pg_hba.conf has no hostssl line for it from this address";
  if (code === "53300") return "The connection limit of the login, the database or the server is reached";
  if (code === "42501") return "The login has no CONNECT on the database";
  return "";
}
