import * as pulumi from "@pulumi/pulumi";
import type { MigrationSet } from "../estate/migrations/types";
import type { PostgresEntry } from "../estate/types";
import * as estate from "../provider/resources";
import { FIRST_GENERATION, type PasswordGeneration } from "./passwords";
import { ADMIN } from "./plans/admin";
import { migrationFiles } from "./plans/migrations";
import { loginSettings, postgresPrivileges } from "./plans/privileges";
import type { PostgresServer } from "./postgres-server";
import { ServiceUser } from "./service-user";

export interface PostgresDatabaseArgs {
  entry: PostgresEntry;
  server: PostgresServer;
  /** Default: none, its application makes the tables. */
  migrations?: MigrationSet | undefined;
  /** Which password its service is at. Default: the first. */
  generation?: pulumi.Input<PasswordGeneration>;
}

/**
 * One PostgreSQL database: NOLOGIN owner, service role, extensions, grants, login slots. A retired one belongs to the admin
 * and takes no connection but the admin's (limit 0), who still has to reach it to clear grants and to dump it.
 */
export class PostgresDatabase extends pulumi.ComponentResource {
  readonly database: estate.PostgresDatabase;
  /** undefined: its application makes the tables, or it is retired. */
  readonly migrations: estate.SqlMigrations | undefined;
  /** undefined: retired. */
  readonly user: ServiceUser | undefined;

  constructor(name: string, args: PostgresDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PostgresDatabase", name, { entry: args.entry }, opts);
    const roles = args.entry.state === "live" ? this.createRoles(name, args) : [];
    this.database = this.createDatabase(name, args, roles);
    if (args.entry.state === "live") {
      this.migrations = this.createMigrations(name, args);
      this.user = this.createUser(name, args, roles);
      const before = this.migrations ? [this.migrations] : [];
      this.createAccess(name, args, [...roles, ...before, ...this.user.accounts]);
    }
    this.registerOutputs({ login: this.user?.login });
  }

  /** The owner of the tables, and the service's role where that is another. Nobody logs in as either. */
  private createRoles(name: string, { entry, server }: PostgresDatabaseArgs): estate.PostgresRole[] {
    const roles = [
      { child: `${name}-owner`, role: entry.owner },
      { child: `${name}-service`, role: entry.service },
    ];
    const distinct = entry.owner === entry.service ? roles.slice(0, 1) : roles;
    return distinct.map(
      ({ child, role }) =>
        new estate.PostgresRole(child, { name: role }, { parent: this, provider: server.provider }),
    );
  }

  private createDatabase(
    name: string,
    { entry, server }: PostgresDatabaseArgs,
    roles: pulumi.Resource[],
  ): estate.PostgresDatabase {
    const live = entry.state === "live";
    return new estate.PostgresDatabase(
      `${name}-database`,
      {
        name: entry.name,
        owner: live ? entry.owner : ADMIN,
        encoding: entry.encoding,
        locale: entry.locale,
        connectionLimit: live ? entry.databaseConnectionLimit : 0,
        extensions: live ? entry.extensions : [],
      },
      {
        parent: this,
        provider: server.provider,
        dependsOn: roles,
        protect: live,
        retainOnDelete: true,
      },
    );
  }

  private createMigrations(name: string, { entry, server, migrations }: PostgresDatabaseArgs) {
    if (!migrations) return undefined;
    return new estate.SqlMigrations(
      `${name}-migrations`,
      { database: entry.name, owner: entry.owner, migrations: migrationFiles(migrations) },
      { parent: this, provider: server.provider, dependsOn: [this.database] },
    );
  }

  private createUser(
    name: string,
    { entry, server, generation = FIRST_GENERATION }: PostgresDatabaseArgs,
    roles: pulumi.Resource[],
  ): ServiceUser {
    return new ServiceUser(
      name,
      {
        service: entry.service,
        database: entry.name,
        generation,
        connectionLimit: entry.connectionLimit,
        account: { engine: "postgres", settings: loginSettings(entry.schema.owner) },
      },
      { parent: this, provider: server.provider, dependsOn: roles },
    );
  }

  private createAccess(
    name: string,
    { entry, server }: PostgresDatabaseArgs,
    dependsOn: pulumi.Resource[],
  ): estate.PostgresAccess {
    return new estate.PostgresAccess(
      `${name}-access`,
      { database: this.database.name, ...postgresPrivileges(entry) },
      { parent: this, provider: server.provider, dependsOn },
    );
  }
}
