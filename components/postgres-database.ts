import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { PostgresEntry } from "../estate/types";
import { PostgresAccess } from "../provider/resources";
import { ADMIN } from "./plans/admin";
import { loginSettings, postgresPrivileges } from "./plans/privileges";
import type { PostgresServer } from "./postgres-server";
import { ServiceUser } from "./service-user";

export interface PostgresDatabaseArgs {
  entry: PostgresEntry;
  server: PostgresServer;
  /** Password generations that log in, newest first. Default [1]. */
  generations?: readonly number[];
}

/**
 * One PostgreSQL database: NOLOGIN owner, service role, extensions, grants, login slots. A retired one belongs to the admin
 * and takes no connection but the admin's (limit 0), who still has to reach it to clear grants and to dump it.
 */
export class PostgresDatabase extends pulumi.ComponentResource {
  readonly database: postgresql.Database;
  /** undefined: retired. */
  readonly user: ServiceUser | undefined;

  constructor(name: string, args: PostgresDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PostgresDatabase", name, { entry: args.entry }, opts);
    const roles = args.entry.state === "live" ? this.createRoles(name, args) : [];
    this.database = this.createDatabase(name, args, roles);
    if (args.entry.state === "live") {
      const extensions = this.createExtensions(name, args);
      this.user = this.createUser(name, args, roles);
      this.createAccess(name, args, [...roles, ...extensions, ...this.user.accounts]);
    }
    this.registerOutputs({ login: this.user?.login });
  }

  /** The owner of the tables, and the service's role where that is another. Nobody logs in as either. */
  private createRoles(name: string, { entry, server }: PostgresDatabaseArgs): postgresql.Role[] {
    const roles = [
      { child: `${name}-owner`, role: entry.owner },
      { child: `${name}-service`, role: entry.service },
    ];
    const distinct = entry.owner === entry.service ? roles.slice(0, 1) : roles;
    return distinct.map(
      ({ child, role }) =>
        new postgresql.Role(
          child,
          { name: role, login: false },
          {
            parent: this,
            provider: server.postgresql,
            hooks: { beforeCreate: [server.interruptedCreate.role] },
          },
        ),
    );
  }

  private createDatabase(
    name: string,
    { entry, server }: PostgresDatabaseArgs,
    roles: pulumi.Resource[],
  ): postgresql.Database {
    const live = entry.state === "live";
    return new postgresql.Database(
      `${name}-database`,
      {
        name: entry.name,
        owner: live ? entry.owner : ADMIN,
        template: "template0",
        encoding: entry.encoding,
        lcCollate: entry.locale,
        lcCtype: entry.locale,
        connectionLimit: live ? entry.databaseConnectionLimit : 0,
        allowConnections: true,
      },
      {
        parent: this,
        provider: server.postgresql,
        dependsOn: roles,
        protect: live,
        retainOnDelete: true,
        hooks: { beforeCreate: [server.interruptedCreate.database] },
      },
    );
  }

  private createExtensions(name: string, { entry, server }: PostgresDatabaseArgs): postgresql.Extension[] {
    return entry.extensions.map(
      (extension) =>
        new postgresql.Extension(
          `${name}-${extension}`,
          { name: extension, database: this.database.name },
          // Columns may be of an extension's types: it stays when its line or the database leaves the catalogue.
          { parent: this, provider: server.postgresql, retainOnDelete: true },
        ),
    );
  }

  private createUser(
    name: string,
    { entry, server, generations = [1] }: PostgresDatabaseArgs,
    roles: pulumi.Resource[],
  ): ServiceUser {
    return new ServiceUser(
      name,
      {
        service: entry.service,
        generations,
        connectionLimit: entry.connectionLimit,
        account: { engine: "postgres", settings: loginSettings(entry.schema.owner) },
      },
      { parent: this, provider: server.provider, dependsOn: roles },
    );
  }

  private createAccess(
    name: string,
    { entry, server, generations = [1] }: PostgresDatabaseArgs,
    dependsOn: pulumi.Resource[],
  ): PostgresAccess {
    return new PostgresAccess(
      `${name}-access`,
      { database: this.database.name, ...postgresPrivileges(entry, generations) },
      { parent: this, provider: server.provider, dependsOn },
    );
  }
}
