import * as pulumi from "@pulumi/pulumi";
import { connectionOutput, redisConnectionOutput } from "./components/connections";
import { MariadbDatabase } from "./components/mariadb-database";
import { PostgresDatabase } from "./components/postgres-database";
import { RedisUser } from "./components/redis-user";
import { createServers } from "./components/servers";
import { keepStacksShort } from "./components/short-stacks";
import { FaultyEstate } from "./estate/faults";
import { loadEstate } from "./estate/load";
import type { ConnectionOutput, RedisConnectionOutput } from "./estate/outputs";
import type { Estate } from "./estate/types";
import { CatalogueRoster } from "./provider/resources";

keepStacksShort();

const estate = load();

// A database that vanished from the catalogue stops the run before anything else happens.
const namesOf = (state: "live" | "retired") =>
  estate.databases.filter((entry) => entry.state === state).map((entry) => entry.name);
new CatalogueRoster("catalogue", { databases: namesOf("live"), retired: namesOf("retired") });

const servers = createServers(estate);

const databases = estate.databases.map((entry) => {
  if (entry.engine === "postgres") {
    const server = servers.postgres;
    return { entry, server, user: new PostgresDatabase(entry.name, { entry, server }).user };
  }
  const server = servers[entry.server];
  return { entry, server, user: new MariadbDatabase(entry.name, { entry, server }).user };
});

/** How each service reaches its database: type `StackOutputs`, read by the `estate` command. */
export const connections: pulumi.Output<Record<string, ConnectionOutput>> = pulumi.secret(
  Object.fromEntries(
    databases
      .flatMap(({ entry, server, user }) =>
        user ? [[entry.name, connectionOutput(entry, server, user)] as const] : [],
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  ),
);

export const redis: pulumi.Output<Record<string, RedisConnectionOutput>> = pulumi.secret(
  Object.fromEntries(
    estate.redisUsers.flatMap((entry) => {
      const server = servers.redis;
      if (!server) return [];
      const user = new RedisUser(`redis-${entry.name}`, { entry, server });
      return [[entry.name, redisConnectionOutput(entry, server, user)] as const];
    }),
  ),
);

/** Faults of catalogue and configuration are the user's to mend: all of them, and no stack trace. */
function load(): Estate {
  const config = new pulumi.Config();
  try {
    return loadEstate(pulumi.getStack(), (key) => config.getObject(key));
  } catch (error) {
    if (error instanceof FaultyEstate) throw new pulumi.RunError(error.message);
    throw error;
  }
}
