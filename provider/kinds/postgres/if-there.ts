import { PostgresError } from "../../../connect/postgres";

/** What `work` gives; undefined where the database is gone. */
export async function ifThere<T>(database: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PostgresError && error.code === "3D000" && error.message.includes(`"${database}"`))
      return undefined;
    throw error;
  }
}
