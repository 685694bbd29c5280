import { MAINTENANCE_DATABASE, type PostgresServer } from "../../../connect/postgres-server";
import { loginSlots } from "../../../estate/naming";
import { quoteIdentifier } from "../../../text/postgres";
import { exclusive } from "../postgres/queue";
import { type FormerPasswords, type Newest, notThere } from "./former";

/** The slot that is not the newest password's. pg_stat_activity tells who is still there. */
export function formerOnPostgres(server: PostgresServer): FormerPasswords {
  const query = <Row extends Record<string, unknown>>(sql: string, values: readonly string[][]) =>
    server.withConnection(MAINTENANCE_DATABASE, (connection) => connection.query<Row>(sql, values));
  const open = async (roles: readonly string[]) => {
    const sql = "SELECT rolname AS role FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname = ANY($1)";
    return new Set((await query<{ role: string }>(sql, [[...roles]])).map(({ role }) => role));
  };
  return {
    async existing(services) {
      const found = await open(services.map(otherSlot));
      return new Set(services.filter((each) => found.has(otherSlot(each))).map(({ service }) => service));
    },

    async sessions(service) {
      const sql = "SELECT count(*)::int AS open FROM pg_catalog.pg_stat_activity WHERE usename = ANY($1)";
      const [row] = await query<{ open: number }>(sql, [[otherSlot(service)]]);
      return row?.open ?? 0;
    },

    async retire(newest, signal) {
      if (!(await open([newest.login])).has(newest.login)) throw notThere(newest.service);
      await exclusive(server, signal, (connection) =>
        connection.query(`ALTER ROLE ${quoteIdentifier(otherSlot(newest))} WITH NOLOGIN PASSWORD NULL`),
      );
    },
  };
}

function otherSlot({ service, login }: Newest): string {
  const [a, b] = loginSlots(service);
  return login === a ? b : a;
}
