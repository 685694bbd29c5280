import {
  connectMariadb,
  type MariadbConnection,
  type MariadbLogin,
  type MariadbRow,
  type MariadbValue,
} from "./mariadb";
import type { Endpoint, Trust } from "./socket";

/** More would only queue inside the server: DDL runs one at a time anyway. */
const POOL_SIZE = 4;

/**
 * One MariaDB server: a small pool of connections and one queue for everything that changes accounts, grants or
 * databases. Opens nothing before the first use. Throws MariadbError.
 */
export class MariadbServer {
  private readonly idle: MariadbConnection[] = [];
  private readonly waiting: (() => void)[] = [];
  private busy = 0;
  private last: Promise<unknown> = Promise.resolve();
  private knownVersion: string | undefined;

  constructor(
    readonly endpoint: Endpoint,
    private readonly trust: Trust,
    private readonly login: MariadbLogin,
  ) {}

  /** One statement on any connection; `?` stand for `values`. For reading; what changes something goes to `exclusive`. */
  query<Row extends MariadbRow = MariadbRow>(sql: string, values?: readonly MariadbValue[]): Promise<Row[]> {
    return this.withConnection((connection) => connection.query<Row>(sql, values));
  }

  /** Runs `work` when all `exclusive` work before it has ended; no other runs beside it. */
  exclusive<T>(work: (connection: MariadbConnection) => Promise<T>): Promise<T> {
    const turn = this.last.then(() => this.withConnection(work));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Runs `work` on a connection of its own that is closed after it: for work that changes the session (USE, locks). */
  session<T>(work: (connection: MariadbConnection) => Promise<T>): Promise<T> {
    return this.withConnection(async (connection) => {
      try {
        return await work(connection);
      } finally {
        await connection.close();
      }
    });
  }

  /** A connection of somebody else's, on its own: the caller closes it. Throws MariadbError. */
  openAs(login: MariadbLogin): Promise<MariadbConnection> {
    return connectMariadb(this.endpoint, this.trust, login);
  }

  /** `[11, 8, 6]`, asked for once. */
  async version(): Promise<number[]> {
    if (this.knownVersion === undefined) {
      const [row] = await this.query<{ version: string }>("SELECT @@version AS version");
      this.knownVersion = row?.version ?? "";
    }
    return (/^\d+(\.\d+)*/.exec(this.knownVersion)?.[0] ?? "0").split(".").map(Number);
  }

  /** Closes the idle connections; those at work close when they are given back. */
  async close(): Promise<void> {
    await Promise.all(this.idle.splice(0).map((connection) => connection.close()));
  }

  private async withConnection<T>(work: (connection: MariadbConnection) => Promise<T>): Promise<T> {
    while (this.busy >= POOL_SIZE) await new Promise<void>((free) => this.waiting.push(free));
    this.busy++;
    let connection: MariadbConnection | undefined;
    try {
      connection = this.takeIdle() ?? (await connectMariadb(this.endpoint, this.trust, this.login));
      return await work(connection);
    } finally {
      this.busy--;
      if (connection) this.idle.push(connection);
      this.waiting.shift()?.();
    }
  }

  /** A connection that ended, at work or while idle (a restarted server), is passed over. */
  private takeIdle(): MariadbConnection | undefined {
    for (let next = this.idle.pop(); next; next = this.idle.pop()) if (next.alive) return next;
    return undefined;
  }
}
