import { connectMariadb } from "../../connect/mariadb";
import { openAsService } from "../../connect/postgres-server";
import { connectRedis } from "../../connect/redis";
import { proxyFromEnvironment } from "../../connect/socket";
import type { Connect, Session } from "./check";
import type { Target } from "./targets";

/** Logs in with the project's own clients, through the proxy of this environment. */
export function connectAs(env: NodeJS.ProcessEnv): Connect {
  const proxy = proxyFromEnvironment(env);
  return (target, timeoutMs) => {
    const proxied = { ...target, endpoint: { ...target.endpoint, proxy } };
    return connectors[target.engine](proxied, timeoutMs);
  };
}

const connectors: Record<Target["engine"], Connect> = { mariadb, postgres, redis };

async function mariadb(
  { endpoint, trust, password, clientCertificate, expected }: Target,
  timeoutMs: number,
): Promise<Session> {
  const login = { user: expected.loggedInAs, password, database: expected.database, clientCertificate };
  const connection = await connectMariadb(endpoint, trust, login, timeoutMs);
  return {
    async facts() {
      const server = await connection.serverInfo();
      const [row] = await connection.query<{ account: string; open: string | null }>(
        "SELECT CURRENT_USER() AS account, DATABASE() AS open",
      );
      // user@host: the host part is where the account may come from, and no part of who it is.
      const user = row?.account.replace(/@[^@]*$/, "") ?? "";
      return { ...server, loggedInAs: user, workingAs: user, database: row?.open ?? undefined };
    },
    async ping() {
      await connection.query("SELECT 1");
    },
    close: () => connection.close(),
  };
}

async function postgres(
  { endpoint, trust, password, clientCertificate, expected }: Target,
  timeoutMs: number,
): Promise<Session> {
  // The role that the service works as is its own; what answers is the server's, and nothing that the service put in its place.
  const settings = { search_path: "pg_catalog" };
  const { loggedInAs: user, database } = expected;
  const login = { user, password, database, clientCertificate, settings };
  const connection = await openAsService(endpoint, trust, login, timeoutMs);
  return {
    async facts() {
      const [row] = await connection.query<{ login: string; role: string; open: string }>(
        "SELECT session_user AS login, current_user AS role, current_database() AS open",
      );
      // The service has no rights over its slot (INHERIT FALSE), so the server hides the session's own TLS from it.
      await connection.query("SET ROLE NONE");
      const server = await connection.serverInfo();
      await connection.query("RESET ROLE");
      return { ...server, loggedInAs: row?.login ?? "", workingAs: row?.role ?? "", database: row?.open };
    },
    async ping() {
      await connection.query("SELECT 1");
    },
    close: () => connection.close(),
  };
}

async function redis(
  { endpoint, trust, password, clientCertificate, keyPrefix, expected }: Target,
  timeoutMs: number,
): Promise<Session> {
  const login = { user: expected.loggedInAs, password, clientCertificate };
  const connection = await connectRedis(endpoint, trust, login, timeoutMs);
  return {
    async facts() {
      const server = await connection.serverInfo();
      // ACL WHOAMI is refused to a service; CLIENT INFO tells the same.
      const info = await connection.call("CLIENT", "INFO");
      const user = /(?:^| )user=(\S+)/.exec(String(info))?.[1] ?? "";
      // A login alone does not show that the service may read its own keys.
      await connection.call("EXISTS", `${keyPrefix ?? ""}estate-check`);
      return { ...server, loggedInAs: user, workingAs: user, database: undefined };
    },
    async ping() {
      await connection.call("PING");
    },
    close: () => connection.close(),
  };
}
