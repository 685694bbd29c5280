import { type PostgresConnection, PostgresError } from "../connect/postgres";
import type { PostgresServer } from "../connect/postgres-server";
import type { Migration, Script } from "../estate/migrations/types";
import { quoteIdentifier } from "../text/postgres";
import { statementFailure } from "./failure";
import { pause, untilFree } from "./lock";
import { checksumAt } from "./plan";
import { HISTORY, readHistory, SCHEMA } from "./postgres-history";
import { dropInvalidIndex } from "./postgres-invalid-index";
import {
  type AppliedMigration,
  MigrationError,
  type MigrationSession,
  type MigrationStore,
  type RunOptions,
} from "./types";

export interface PostgresDatabaseName {
  database: string;
  /** NOLOGIN role that owns the tables; a migration works as it. */
  owner: string;
  /** How long a transaction waits for a lock before it is tried again. Default: 10 s. */
  lockTimeoutMs?: number;
}

/** `migrate` in ASCII; any number would do that nobody else takes. The lock is per database. */
const LOCK_KEY = "30797990180484197";

/** A transaction that waits for a table blocks whoever comes after it, so it gives up soon and is tried again. */
const LOCK_TIMEOUT_MS = 10_000;
const MOST_ATTEMPTS = 5;
const STATEMENT_TIMEOUT = "15min";

const PATH = "public";

/** Whom the session works as, and whether it still holds the run's lock. */
const SESSION = `
SELECT current_user::text AS user,
       EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 1
                 AND (classid::bigint << 32) + objid::bigint = ${LOCK_KEY}) AS locked`;

/** Lock timeout and deadlock: the transaction is rolled back and may be tried again. */
const PASSING = ["55P03", "40P01"];

/** The admin must be a superuser, or a member of the owner that may SET ROLE to it. */
export function postgresStore(server: PostgresServer, target: PostgresDatabaseName): MigrationStore {
  const { database } = target;
  return {
    database,

    async history() {
      try {
        return await server.withConnection(database, readHistory);
      } catch (error) {
        if (error instanceof PostgresError && error.code === "3D000") return undefined;
        throw error;
      }
    },

    locked(options, work) {
      return server.withConnection(database, async (connection) => {
        const tryLock = async () => {
          const [row] = await connection.query<{ got: boolean }>(
            `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS got`,
          );
          return row?.got === true;
        };
        await untilFree(database, tryLock, options);
        try {
          return await work(new PostgresSession(connection, target, options));
        } finally {
          // A session in which files ran serves nobody else. The lock ends with it.
          await connection.close();
        }
      });
    },
  };
}

/** What a file may leave in its session: the next one begins as in a session of its own, but for the lock. */
const FORGET =
  "RESET SESSION AUTHORIZATION; RESET ROLE; CLOSE ALL; UNLISTEN *; DEALLOCATE ALL; DISCARD TEMP; DISCARD SEQUENCES; RESET ALL";

class PostgresSession implements MigrationSession {
  private prepared = false;
  /** Of the admin: who is one comes back from the owner's role by RESET ROLE, which no rule sees in every body. */
  private superuser = false;

  constructor(
    private readonly connection: PostgresConnection,
    private readonly target: PostgresDatabaseName,
    private readonly options: RunOptions,
  ) {}

  history(): Promise<AppliedMigration[]> {
    return readHistory(this.connection);
  }

  async apply(migration: Migration, step: number): Promise<void> {
    await this.prepare();
    const { up } = migration;
    const began = Date.now();
    if (up.transactional) {
      await this.transaction(migration.id, up, async () => {
        for (let at = 0; at < up.statements.length; at++) await this.run(up, at);
        await this.note(migration, up.statements.length, Date.now() - began);
      });
      return;
    }
    await this.asOwner(async () => {
      // Also where a corrected file has nothing left to do.
      if (step === 0 || step === up.statements.length) await this.note(migration, step, 0);
      for (let at = step; at < up.statements.length; at++) {
        this.options.signal.throwIfAborted();
        const begun = Date.now();
        await dropInvalidIndex(this.connection, up.statements[at]?.tokens ?? []);
        await this.run(up, at);
        await this.note(migration, at + 1, Date.now() - begun);
      }
    });
  }

  async rollBack(applied: AppliedMigration, script: Script, step: number): Promise<void> {
    await this.prepare();
    const forget = () =>
      this.asHistorian(script, `DELETE FROM ${HISTORY} WHERE version = $1`, [applied.version]);
    if (script.transactional) {
      await this.transaction(applied.id, script, async () => {
        for (let at = step; at < script.statements.length; at++) await this.run(script, at);
        await forget();
      });
      return;
    }
    await this.asOwner(async () => {
      for (let at = step; at < script.statements.length; at++) {
        this.options.signal.throwIfAborted();
        await this.run(script, at);
        await this.asHistorian(script, `UPDATE ${HISTORY} SET rollback_step = $2 WHERE version = $1`, [
          applied.version,
          at + 1,
        ]);
      }
      await forget();
    });
  }

  async setRollback(version: number, rollbackSql: string): Promise<void> {
    await this.prepare();
    await this.asOwner(() =>
      this.connection.query(`UPDATE ${HISTORY} SET rollback_sql = $2 WHERE version = $1`, [
        version,
        rollbackSql,
      ]),
    );
  }

  /** The history lives in a schema of the owner's own, which no service is granted anything on. */
  private async prepare(): Promise<void> {
    const { connection } = this;
    await connection.query(FORGET);
    if (this.prepared) return;
    const [admin] = await connection.query<{ superuser: boolean }>(
      "SELECT current_setting('is_superuser') = 'on' AS superuser",
    );
    this.superuser = admin?.superuser === true;
    const owner = quoteIdentifier(this.target.owner);
    await connection.transaction(async () => {
      const [schema] = await connection.query<{ owner: string }>(
        `SELECT pg_get_userbyid(nspowner)::text AS owner FROM pg_namespace WHERE nspname = '${SCHEMA}'`,
      );
      if (!schema) await connection.query(`CREATE SCHEMA ${SCHEMA} AUTHORIZATION ${owner}`);
      else if (schema.owner !== this.target.owner) {
        await connection.query(`ALTER SCHEMA ${SCHEMA} OWNER TO ${owner}`);
        await connection.query(`ALTER TABLE IF EXISTS ${HISTORY} OWNER TO ${owner}`);
      }
      await connection.query(`SET LOCAL ROLE ${owner}`);
      // Asked first: CREATE .. IF NOT EXISTS says a notice each time.
      const [table] = await connection.query<{ there: boolean }>(
        `SELECT to_regclass('${HISTORY}') IS NOT NULL AS there`,
      );
      if (table?.there) return;
      await connection.query(`
        CREATE TABLE ${HISTORY} (
          version integer PRIMARY KEY CHECK (version > 0),
          name text NOT NULL,
          checksum text NOT NULL,
          rollback_sql text NOT NULL,
          step integer NOT NULL CHECK (step BETWEEN 0 AND steps),
          steps integer NOT NULL,
          rollback_step integer,
          duration_ms bigint NOT NULL,
          applied_by text NOT NULL,
          applied_at timestamptz NOT NULL
        )`);
    });
    this.prepared = true;
  }

  private async transaction(id: string, script: Script, work: () => Promise<void>): Promise<void> {
    const { connection, options } = this;
    for (let attempt = 1; ; attempt++) {
      let finished = false;
      try {
        await connection.transaction(async () => {
          await connection.query(
            `SET LOCAL ${this.identity()}; SET LOCAL search_path = ${PATH}; ` +
              `SET LOCAL lock_timeout = ${this.target.lockTimeoutMs ?? LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`,
          );
          await work();
          finished = true;
        });
        return;
      } catch (error) {
        if (error instanceof PostgresError && finished) {
          throw new MigrationError(
            `${script.source}: the statements worked and their COMMIT failed: ${error.message}`,
          );
        }
        const refusal = error instanceof RefusedStatement ? error : undefined;
        if (!refusal) throw error;
        if (!PASSING.includes(refusal.code ?? "") || attempt === MOST_ATTEMPTS) throw refusal.failure;
        options.report({
          type: "retried",
          database: this.target.database,
          id,
          attempt,
          reason: refusal.failure.message,
        });
        await pause(200 * 2 ** attempt);
        options.signal.throwIfAborted();
      }
    }
  }

  /** A superuser becomes the owner for good: RESET ROLE in a body leads nowhere else. */
  private identity(): string {
    return `${this.superuser ? "SESSION AUTHORIZATION" : "ROLE"} ${quoteIdentifier(this.target.owner)}`;
  }

  /** Outside a transaction. */
  private async asOwner<T>(work: () => Promise<T>): Promise<T> {
    const { connection } = this;
    await connection.query(`SET ${this.identity()}`);
    await connection.query(`SET search_path = ${PATH}`);
    try {
      return await work();
    } catch (error) {
      throw error instanceof RefusedStatement ? error.failure : error;
    } finally {
      if (connection.alive) await connection.query(FORGET).catch(() => connection.close());
    }
  }

  /**
   * Changes the history, and holds the session against what it was: a body may have made itself somebody else, or given the run's
   * lock away. What a migration created must not be found in place of PostgreSQL's own, and its search_path stays what it is.
   */
  private async asHistorian(script: Script, sql: string, values: (string | number)[]): Promise<void> {
    const { connection, target } = this;
    const change = async () => {
      const [before] = await connection.query<{ path: string }>(
        "SELECT pg_catalog.current_setting('search_path') AS path, pg_catalog.set_config('search_path', 'pg_catalog', true)",
      );
      const [now] = await connection.query<{ user: string; locked: boolean }>(SESSION);
      if (now?.user !== target.owner)
        throw new MigrationError(
          `${script.source}: its statements leave the session as ${now?.user}, and not as ${target.owner}: leave the role as it is`,
        );
      if (!now.locked)
        throw new MigrationError(
          `${script.source}: its statements gave the run's lock away: leave advisory locks alone`,
        );
      await connection.query(sql, values);
      await connection.query("SELECT pg_catalog.set_config('search_path', $1, true)", [before?.path ?? PATH]);
    };
    try {
      await (script.transactional ? change() : connection.transaction(change));
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      throw new MigrationError(
        `${script.source}: its statements worked and the history cannot be written: ${error.message}`,
      );
    }
  }

  private note({ version, name, up, down }: Migration, step: number, durationMs: number): Promise<void> {
    const checksum = checksumAt(up, step);
    return this.asHistorian(
      up,
      `INSERT INTO ${HISTORY} (version, name, checksum, rollback_sql, step, steps, duration_ms, applied_by, applied_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
       ON CONFLICT (version) DO UPDATE SET checksum = excluded.checksum, rollback_sql = excluded.rollback_sql,
         step = excluded.step, steps = excluded.steps, duration_ms = migration_history.duration_ms + excluded.duration_ms,
         applied_by = excluded.applied_by, applied_at = excluded.applied_at`,
      [version, name, checksum, down.text, step, up.statements.length, durationMs, this.options.by],
    );
  }

  private async run(script: Script, at: number): Promise<void> {
    try {
      await this.connection.statement(script.statements[at]?.text ?? "");
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      throw new RefusedStatement(statementFailure(script, at, error), error.code);
    }
  }
}

class RefusedStatement extends Error {
  constructor(
    readonly failure: MigrationError,
    readonly code: string | undefined,
  ) {
    super(failure.message);
  }
}
