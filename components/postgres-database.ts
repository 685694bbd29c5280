import * as pulumi from "@pulumi/pulumi";
import type { MigrationSet } from "../estate/migrations/types";
import type { RowSecurityDeclaration } from "../estate/row-security/types";
import type { PostgresEntry } from "../estate/types";
import * as estate from "../provider/resources";
import type { ShownCertificate } from "./client-certificates";
import type { ContextKeyring } from "./context-keys";
import { FIRST_GENERATION, type PasswordGeneration } from "./passwords";
import { ADMIN } from "./plans/admin";
import { migrationFiles } from "./plans/migrations";
import { BACKUP_CONNECT, loginSettings, postgresPrivileges } from "./plans/privileges";
import { takenRoles } from "./plans/row-security";
import type { PostgresServer } from "./postgres-server";
import { RowLevelSecurity } from "./row-level-security";
import { ServiceUser } from "./service-user";

/** Of the backup in a database that nobody else enters: one reads the dump and one counts, and a little room. */
const BACKUP_CONNECTIONS = 4;

export interface PostgresDatabaseArgs {
  entry: PostgresEntry;
  server: PostgresServer;
  /** Default: none, its application makes the tables. */
  migrations?: MigrationSet | undefined;
  /** Default: none, the service sees every row. */
  rowSecurity?: { declaration: RowSecurityDeclaration; keyring: ContextKeyring } | undefined;
  /** Which password its service is at. Default: the first. */
  generation?: pulumi.Input<PasswordGeneration>;
  /** What its service shows beside the password. Default: nothing. */
  certificate?: ShownCertificate | undefined;
}

/**
 * One PostgreSQL database: NOLOGIN owner, service role, extensions, grants, login slots. A retired one belongs to the admin and
 * takes no connection but the admin's and the backup's.
 */
export class PostgresDatabase extends pulumi.ComponentResource {
  readonly database: estate.PostgresDatabase;
  /** undefined: its application makes the tables, or it is retired. */
  readonly migrations: estate.SqlMigrations | undefined;
  /** undefined: the service sees every row, or it is retired. */
  readonly rowSecurity: RowLevelSecurity | undefined;
  /** undefined: retired. */
  readonly user: ServiceUser | undefined;

  constructor(name: string, args: PostgresDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PostgresDatabase", name, { entry: args.entry }, opts);
    const roles = args.entry.state === "live" ? this.createRoles(name, args) : [];
    this.database = this.createDatabase(name, args, roles);
    if (args.entry.state === "live") {
      this.migrations = this.createMigrations(name, args);
      this.user = this.createUser(name, args, roles);
      const before: pulumi.Resource[] = this.migrations ? [this.migrations] : [];
      this.rowSecurity = this.createRowSecurity(name, args, [...roles, ...before]);
      if (this.rowSecurity) before.push(this.rowSecurity.resource);
      this.createAccess(name, args, [...roles, ...before, ...this.user.accounts]);
    } else this.createAccess(name, args, []);
    this.registerOutputs({ login: this.user?.login });
  }

  /** The owner of the tables, and the service's role where that is another. Nobody logs in as either. */
  private createRoles(
    name: string,
    { entry, server, rowSecurity }: PostgresDatabaseArgs,
  ): estate.PostgresRole[] {
    const taken = rowSecurity ? takenRoles(rowSecurity.declaration, entry) : [];
    const roles = [
      { child: `${name}-owner`, role: entry.owner, takes: [] },
      { child: `${name}-service`, role: entry.service, takes: taken },
    ];
    const distinct = entry.owner === entry.service ? roles.slice(0, 1) : roles;
    return distinct.map(
      ({ child, role, takes }) =>
        new estate.PostgresRole(child, { name: role, takes }, { parent: this, provider: server.provider }),
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
        connectionLimit: live ? entry.databaseConnectionLimit : BACKUP_CONNECTIONS,
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
    { entry, server, certificate, generation = FIRST_GENERATION }: PostgresDatabaseArgs,
    roles: pulumi.Resource[],
  ): ServiceUser {
    return new ServiceUser(
      name,
      {
        service: entry.service,
        database: entry.name,
        generation,
        connectionLimit: entry.connectionLimit,
        certificate,
        account: { engine: "postgres", settings: loginSettings(entry.schema.owner) },
      },
      { parent: this, provider: server.provider, dependsOn: roles },
    );
  }

  private createRowSecurity(
    name: string,
    { entry, server, rowSecurity, generation = FIRST_GENERATION }: PostgresDatabaseArgs,
    dependsOn: pulumi.Resource[],
  ): RowLevelSecurity | undefined {
    if (!rowSecurity) return undefined;
    const { declaration, keyring } = rowSecurity;
    return new RowLevelSecurity(
      name,
      { entry, declaration, keys: keyring.keysOf(entry.name, generation) },
      { parent: this, provider: server.provider, dependsOn: [this.database, ...dependsOn] },
    );
  }

  /** After row security: it lets the service in. Into a retired database it lets the backup alone. */
  private createAccess(
    name: string,
    { entry, server, rowSecurity }: PostgresDatabaseArgs,
    dependsOn: pulumi.Resource[],
  ): estate.PostgresAccess {
    return new estate.PostgresAccess(
      `${name}-access`,
      {
        database: this.database.name,
        ...(entry.state === "live"
          ? postgresPrivileges(entry, rowSecurity !== undefined)
          : { owners: [], grants: BACKUP_CONNECT, defaultGrants: {} }),
      },
      { parent: this, provider: server.provider, dependsOn },
    );
  }
}
