import { proxyFromEnvironment } from "../../connect/socket";
import type { MigrationSet } from "../../estate/migrations/types";
import type { DatabaseEntry } from "../../estate/types";
import type { Declared, Prove } from "./check";
import { proveMariadb } from "./mariadb";
import { provePostgres } from "./postgres";
import { proveRedis } from "./redis";

/** Tries with the project's own clients, through the proxy of this environment; the catalogue tells what is whose. */
export function proveAs(
  { databases, redisUsers }: Declared,
  migrationsOf: (entry: DatabaseEntry) => MigrationSet | undefined,
  env: NodeJS.ProcessEnv,
): Prove {
  const proxy = proxyFromEnvironment(env);
  return async (target, timeoutMs) => {
    const proxied = { ...target, endpoint: { ...target.endpoint, proxy } };
    if (target.kind === "redis") {
      const user = redisUsers.find(({ name }) => name === target.name);
      if (user) return proveRedis(proxied, user, redisUsers, timeoutMs);
    }
    const entry = databases.find(({ name }) => name === target.name);
    if (entry?.engine === "postgres") return provePostgres(proxied, entry, databases, timeoutMs);
    if (entry?.engine === "mariadb")
      return proveMariadb(proxied, entry, databases, migrationsOf(entry), timeoutMs);
    throw new Error(`${target.name} is not in the catalogue`);
  };
}
