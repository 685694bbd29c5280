import { type MariadbConnection, MariadbError } from "../connect/mariadb";
import type { MariadbServer } from "../connect/mariadb-server";
import type { Migration, Script } from "../estate/migrations/types";
import { statementFailure } from "./failure";
import { pause, untilFree } from "./lock";
import { createHistory, HISTORY, readHistory } from "./mariadb-history";
import { checksumAt } from "./plan";
import type { AppliedMigration, MigrationSession, MigrationStore, RunOptions } from "./types";

const LOCK_WAIT_S = 10;
const MOST_ATTEMPTS = 5;
const STATEMENT_S = 15 * 60;

/** 1205: a lock was waited for too long, 1213: deadlock. */
const PASSING = [1205, 1213];
const NO_SUCH_DATABASE = 1049;

/** DDL commits at once, so each statement is a step; INSERT, UPDATE and DELETE commit together with the note of theirs. */
export function mariadbStore(server: MariadbServer, database: string): MigrationStore {
  return {
    database,

    history: () =>
      server.session(async (connection) =>
        (await use(connection, database)) ? readHistory(connection) : undefined,
      ),

    locked: (options, work) =>
      server.session(async (connection) => {
        if (!(await use(connection, database)))
          throw new MariadbError(`there is no database ${database}`, NO_SUCH_DATABASE);
        // A lock's name has at most 64 characters, and so has a database's.
        const tryLock = async () => {
          const [row] = await connection.query<{ got: number | null }>(
            "SELECT GET_LOCK(CONCAT('migrate ', LEFT(MD5(?), 32)), 0) AS got",
            [database],
          );
          return Number(row?.got) === 1;
        };
        await untilFree(database, tryLock, options);
        await connection.query(
          `SET SESSION lock_wait_timeout = ${LOCK_WAIT_S}, innodb_lock_wait_timeout = ${LOCK_WAIT_S}, ` +
            `max_statement_time = ${STATEMENT_S}, autocommit = 0`,
        );
        // The lock ends with the session.
        return work(new MariadbSession(connection, database, options));
      }),
  };
}

async function use(connection: MariadbConnection, database: string): Promise<boolean> {
  try {
    await connection.query(`USE \`${database.replaceAll("`", "``")}\``);
    return true;
  } catch (error) {
    if (error instanceof MariadbError && error.errno === NO_SUCH_DATABASE) return false;
    throw error;
  }
}

class MariadbSession implements MigrationSession {
  private prepared = false;

  constructor(
    private readonly connection: MariadbConnection,
    private readonly database: string,
    private readonly options: RunOptions,
  ) {}

  history(): Promise<AppliedMigration[]> {
    return readHistory(this.connection);
  }

  async apply(migration: Migration, step: number): Promise<void> {
    await this.prepare();
    // Also where a corrected file has nothing left to do.
    if (step === 0 || step === migration.up.statements.length) await this.note(migration, step, 0);
    for (let at = step; at < migration.up.statements.length; at++) {
      this.options.signal.throwIfAborted();
      const began = Date.now();
      await this.run(migration.id, migration.up, at, () => this.note(migration, at + 1, Date.now() - began));
    }
  }

  async rollBack({ id, version }: AppliedMigration, script: Script, step: number): Promise<void> {
    const { connection } = this;
    for (let at = step; at < script.statements.length; at++) {
      this.options.signal.throwIfAborted();
      await this.run(id, script, at, async () => {
        await connection.query(`UPDATE ${HISTORY} SET rollback_step = ? WHERE version = ?`, [
          at + 1,
          version,
        ]);
        await connection.query("COMMIT");
      });
    }
    await connection.query(`DELETE FROM ${HISTORY} WHERE version = ?`, [version]);
    await connection.query("COMMIT");
  }

  async setRollback(version: number, rollbackSql: string): Promise<void> {
    await this.connection.query(`UPDATE ${HISTORY} SET rollback_sql = ? WHERE version = ?`, [
      rollbackSql,
      version,
    ]);
    await this.connection.query("COMMIT");
  }

  private async prepare(): Promise<void> {
    if (this.prepared) return;
    await createHistory(this.connection);
    this.prepared = true;
  }

  private async note(
    { version, name, up, down }: Migration,
    step: number,
    durationMs: number,
  ): Promise<void> {
    await this.connection.query(
      `INSERT INTO ${HISTORY} (version, name, checksum, rollback_sql, step, steps, duration_ms, applied_by, applied_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
       ON DUPLICATE KEY UPDATE checksum = VALUES(checksum), rollback_sql = VALUES(rollback_sql), step = VALUES(step),
         steps = VALUES(steps), duration_ms = duration_ms + VALUES(duration_ms), applied_by = VALUES(applied_by),
         applied_at = VALUES(applied_at)`,
      [
        version,
        name,
        checksumAt(up, step),
        down.text,
        step,
        up.statements.length,
        durationMs,
        this.options.by,
      ],
    );
    await this.connection.query("COMMIT");
  }

  /** One statement and the note that it is done. */
  private async run(id: string, script: Script, at: number, done: () => Promise<void>): Promise<void> {
    const { connection, options } = this;
    for (let attempt = 1; ; attempt++) {
      try {
        await connection.query(script.statements[at]?.text ?? "");
        break;
      } catch (error) {
        if (!(error instanceof MariadbError)) throw error;
        const failure = statementFailure(script, at, withLength(error, script.statements[at]?.text ?? ""));
        if (connection.alive) await connection.query("ROLLBACK").catch(() => connection.close());
        if (!PASSING.includes(error.errno ?? 0) || attempt === MOST_ATTEMPTS) throw failure;
        options.report({ type: "retried", database: this.database, id, attempt, reason: failure.message });
        await pause(200 * 2 ** attempt);
        options.signal.throwIfAborted();
      }
    }
    try {
      await done();
    } catch (error) {
      if (!(error instanceof MariadbError)) throw error;
      if (connection.alive) await connection.query("ROLLBACK").catch(() => connection.close());
      throw statementFailure(script, at, {
        message: `it worked, and the history cannot be written: ${error.message}`,
      });
    }
  }
}

const LONG_BYTES = 1 << 20;

/** A statement that is longer than the server takes ends the connection, and no word of it comes back. */
function withLength(error: MariadbError, text: string): { message: string; line?: number | undefined } {
  const bytes = Buffer.byteLength(text);
  if (error.errno !== undefined || bytes < LONG_BYTES) return error;
  return { message: `${error.message} (${bytes} bytes long: more than the server's max_allowed_packet?)` };
}
