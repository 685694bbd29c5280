import type { PostgresConnection } from "../connect/postgres";
import { idOf } from "../estate/migrations/script";
import type { AppliedMigration } from "./types";

export const SCHEMA = "estate";
export const HISTORY = `${SCHEMA}.migration_history`;

interface Row {
  [column: string]: unknown;
  version: number;
  name: string;
  checksum: string;
  rollback_sql: string;
  step: number;
  steps: number;
  rollback_step: number | null;
  duration_ms: string;
  applied_by: string;
  applied_at: string;
}

/** Empty where nothing was ever migrated. */
export async function readHistory(connection: PostgresConnection): Promise<AppliedMigration[]> {
  const [table] = await connection.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('${HISTORY}') IS NOT NULL AS there`,
  );
  if (!table?.there) return [];
  const rows = await connection.query<Row>(
    `SELECT version, name, checksum, rollback_sql, step, steps, rollback_step, duration_ms::text, applied_by,
       pg_catalog.to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied_at
       FROM ${HISTORY} ORDER BY version`,
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
