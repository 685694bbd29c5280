import { connectPostgres, type PostgresConnection, PostgresError, type PostgresLogin } from "./postgres";
import { NEWER_SETTINGS, PINNED_SETTINGS } from "./postgres-settings";
import type { Endpoint, Trust } from "./socket";

/** The database where everything shared by the databases of a server is changed, and where the lock is held. */
export const MAINTENANCE_DATABASE = "postgres";

/** SQLSTATE of a setting that the server does not have. */
const UNKNOWN_SETTING = "42704";

/** Most time for a statement in a service's session, in ms. */
const SERVICE_STATEMENT_MS = 30_000;

/**
 * A session of ours: it begins with the pinned settings, whatever a database's owner has set there. `server`: what is known of the
 * server from session to session. Throws PostgresError.
 */
export async function openPinned(
  endpoint: Endpoint,
  trust: Trust,
  login: Omit<PostgresLogin, "settings">,
  { timeoutMs, server = { newer: true } }: { timeoutMs?: number; server?: { newer: boolean } } = {},
): Promise<PostgresConnection> {
  const settings = server.newer ? { ...PINNED_SETTINGS, ...NEWER_SETTINGS } : PINNED_SETTINGS;
  try {
    return await connectPostgres(endpoint, trust, { ...login, settings }, timeoutMs);
  } catch (error) {
    if (!server.newer || !(error instanceof PostgresError) || error.code !== UNKNOWN_SETTING) throw error;
    server.newer = false;
    return openPinned(endpoint, trust, login, { ...(timeoutMs && { timeoutMs }), server });
  }
}

/**
 * A session as a service, to see what the service sees: its role and what its database sets are kept, and nothing of it is taken for
 * true that the service could put there. No statement takes longer than half a minute, whatever the service has set. `settings`
 * outrank the service's. Throws PostgresError.
 */
export function openAsService(
  endpoint: Endpoint,
  trust: Trust,
  { settings, ...login }: PostgresLogin,
  timeoutMs?: number,
): Promise<PostgresConnection> {
  const bounded = { statement_timeout: String(SERVICE_STATEMENT_MS), ...settings };
  return connectPostgres(endpoint, trust, { ...login, settings: bounded }, timeoutMs);
}

/** Connections per database. Changes run one at a time, so more would serve reading only. */
const POOL_SIZE = 3;

/** An idle connection is in the way of DROP DATABASE and CREATE DATABASE .. TEMPLATE: it does not stay long. */
const IDLE_MS = 2_000;

interface Pool {
  idle: { connection: PostgresConnection; timer: NodeJS.Timeout }[];
  busy: number;
  waiting: (() => void)[];
}

/** One PostgreSQL server: a small pool for each database. Opens nothing before the first use. Throws PostgresError. */
export class PostgresServer {
  private readonly pools = new Map<string, Pool>();
  /** `newer`: it has not said that it does not know the newer settings. */
  private readonly known = { newer: true };

  constructor(
    readonly endpoint: Endpoint,
    private readonly trust: Trust,
    private readonly login: Pick<PostgresLogin, "user" | "password">,
    /** How long an unused connection is kept, in ms. */
    private readonly idleMs = IDLE_MS,
  ) {}

  /** Runs `work` on a connection to the database that nobody else uses meanwhile. */
  async withConnection<T>(
    database: string,
    work: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    const pool = this.poolOf(database);
    while (pool.busy >= POOL_SIZE) await new Promise<void>((free) => pool.waiting.push(free));
    pool.busy++;
    let connection: PostgresConnection | undefined;
    try {
      connection = takeIdle(pool) ?? (await this.connect(database));
      return await work(connection);
    } finally {
      pool.busy--;
      if (connection) await giveBack(pool, connection, this.idleMs);
      pool.waiting.shift()?.();
    }
  }

  /** A service's session, on its own: the caller closes it. See openAsService. Throws PostgresError. */
  openAs(login: PostgresLogin): Promise<PostgresConnection> {
    return openAsService(this.endpoint, this.trust, login);
  }

  /** Closes the idle connections; those at work close when they are given back. */
  async close(): Promise<void> {
    const idle = [...this.pools.values()].flatMap((pool) => pool.idle.splice(0));
    await Promise.all(
      idle.map(({ connection, timer }) => {
        clearTimeout(timer);
        return connection.close();
      }),
    );
  }

  private connect(database: string): Promise<PostgresConnection> {
    return openPinned(this.endpoint, this.trust, { ...this.login, database }, { server: this.known });
  }

  private poolOf(database: string): Pool {
    let pool = this.pools.get(database);
    if (!pool) {
      pool = { idle: [], busy: 0, waiting: [] };
      this.pools.set(database, pool);
    }
    return pool;
  }
}

/** A server that was restarted ended the idle connections: they are passed over. */
function takeIdle(pool: Pool): PostgresConnection | undefined {
  for (let next = pool.idle.pop(); next; next = pool.idle.pop()) {
    clearTimeout(next.timer);
    if (next.connection.alive) return next.connection;
  }
  return undefined;
}

async function giveBack(pool: Pool, connection: PostgresConnection, idleMs: number): Promise<void> {
  if (!connection.alive) return connection.close();
  // template1 is what new databases are copied from: one idle connection there makes CREATE DATABASE fail.
  if (connection.database === "template1") return connection.close();
  const entry = {
    connection,
    timer: setTimeout(() => {
      pool.idle = pool.idle.filter((other) => other !== entry);
      void connection.close();
    }, idleMs),
  };
  entry.timer.unref();
  pool.idle.push(entry);
}
