import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { Client, DatabaseError, escapeIdentifier as ident } from "pg";
import { openSocket } from "../../../connect/socket";
import type { ServerConfig } from "./config";

/** How long an unused connection is kept, in ms: shorter than a server takes to restart. */
const IDLE = 2_000;

/**
 * The server that one provider resource names. Connects when first used, through ALL_PROXY where it is set, as the
 * real plugin does.
 */
export class Server {
  private queue: Promise<unknown> = Promise.resolve();
  private idle: { client: Client; timer: NodeJS.Timeout; drop: () => void } | undefined;
  private readonly slots: Slots;

  constructor(readonly config: ServerConfig) {
    this.slots = new Slots(config.maxConnections || Number.POSITIVE_INFINITY);
  }

  /**
   * Runs `work` on the configured database. One at a time: roles and databases are in catalogues that all databases
   * share, and parallel changes of one row there fail with "tuple concurrently updated".
   */
  admin<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const turn = this.queue.then(() =>
      this.slots.use(async () => {
        const client = await this.takeIdle();
        const result = await work(client).catch(async (error) => {
          await client.end().catch(() => undefined);
          throw error;
        });
        this.keep(client);
        return result;
      }),
    );
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** Like `admin`, in one transaction. */
  adminTransaction<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.admin((client) => inTransaction(client, work));
  }

  /** Runs `work` in one transaction on another database, on a connection of its own. */
  inDatabase<T>(database: string, work: (client: Client) => Promise<T>): Promise<T> {
    return this.slots.use(async () => {
      const client = await this.connect(database);
      try {
        return await inTransaction(client, work);
      } finally {
        await client.end().catch(() => undefined);
      }
    });
  }

  /** Like `inDatabase`; undefined where there is no such database. */
  async readDatabase<T>(database: string, work: (client: Client) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.inDatabase(database, work);
    } catch (error) {
      if (error instanceof Error && error.cause instanceof DatabaseError && error.cause.code === "3D000")
        return undefined;
      throw error;
    }
  }

  /** Waits for what runs, then closes. */
  async close(): Promise<void> {
    await this.queue;
    await this.unkept()
      ?.end()
      .catch(() => undefined);
  }

  private async takeIdle(): Promise<Client> {
    return this.unkept() ?? this.connect(this.config.database);
  }

  private keep(client: Client): void {
    const drop = () => {
      this.unkept();
      client.end().catch(() => undefined);
    };
    this.idle = { client, drop, timer: setTimeout(drop, IDLE) };
    client.once("end", drop);
  }

  private unkept(): Client | undefined {
    if (!this.idle) return undefined;
    const { client, timer, drop } = this.idle;
    clearTimeout(timer);
    client.off("end", drop);
    this.idle = undefined;
    return client;
  }

  private async connect(database: string): Promise<Client> {
    const { host, port, username, password, sslrootcert, sslmode, connectTimeout } = this.config;
    const where = `${username} at PostgreSQL ${host}:${port}, database "${database}"`;
    const socket = await openSocket({ host, port }, connectTimeout * 1000);
    // pg opens the stream it is given; this one is open already.
    const connected = Object.assign(socket, {
      connect: () => {
        process.nextTick(() => socket.emit("connect"));
        return socket;
      },
    });
    const client = new Client({
      host,
      port,
      user: username,
      password,
      database,
      stream: () => connected,
      connectionTimeoutMillis: connectTimeout * 1000,
      application_name: "Pulumi provider",
      ssl: {
        ca: sslrootcert ? readRootCertificate(sslrootcert) : undefined,
        minVersion: "TLSv1.2",
        checkServerIdentity: (_name, certificate) =>
          sslmode === "verify-full" ? tls.checkServerIdentity(host, certificate) : undefined,
      },
    });
    // Without a listener a connection that the server drops while idle would end the process.
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw new Error(`cannot log in as ${where}: ${explain(error)}`, { cause: error });
    }
    return client;
  }
}

/** Lets at most `limit` run at a time; the others wait in order. */
class Slots {
  private readonly waiting: (() => void)[] = [];
  private used = 0;

  constructor(private readonly limit: number) {}

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.used >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.used++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.used--;
    }
  }
}

async function inTransaction<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/**
 * Runs `work` as a member of these roles. An admin that is no superuser must be one to give things to them, so it is
 * made one for as long as `work` runs, where it is not one in any form already (as the real plugin looks at it).
 */
export async function asMemberOf<T>(
  client: Client,
  roles: (string | undefined)[],
  work: () => Promise<T>,
): Promise<T> {
  const wanted = [...new Set(roles.filter((role): role is string => Boolean(role)))];
  const { rows } = await client.query<{ role: string }>(
    `SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolname = ANY($1) AND r.rolname <> current_user
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT EXISTS (SELECT FROM pg_auth_members m
                         WHERE m.roleid = r.oid AND pg_get_userbyid(m.member) = current_user)`,
    [wanted],
  );
  for (const { role } of rows) await client.query(`GRANT ${ident(role)} TO current_user`);
  const revoke = async () => {
    for (const { role } of rows) await client.query(`REVOKE ${ident(role)} FROM current_user`);
  };
  try {
    const result = await work();
    await revoke();
    return result;
  } catch (error) {
    // In a transaction that failed this fails too, and the rollback has undone the grant.
    await revoke().catch(() => undefined);
    throw error;
  }
}

/** The server's text with its SQLSTATE; the server never quotes a password that these statements do not contain. */
export function explain(error: unknown): string {
  if (error instanceof DatabaseError) {
    const extra = [error.detail, error.hint].filter(Boolean).join(". ");
    return `${error.message} (SQLSTATE ${error.code})${extra ? `: ${extra}` : ""}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function readRootCertificate(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(
      `sslrootcert: cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
