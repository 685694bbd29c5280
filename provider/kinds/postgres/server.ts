import type { PostgresServer } from "../../../connect/postgres-server";

/** What the PostgreSQL kinds need of the provider's configuration. */
export interface PostgresConfig {
  postgres?: PostgresServer | undefined;
}

export function serverOf(config: PostgresConfig): PostgresServer {
  if (config.postgres) return config.postgres;
  throw new Error(
    "this provider instance serves no PostgreSQL server: set its `postgres` property, or give the resource the " +
      "instance that has it (option `provider`)",
  );
}
