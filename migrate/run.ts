import { parseScript } from "../estate/migrations/script";
import type { Script } from "../estate/migrations/types";
import type { Engine } from "../estate/types";
import { planDown, planMigrations } from "./plan";
import {
  type AppliedMigration,
  type DeclaredMigration,
  MigrationError,
  type MigrationSession,
  type MigrationStore,
  type RunOptions,
} from "./types";

export interface Migrated {
  /** Ids of what this run did, in order. */
  done: string[];
}

/**
 * Applies what is pending, up to version `to` (default: all). A run that fails leaves everything before the failed
 * migration in place, and the next one resumes. Throws MigrationError, MariadbError, PostgresError.
 */
export function migrateUp(
  store: MigrationStore,
  declared: readonly DeclaredMigration[],
  options: RunOptions & { to?: number | undefined },
): Promise<Migrated> {
  const { to = Number.POSITIVE_INFINITY, report } = options;
  const { database } = store;
  return store.locked(options, async (session) => {
    const history = await session.history();
    const plan = planMigrations(declared, history);
    if (plan.faults.length > 0)
      throw new MigrationError(plan.faults.map((fault) => `${database}: ${fault}`).join("\n"));
    await keepRollbacks(session, declared, plan.applied);
    const done: string[] = [];
    for (const { declared: each, step } of plan.pending) {
      if (each.version > to) break;
      if (!each.migration) {
        throw new MigrationError(
          `${database}: ${each.id} is not applied, and this run took it for applied. Run: pulumi refresh, then pulumi up`,
        );
      }
      options.signal.throwIfAborted();
      const { statements } = each.migration.up;
      const steps = statements.length;
      report({ type: step > 0 ? "resumed" : "started", database, direction: "up", id: each.id, step, steps });
      const began = Date.now();
      await session.apply(each.migration, step);
      report({ type: "finished", database, direction: "up", id: each.id, durationMs: Date.now() - began });
      done.push(each.id);
    }
    return { done };
  });
}

/** A corrected `down` file replaces the text that the database keeps. */
async function keepRollbacks(
  session: MigrationSession,
  declared: readonly DeclaredMigration[],
  applied: readonly AppliedMigration[],
): Promise<void> {
  for (const { version, migration } of declared) {
    const row = applied.find((each) => each.version === version);
    if (row && migration && row.rollbackSql !== migration.down.text) {
      await session.setRollback(version, migration.down.text);
    }
  }
}

/**
 * Takes back every migration after version `to`, newest first: with its `down` file, or where the file is gone or its `up`
 * is another one with the text that the database keeps.
 */
export function migrateDown(
  store: MigrationStore,
  engine: Engine,
  declared: readonly DeclaredMigration[],
  options: RunOptions & { to: number },
): Promise<Migrated> {
  const { to, report } = options;
  const { database } = store;
  return store.locked(options, async (session) => {
    const done: string[] = [];
    for (const row of planDown(await session.history(), to)) {
      options.signal.throwIfAborted();
      // The file belongs to what was applied only while its `up` is the same; of one that stopped it may have been corrected.
      const file = declared.find(({ id }) => id === row.id);
      const sameUp = file?.checksum === row.checksum || row.step < row.steps;
      const kept = () => parseScript(row.rollbackSql, engine, `${database}, rollback_sql of ${row.id}`);
      const script = (sameUp ? file?.migration?.down : undefined) ?? kept();
      const step = row.rollbackStep ?? 0;
      if (step > 0 && !sameBeginning(kept(), script, step)) {
        throw new MigrationError(
          `${database}: ${row.id} is half taken back, and the ${step} statements done differ in ${script.source} now: ` +
            "restore them; only what was not done may be corrected",
        );
      }
      if (row.rollbackSql !== script.text) await session.setRollback(row.version, script.text);
      const steps = script.statements.length;
      report({
        type: step > 0 ? "resumed" : "started",
        database,
        direction: "down",
        id: row.id,
        step,
        steps,
      });
      const began = Date.now();
      await session.rollBack(row, script, step);
      report({ type: "finished", database, direction: "down", id: row.id, durationMs: Date.now() - began });
      done.push(row.id);
    }
    return { done };
  });
}

function sameBeginning(one: Script, other: Script, statements: number): boolean {
  const beginning = ({ statements: all }: Script) => all.slice(0, statements).map(({ text }) => text);
  return JSON.stringify(beginning(one)) === JSON.stringify(beginning(other));
}
