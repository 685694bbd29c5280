import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../../../connect/postgres-server";

/**
 * Everything that changes catalogues shared by the databases of a server goes through here, one at a time: parallel
 * GRANT, ALTER ROLE and ALTER DEFAULT PRIVILEGES fail with "tuple concurrently updated". Inside a process that is a
 * queue, between processes an advisory lock. Advisory locks are per database, so it is always taken in the same one.
 */

/** `estate` in ASCII; any number would do that nobody else takes. */
const LOCK_KEY = "111550592021605";
const LOCK_PATIENCE_MS = 5 * 60_000;
const MOST_ATTEMPTS = 8;

const queues = new WeakMap<PostgresServer, Promise<unknown>>();

/** Runs `work` when all work before it has ended; its connection is to the maintenance database. */
export function exclusive<T>(
  server: PostgresServer,
  signal: AbortSignal,
  work: (maintenance: PostgresConnection) => Promise<T>,
): Promise<T> {
  const turn = (queues.get(server) ?? Promise.resolve()).then(async () => {
    signal.throwIfAborted();
    return server.withConnection(MAINTENANCE_DATABASE, (connection) => locked(connection, signal, work));
  });
  queues.set(
    server,
    turn.catch(() => undefined),
  );
  return turn;
}

async function locked<T>(
  connection: PostgresConnection,
  signal: AbortSignal,
  work: (maintenance: PostgresConnection) => Promise<T>,
): Promise<T> {
  const giveUp = Date.now() + LOCK_PATIENCE_MS;
  // Asked again and again, not waited for: a waiting statement holds a snapshot, which CREATE INDEX CONCURRENTLY
  // waits for in turn.
  while (!(await tryLock(connection))) {
    signal.throwIfAborted();
    if (Date.now() > giveUp) {
      throw new PostgresError(
        `another run has been changing roles and grants of this server for ${LOCK_PATIENCE_MS / 60_000} minutes: ` +
          `let it end, or end its session (pg_locks, locktype advisory, in database ${MAINTENANCE_DATABASE})`,
      );
    }
    await pause(50 + Math.random() * 100);
  }
  try {
    return await retried(signal, () => work(connection));
  } finally {
    if (connection.alive) await connection.query(`SELECT pg_advisory_unlock(${LOCK_KEY})`);
  }
}

async function tryLock(connection: PostgresConnection): Promise<boolean> {
  const [row] = await connection.query<{ got: boolean }>(`SELECT pg_try_advisory_lock(${LOCK_KEY}) AS got`);
  return row?.got === true;
}

/**
 * Others (the PostgreSQL plugin, a migration, an operator) change the same rows without our lock, or drop a table
 * between our reading and our granting. Each attempt is a whole transaction and reads again.
 */
async function retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS || !isPassing(error)) throw error;
      await pause(Math.min(2_000, 25 * 2 ** attempt) * (0.5 + Math.random()));
    }
  }
}

/** Serialization failure, deadlock, lock timeout, and an object or role that vanished or appeared meanwhile. */
const PASSING = new Set(["40001", "40P01", "55P03", "55006", "42P01", "42883", "23505"]);

function isPassing(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false;
  return /tuple concurrently (updated|deleted)|could not open relation|cache lookup failed/.test(
    error.message,
  )
    ? true
    : PASSING.has(error.code ?? "");
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
