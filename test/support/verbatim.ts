import type { DatabaseError } from "pg";
import { type PostgresConnection, PostgresError } from "../../connect/postgres";

/**
 * The connection, with the server's own words in its errors: for tests of what a database's functions say and of what its details
 * show, which the program itself never passes on.
 */
export function verbatim(connection: PostgresConnection): PostgresConnection {
  const refusal: (error: unknown) => PostgresError = Reflect.get(connection, "refusal");
  Reflect.set(connection, "refusal", (error: DatabaseError) => {
    const { code, position } = refusal.call(connection, error);
    return new PostgresError(error.message, code, error.detail, position);
  });
  return connection;
}
