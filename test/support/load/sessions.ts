import { connectMariadb, MariadbError } from "../../../connect/mariadb";
import { connectPostgres, PostgresError } from "../../../connect/postgres";
import { connectRedis, RedisError } from "../../../connect/redis";
import type { Target } from "../../../ops/reach/targets";

/** What an application holds in its pool. */
export interface AppSession {
  alive(): boolean;
  /** One query, whose answer is checked: who works, and in which database. Throws. */
  query(): Promise<void>;
  close(): Promise<void>;
}

/** Logs in from the web host, by the proxy of this environment. Throws the clients' own errors. */
export function openSession(target: Target): Promise<AppSession> {
  return opens[target.engine](target);
}

/** The server has said no to the login itself. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof MariadbError) return error.errno === 1045;
  if (error instanceof PostgresError) return error.code === "28P01" || error.code === "28000";
  return error instanceof RedisError && /WRONGPASS/.test(error.message);
}

const opens: Record<Target["engine"], (target: Target) => Promise<AppSession>> = {
  async mariadb({ endpoint, trust, password, clientCertificate, expected: { loggedInAs, database } }) {
    const login = { user: loggedInAs, password, clientCertificate, database };
    const connection = await connectMariadb(endpoint, trust, login);
    return {
      alive: () => connection.alive,
      async query() {
        const [row] = await connection.query<{ who: string; open: string }>(
          "SELECT CURRENT_USER() AS who, DATABASE() AS open",
        );
        const [user] = row?.who.split("@") ?? [];
        if (user !== loggedInAs || row?.open !== database) throw new Error(`${user} works in ${row?.open}`);
      },
      close: () => connection.close(),
    };
  },

  async postgres({ endpoint, trust, password, clientCertificate, expected }) {
    const { loggedInAs, workingAs, database } = expected;
    const login = { user: loggedInAs, password, clientCertificate, database };
    const connection = await connectPostgres(endpoint, trust, login);
    return {
      alive: () => connection.alive,
      async query() {
        const [row] = await connection.query<{ who: string; open: string }>(
          "SELECT current_user AS who, current_database() AS open",
        );
        if (row?.who !== workingAs || row.open !== database)
          throw new Error(`${row?.who} works in ${row?.open}`);
      },
      close: () => connection.close(),
    };
  },

  async redis({ endpoint, trust, password, keyPrefix, expected: { loggedInAs } }) {
    const connection = await connectRedis(endpoint, trust, { user: loggedInAs, password });
    return {
      alive: () => connection.alive,
      async query() {
        const said = await connection.call("SET", `${keyPrefix}estate-load`, "1", "EX", 60);
        if (said !== "OK") throw new Error(`SET said ${said}`);
      },
      close: () => connection.close(),
    };
  },
};
