import { type PostgresConnection, PostgresError } from "../../../connect/postgres";

/** The error of a statement that has to fail; what it did is undone, and a transaction around it goes on. */
export async function refusal(db: PostgresConnection, sql: string): Promise<PostgresError> {
  await db.query("SAVEPOINT attempt");
  try {
    await db.query(sql);
    throw new Error(`it was not refused: ${sql}`);
  } catch (error) {
    if (error instanceof PostgresError) return error;
    throw error;
  } finally {
    await db.query("ROLLBACK TO attempt");
  }
}
