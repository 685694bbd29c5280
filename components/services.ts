import type { MigrationSet } from "../estate/migrations/types";
import type { Estate } from "../estate/types";
import { PostgresJobs } from "../provider/resources";
import type { ClientCertificates } from "./client-certificates";
import { ContextKeyring } from "./context-keys";
import type { DatabaseLogin, RedisLogin } from "./logins";
import { MariadbDatabase } from "./mariadb-database";
import { postgresJobs } from "./plans/jobs";
import { PostgresDatabase } from "./postgres-database";
import { RedisUser } from "./redis-user";
import type { Rotation } from "./rotation";
import { type Servers, serverOf } from "./servers";

export interface DatabasesArgs {
  servers: Servers;
  rotation: Pick<Rotation, "generationOf">;
  certificates: ClientCertificates;
  /** By database. */
  migrations: Readonly<Record<string, MigrationSet>>;
}

/** Every database of the catalogue on its server, and the jobs that run in them. */
export function createDatabases(
  estate: Estate,
  { servers, rotation, certificates, migrations: all }: DatabasesArgs,
): DatabaseLogin[] {
  const keyring = new ContextKeyring("context-keys");
  const databases = estate.databases.map((entry): DatabaseLogin => {
    const { name } = entry;
    const generation = rotation.generationOf(name);
    const migrations = all[name];
    const certificate = certificates.of(name);
    if (entry.engine === "mariadb") {
      const server = serverOf(servers.mariadb, entry);
      const database = new MariadbDatabase(name, { entry, server, generation, migrations, certificate });
      return { entry, server, user: database.user, contextKey: undefined, database };
    }
    const server = serverOf(servers.postgres, entry);
    const { rowSecurity: declaration } = entry;
    const rowSecurity = declaration && { declaration, keyring };
    const database = new PostgresDatabase(name, {
      entry,
      server,
      generation,
      migrations,
      rowSecurity,
      certificate,
    });
    return { entry, server, user: database.user, contextKey: database.rowSecurity?.contextKey, database };
  });
  for (const [name, { provider }] of Object.entries(servers.postgres)) {
    const on = databases.filter(({ entry }) => entry.server === name);
    new PostgresJobs(
      `${name}-jobs`,
      { jobs: postgresJobs(on.map(({ entry }) => entry)) },
      { provider, dependsOn: on.map(({ database }) => database) },
    );
  }
  return databases;
}

/** None where the stack has no Redis. */
export function createRedisUsers(
  estate: Estate,
  server: Servers["redis"],
  rotation: Pick<Rotation, "generationOf">,
  certificates: ClientCertificates,
): RedisLogin[] {
  if (!server) return [];
  return estate.redisUsers
    .filter(({ state }) => state === "live")
    .map((entry) => {
      const generation = rotation.generationOf(entry.name);
      const certificate = certificates.redis.of(entry.name);
      const user = new RedisUser(`redis-${entry.name}`, { entry, server, generation, certificate });
      return { entry, server: { ...server.target, port: entry.port }, user };
    });
}
