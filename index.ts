import * as pulumi from "@pulumi/pulumi";
import { createBackups } from "./components/backups";
import { ClientCertificates } from "./components/client-certificates";
import { adminOutputs, connectionOutputs, redisConnectionOutputs } from "./components/connections";
import { publishSecrets } from "./components/publish";
import { requirePublishable } from "./components/published-secrets";
import { Rotation, rotatedServers } from "./components/rotation";
import { createServers } from "./components/servers";
import { createDatabases, createRedisUsers } from "./components/services";
import { keepStacksShort } from "./components/short-stacks";
import { wrappingSecrets as createWrappingSecrets } from "./components/wrapping-secrets";
import { FaultyEstate } from "./estate/faults";
import { loadEstate } from "./estate/load";
import { readAllMigrations } from "./estate/migrations/read";
import type { MigrationSet } from "./estate/migrations/types";
import type { Estate } from "./estate/types";
import { CatalogueRoster } from "./provider/resources";

keepStacksShort();

const { estate, migrations } = load();
requirePublishable(estate.config.github);

// A database or a Redis user that vanished from the catalogue stops the run before anything else happens.
const namesOf = (state: "live" | "retired", entries: readonly { name: string; state: string }[]) =>
  entries.filter((entry) => entry.state === state).map((entry) => entry.name);
const entries = [...estate.databases, ...estate.redisUsers];
new CatalogueRoster("catalogue", {
  databases: namesOf("live", entries),
  retired: namesOf("retired", entries),
});

const rotation = new Rotation(estate);
const certificates = new ClientCertificates(estate, (name) => rotation.generationOf(name));
const servers = createServers(estate, certificates);
const databases = createDatabases(estate, { servers, rotation, certificates, migrations });
const redisUsers = createRedisUsers(estate, servers.redis, rotation, certificates);
const published = publishSecrets(estate, servers, databases, redisUsers);

// What the `estate` command reads; the types are in estate/outputs.ts.

/** Where each password's rotation stands. */
export const rotations = rotation.retireFormer(rotatedServers(servers, databases, redisUsers), published);

/** Where backups go, and who may write and read them. */
export const backup = createBackups(estate, servers, databases);

/** How each service reaches its database. */
export const connections = connectionOutputs(databases);

/** How each service reaches Redis. */
export const redis = redisConnectionOutputs(redisUsers);

/** For what only the admin may do. */
export const admins = adminOutputs(servers);

/** What wraps the keys of sealed settings; the service reads it too. */
export const wrappingSecrets = createWrappingSecrets(estate.databases);

/** Faults of catalogue, configuration and migrations are the user's to mend: all of them, and no stack trace. */
function load(): { estate: Estate; migrations: Record<string, MigrationSet> } {
  const config = new pulumi.Config();
  try {
    const estate = loadEstate(pulumi.getStack(), (key) => config.getObject(key));
    return { estate, migrations: readAllMigrations(estate.databases, __dirname) };
  } catch (error) {
    if (error instanceof FaultyEstate) throw new pulumi.RunError(error.message);
    throw error;
  }
}
