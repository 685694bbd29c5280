import type * as pulumi from "@pulumi/pulumi";
import { ServerResource } from "./server";

export interface MigrationFiles {
  /** Text of NNNN_name.up.sql. */
  up: string;
  /** Text of NNNN_name.down.sql. */
  down: string;
}

export interface SqlMigrationsArgs {
  database: pulumi.Input<string>;
  /** PostgreSQL: the NOLOGIN role that a migration works as and that owns what it makes. */
  owner?: pulumi.Input<string>;
  /** By id, `0001_users`; versions go on from 1 without gaps. */
  migrations: pulumi.Input<Record<string, MigrationFiles>>;
}

/** The schema of one database in numbered steps. Kind: kinds/sql-migrations.ts */
export class SqlMigrations extends ServerResource {
  constructor(name: string, args: SqlMigrationsArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:sql:Migrations", name, args, opts);
  }
}
