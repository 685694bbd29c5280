import type { MariadbConnection } from "../connect/mariadb";
import { idOf } from "../estate/migrations/script";
import type { AppliedMigration } from "./types";

/** In the database itself, so that a dump of it carries its history along. A service has rights on other tables only. */
export const HISTORY = "migration_history";

interface Row {
  [column: string]: unknown;
  version: number;
  name: string;
  checksum: string;
  rollback_sql: string;
  step: number;
  steps: number;
  rollback_step: number | null;
  duration_ms: number;
  applied_by: string;
  applied_at: string;
}

export async function createHistory(connection: MariadbConnection): Promise<void> {
  await connection.query(`
    CREATE TABLE IF NOT EXISTS ${HISTORY} (
      version int unsigned NOT NULL PRIMARY KEY,
      name varchar(64) NOT NULL,
      checksum char(64) CHARACTER SET ascii NOT NULL,
      rollback_sql mediumtext NOT NULL,
      step int unsigned NOT NULL,
      steps int unsigned NOT NULL,
      rollback_step int unsigned NULL,
      duration_ms bigint unsigned NOT NULL,
      applied_by varchar(255) NOT NULL,
      applied_at datetime(3) NOT NULL COMMENT 'UTC'
    ) ENGINE = InnoDB`);
}

/** Of the open database. Empty where nothing was ever migrated. */
export async function readHistory(connection: MariadbConnection): Promise<AppliedMigration[]> {
  const [table] = await connection.query(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
    [HISTORY],
  );
  if (!table) return [];
  const rows = await connection.query<Row>(
    `SELECT version, name, checksum, rollback_sql, step, steps, rollback_step, duration_ms, applied_by,
       DATE_FORMAT(applied_at, '%Y-%m-%dT%H:%i:%sZ') AS applied_at FROM ${HISTORY} ORDER BY version`,
  );
  return rows.map((row) => ({
    id: idOf(row),
    version: row.version,
    name: row.name,
    checksum: row.checksum,
    rollbackSql: row.rollback_sql,
    step: row.step,
    steps: row.steps,
    rollbackStep: row.rollback_step,
    durationMs: Number(row.duration_ms),
    appliedBy: row.applied_by,
    appliedAt: row.applied_at,
  }));
}
