import { MariadbServer } from "../../connect/mariadb-server";
import { PostgresServer } from "../../connect/postgres-server";
import { proxyFromEnvironment } from "../../connect/socket";
import type { AdminOutput, StackOutputs } from "../../estate/outputs";
import type { DatabaseEntry, ServerName } from "../../estate/types";
import { type MigratedDatabase, mariadbDatabase, postgresDatabase } from "../../migrate/scratch";
import { couldNotTell } from "../exit";

/** The admin's way to each database; one pool of connections a server. */
export class MigratedDatabases {
  private readonly postgres = new Map<ServerName, PostgresServer>();
  private readonly mariadb = new Map<ServerName, MariadbServer>();

  constructor(
    private readonly admins: StackOutputs["admins"],
    private readonly stack: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Throws "could not tell" where the stack has no login of the server's admin. */
  of(entry: DatabaseEntry): MigratedDatabase {
    const { name: database, server } = entry;
    if (entry.engine === "mariadb") {
      const open = kept(this.mariadb, server, () => new MariadbServer(...this.login(server)));
      return mariadbDatabase(open, { database });
    }
    const { owner, extensions } = entry;
    const open = kept(this.postgres, server, () => new PostgresServer(...this.login(server)));
    return postgresDatabase(open, { database, owner, extensions });
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.postgres.values(), ...this.mariadb.values()].map((server) => server.close()),
    );
  }

  private login(server: ServerName) {
    const admin = this.admins[server];
    if (!admin) {
      throw couldNotTell(
        `stack ${this.stack} has no login of the admin of ${server} in its outputs. Run: pulumi up --stack ${this.stack}`,
      );
    }
    return loginOf(admin, this.env);
  }
}

function loginOf(
  { host, port, user, password, caCertificate, serverName }: AdminOutput,
  env: NodeJS.ProcessEnv,
) {
  return [
    { host, port, proxy: proxyFromEnvironment(env) },
    { caCertificate, serverName },
    { user, password },
  ] as const;
}

function kept<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
