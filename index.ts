import * as pulumi from "@pulumi/pulumi";
import { createBackupBucket } from "./components/backup-bucket";
import { adminOutputs, connectionOutput, redisConnectionOutput } from "./components/connections";
import { ContextKeyring } from "./components/context-keys";
import { MariadbDatabase } from "./components/mariadb-database";
import { postgresJobs } from "./components/plans/jobs";
import { PostgresDatabase } from "./components/postgres-database";
import { publishSecrets } from "./components/publish";
import { requirePublishable } from "./components/published-secrets";
import { RedisUser } from "./components/redis-user";
import { Rotation, rotatedServers } from "./components/rotation";
import { createServers } from "./components/servers";
import { keepStacksShort } from "./components/short-stacks";
import { wrappingSecrets as createWrappingSecrets } from "./components/wrapping-secrets";
import { FaultyEstate } from "./estate/faults";
import { loadEstate } from "./estate/load";
import { readAllMigrations } from "./estate/migrations/read";
import type { MigrationSet } from "./estate/migrations/types";
import type { AdminOutput, ConnectionOutput, RedisConnectionOutput, RotationOutput } from "./estate/outputs";
import { rowSecurityOf } from "./estate/row-security";
import type { Estate } from "./estate/types";
import { CatalogueRoster, PostgresJobs } from "./provider/resources";

keepStacksShort();

const { estate, allMigrations } = load();
requirePublishable(estate.config.github);

// A database that vanished from the catalogue stops the run before anything else happens.
const namesOf = (state: "live" | "retired") =>
  estate.databases.filter((entry) => entry.state === state).map((entry) => entry.name);
new CatalogueRoster("catalogue", { databases: namesOf("live"), retired: namesOf("retired") });

const servers = createServers(estate);

const rotation = new Rotation(estate);
const keyring = new ContextKeyring("context-keys");

const databases = estate.databases.map((entry) => {
  const generation = rotation.generationOf(entry.name);
  const migrations = allMigrations[entry.name];
  if (entry.engine === "postgres") {
    const server = servers.postgres;
    const declaration = rowSecurityOf(entry.name);
    const database = new PostgresDatabase(entry.name, {
      entry,
      server,
      generation,
      migrations,
      rowSecurity: declaration && { declaration, keyring },
    });
    const { user, rowSecurity } = database;
    return { entry, server, user, contextKey: rowSecurity?.contextKey, database };
  }
  const server = servers[entry.server];
  return {
    entry,
    server,
    user: new MariadbDatabase(entry.name, { entry, server, generation, migrations }).user,
  };
});

new PostgresJobs(
  "postgres-jobs",
  { jobs: postgresJobs(estate.databases) },
  {
    provider: servers.postgres.provider,
    dependsOn: databases.flatMap(({ database }) => (database ? [database] : [])),
  },
);

const redisUsers = estate.redisUsers.flatMap((entry) => {
  const server = servers.redis;
  const generation = rotation.generationOf(entry.name);
  return server
    ? [{ entry, server, user: new RedisUser(`redis-${entry.name}`, { entry, server, generation }) }]
    : [];
});

const published = publishSecrets(estate, servers, databases, redisUsers);

/** Where each password's rotation stands; read by the `estate` command. */
export const rotations: pulumi.Output<Record<string, RotationOutput>> = rotation.retireFormer(
  rotatedServers(servers, databases, redisUsers),
  published,
);

/** Where backups go, and who may write and read them: type `BackupOutput`. */
export const backup = createBackupBucket(estate).output;

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
    redisUsers.map(({ entry, server, user }) => [entry.name, redisConnectionOutput(entry, server, user)]),
  ),
);

/** For what only the admin may do; read by the `estate` command. */
export const admins: pulumi.Output<Record<string, AdminOutput>> = pulumi.secret(
  adminOutputs({ plesk: servers.plesk, mariadb: servers.mariadb, postgres: servers.postgres }),
);

/** What wraps the keys of sealed settings; read by the `estate` command and by the service. */
export const wrappingSecrets: pulumi.Output<Record<string, string[]>> = createWrappingSecrets(
  namesOf("live"),
);

/** Faults of catalogue, configuration and migrations are the user's to mend: all of them, and no stack trace. */
function load(): { estate: Estate; allMigrations: Record<string, MigrationSet> } {
  const config = new pulumi.Config();
  try {
    const estate = loadEstate(pulumi.getStack(), (key) => config.getObject(key));
    return { estate, allMigrations: readAllMigrations(estate.databases, __dirname) };
  } catch (error) {
    if (error instanceof FaultyEstate) throw new pulumi.RunError(error.message);
    throw error;
  }
}
