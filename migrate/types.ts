import type { Migration, Script } from "../estate/migrations/types";

/** A row of the database's migration_history. */
export interface AppliedMigration {
  /** `0001_users` */
  id: string;
  version: number;
  name: string;
  /** SHA-256 of the file; while `step` is less than `steps`: of the statements done. */
  checksum: string;
  /** The text of the `down` file as it was. */
  rollbackSql: string;
  /** Statements that are done, of `steps`. */
  step: number;
  steps: number;
  /** Statements of the rollback that are done; null: none was begun. */
  rollbackStep: number | null;
  durationMs: number;
  /** Who ran it, `user@host` of the operator's machine. */
  appliedBy: string;
  /** When it was finished, ISO 8601 in UTC. */
  appliedAt: string;
}

/** What is declared of one migration. Without `migration` it can be compared, but neither applied nor rolled back. */
export interface DeclaredMigration {
  id: string;
  version: number;
  name: string;
  /** SHA-256 of the `up` file. */
  checksum: string;
  migration?: Migration;
}

export type MigrationEvent =
  | { type: "waiting"; database: string }
  | {
      type: "started" | "resumed";
      database: string;
      direction: "up" | "down";
      id: string;
      step: number;
      steps: number;
    }
  | { type: "retried"; database: string; id: string; attempt: number; reason: string }
  | { type: "finished"; database: string; direction: "up" | "down"; id: string; durationMs: number };

export interface RunOptions {
  /** Who runs it. */
  by: string;
  /** Aborted: the statement at hand is finished, or rolled back, and no other is begun. */
  signal: AbortSignal;
  report(event: MigrationEvent): void;
}

/** A message for the user: names database, file, line and what to do. Holds no value of a row. */
export class MigrationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MigrationError";
  }
}

/** The history of one database, and the right to change it, on either engine. */
export interface MigrationStore {
  readonly database: string;
  /** In the order of the versions; undefined: there is no such database. */
  history(): Promise<AppliedMigration[] | undefined>;
  /** Runs `work` while no other run migrates this database; waits for one that does, and reports that it waits. */
  locked<T>(options: RunOptions, work: (session: MigrationSession) => Promise<T>): Promise<T>;
}

export interface MigrationSession {
  history(): Promise<AppliedMigration[]>;
  /** Applies what is left of a migration, from statement `step` on (0: all of it). */
  apply(migration: Migration, step: number): Promise<void>;
  /** Takes an applied migration back, from statement `step` of the script on, and out of the history. */
  rollBack(applied: AppliedMigration, script: Script, step: number): Promise<void>;
  setRollback(version: number, rollbackSql: string): Promise<void>;
}
