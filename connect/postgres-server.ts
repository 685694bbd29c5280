import { connectPostgres, type PostgresConnection, type PostgresLogin } from "./postgres";
import type { Endpoint, Trust } from "./socket";

/** The database where everything shared by the databases of a server is changed, and where the lock is held. */
export const MAINTENANCE_DATABASE = "postgres";

/** Connections per database. Changes run one at a time, so more would serve reading only. */
const POOL_SIZE = 3;

/**
 * The admin works in databases where others may create functions: with their schemas on the search path, a function or
 * operator of theirs could be called in place of PostgreSQL's own, with the admin's rights. Every name is qualified.
 */
const SETTINGS = { search_path: "pg_catalog" };

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

  /** A connection of somebody else's, on its own: the caller closes it. Throws PostgresError. */
  openAs(login: PostgresLogin): Promise<PostgresConnection> {
    return connectPostgres(this.endpoint, this.trust, login);
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
    return connectPostgres(this.endpoint, this.trust, { ...this.login, database, settings: SETTINGS });
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
