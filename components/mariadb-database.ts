import * as pulumi from "@pulumi/pulumi";
import type { MigrationSet } from "../estate/migrations/types";
import type { MariadbEntry } from "../estate/types";
import * as estate from "../provider/resources";
import type { ShownCertificate } from "./client-certificates";
import type { MariadbTarget } from "./mariadb-server";
import { FIRST_GENERATION, type PasswordGeneration } from "./passwords";
import { migrationFiles } from "./plans/migrations";
import { mariadbGrants } from "./plans/privileges";
import { ServiceUser } from "./service-user";

export interface MariadbDatabaseArgs {
  entry: MariadbEntry;
  server: MariadbTarget;
  /** Default: none, its application makes the tables. */
  migrations?: MigrationSet | undefined;
  /** Which password its service is at. Default: the first. */
  generation?: pulumi.Input<PasswordGeneration>;
  /** What its service shows beside the password. Default: nothing. */
  certificate?: ShownCertificate | undefined;
}

/** One MariaDB database with its service account. A retired one keeps its data and loses everybody who could read it. */
export class MariadbDatabase extends pulumi.ComponentResource {
  readonly database: estate.MariadbDatabase;
  /** undefined: its application makes the tables, or it is retired. */
  readonly migrations: estate.SqlMigrations | undefined;
  /** undefined: retired. */
  readonly user: ServiceUser | undefined;

  constructor(name: string, args: MariadbDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:MariadbDatabase", name, { entry: args.entry }, opts);
    const { entry, server } = args;
    const live = entry.state === "live";
    this.database = new estate.MariadbDatabase(
      `${name}-database`,
      { name: entry.name, charset: entry.charset, collation: entry.collation },
      { parent: this, provider: server.provider, protect: live, retainOnDelete: true },
    );
    this.migrations = live ? this.createMigrations(name, args) : undefined;
    this.user = live ? this.createUser(name, args) : undefined;
    this.registerOutputs({ login: this.user?.login });
  }

  private createMigrations(name: string, { entry, server, migrations }: MariadbDatabaseArgs) {
    if (!migrations) return undefined;
    return new estate.SqlMigrations(
      `${name}-migrations`,
      { database: entry.name, migrations: migrationFiles(migrations) },
      { parent: this, provider: server.provider, dependsOn: [this.database] },
    );
  }

  private createUser(
    name: string,
    { entry, server, migrations, certificate, generation = FIRST_GENERATION }: MariadbDatabaseArgs,
  ): ServiceUser {
    return new ServiceUser(
      name,
      {
        service: entry.service,
        database: entry.name,
        generation,
        connectionLimit: entry.connectionLimit,
        certificate,
        account: { engine: "mariadb", host: server.accountHost, grants: mariadbGrants(entry, migrations) },
      },
      { parent: this, provider: server.provider, dependsOn: [this.migrations ?? this.database] },
    );
  }
}
