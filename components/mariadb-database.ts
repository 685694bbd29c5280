import * as pulumi from "@pulumi/pulumi";
import type { MariadbEntry } from "../estate/types";
import * as estate from "../provider/resources";
import type { MariadbTarget } from "./mariadb-server";
import { mariadbGrants } from "./plans/privileges";
import { ServiceUser } from "./service-user";

export interface MariadbDatabaseArgs {
  entry: MariadbEntry;
  server: MariadbTarget;
  /** Password generations that log in, newest first. Default [1]. */
  generations?: readonly number[];
}

/** One MariaDB database with its service account. A retired one keeps its data and loses everybody who could read it. */
export class MariadbDatabase extends pulumi.ComponentResource {
  readonly database: estate.MariadbDatabase;
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
    this.user = live ? this.createUser(name, args) : undefined;
    this.registerOutputs({ login: this.user?.login });
  }

  private createUser(name: string, { entry, server, generations = [1] }: MariadbDatabaseArgs): ServiceUser {
    return new ServiceUser(
      name,
      {
        service: entry.service,
        generations,
        connectionLimit: entry.connectionLimit,
        account: { engine: "mariadb", host: server.accountHost, grants: mariadbGrants(entry) },
      },
      { parent: this, provider: server.provider, dependsOn: [this.database] },
    );
  }
}
