import { connectMariadb } from "../../../connect/mariadb";
import { openAsService } from "../../../connect/postgres-server";
import { proxyFromEnvironment } from "../../../connect/socket";
import type { StackOutputs } from "../../../estate/outputs";
import type { DatabaseEntry } from "../../../estate/types";

/** Runs statements as the service user of a database, by its own login, as its application does. Throws what the server says. */
export type AsService = (entry: DatabaseEntry, statements: readonly string[]) => Promise<void>;

/** With the logins of the stack's outputs, through the tunnel of this environment. */
export function asServices(connections: StackOutputs["connections"], env: NodeJS.ProcessEnv): AsService {
  const proxy = proxyFromEnvironment(env);
  return async ({ name }, statements) => {
    const login = connections[name];
    if (!login) throw new Error(`${name} has no login in the stack's outputs`);
    const { host, port, caCertificate, serverName, user, password, database, clientCertificate } = login;
    const connect = login.engine === "mariadb" ? connectMariadb : openAsService;
    const trust = { caCertificate, serverName };
    const connection = await connect({ host, port, proxy }, trust, {
      user,
      password,
      database,
      clientCertificate,
    });
    try {
      for (const statement of statements) await connection.query(statement);
    } finally {
      await connection.close();
    }
  };
}
