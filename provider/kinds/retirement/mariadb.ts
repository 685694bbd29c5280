import type { MariadbServer } from "../../../connect/mariadb-server";
import { passwordHash, quoteAccount, quoteString } from "../../../text/mariadb";
import { readAlternatives } from "../mariadb/read";
import { type FormerPasswords, notThere } from "./former";

/** Alternatives of an account beside the newest. ALTER USER leaves REQUIRE and limits as they are. */
export function formerOnMariadb(server: MariadbServer, host: string): FormerPasswords {
  return {
    async existing(services) {
      const found = new Set<string>();
      for (const { service } of services) {
        const alternatives = await readAlternatives((sql, values) => server.query(sql, values), {
          user: service,
          host,
        });
        if ((alternatives?.length ?? 0) > 1) found.add(service);
      }
      return found;
    },

    sessions: async () => undefined,

    retire({ service, password }) {
      const account = { user: service, host };
      return server.exclusive(async (connection) => {
        const alternatives = await readAlternatives((sql, values) => connection.query(sql, values), account);
        const newest = passwordHash(password);
        if (!alternatives?.some(({ hash }) => hash === newest)) throw notThere(service);
        if (alternatives.length === 1) return;
        await connection.query(
          `ALTER USER ${quoteAccount(account)} IDENTIFIED VIA mysql_native_password USING ${quoteString(newest)}`,
        );
      });
    },
  };
}
