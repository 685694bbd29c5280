import * as pulumi from "@pulumi/pulumi";
import { POSTGRES_BACKUP_LOGINS } from "../estate/backup-logins";
import { type EstateProvider, PostgresAccess } from "../provider/resources";
import type { Host } from "./host";
import { postgresAdminSql } from "./plans/admin";
import { postgresGuarded } from "./plans/guarded";
import { PG_IDENT, pgHba } from "./plans/pg-hba";
import { POSTGRES_TLS_DIRECTORY, postgresConfig } from "./plans/postgres-config";
import { BACKUP_CONNECT } from "./plans/privileges";
import { TLS } from "./plans/tls";
import { type AdminLogin, type ProvisionArgs, provisionServer } from "./provision-server";

export interface PostgresServerArgs extends ProvisionArgs {
  /** Connection limits of the services on this server. */
  serviceLimits: readonly number[];
}

/** Locale of the platform's databases, as `locale -a` writes it. */
const LOCALE = "en_US.utf8";

/** A blank Debian host becomes a hardened PostgreSQL server. Errors name the step and the host. */
export class PostgresServer extends pulumi.ComponentResource {
  /** For the postgres kinds of `estate`. */
  readonly provider: EstateProvider;
  /** PEM that clients pin. */
  readonly certificate: pulumi.Output<string>;
  readonly host: string;
  readonly port: number;
  /** Name in the certificate. */
  readonly serverName: string;
  readonly admin: AdminLogin;
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: PostgresServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PostgresServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, reach, serviceLimits } = args;
    const clientCertificates = args.clientAuthorities !== undefined;
    const { host, login, provider } = provisionServer(this, name, args, {
      engine: "postgres",
      package: "postgresql",
      addedPackages: "ls /usr/lib/postgresql | sort -V | tail -1 | sed 's/.*/postgresql-&-cron/'",
      versionCommand: "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1) --version",
      locale: LOCALE,
      clusterOptions: `--data-checksums --encoding=UTF8 --locale=${LOCALE}`,
      tls: TLS.postgres,
      tlsDirectory: POSTGRES_TLS_DIRECTORY,
      owner: "postgres",
      configuration: postgresConfig({ ...server, ...TLS.postgres, serviceLimits, clientCertificates }),
      access: { hba: pgHba(reach), ident: PG_IDENT },
      logins: POSTGRES_BACKUP_LOGINS,
      guarded: postgresGuarded({ ...server, ...TLS.postgres, clientCertificates }),
      variables: { LOCALE },
      adminOf: postgresAdminSql,
    });
    this.provider = provider;
    this.certificate = login.caCertificate;
    this.host = login.host;
    this.port = login.port;
    this.serverName = login.serverName;
    this.admin = login;
    this.machine = host;
    this.hardenMaintenanceDatabases(name);
    this.registerOutputs({ certificate: this.certificate });
  }

  /** PUBLIC may connect to these from the start, so every service could. Roles are dumped from `postgres`. */
  private hardenMaintenanceDatabases(name: string): void {
    for (const database of ["postgres", "template1"]) {
      new PostgresAccess(
        `${name}-${database}-access`,
        { database, grants: database === "postgres" ? BACKUP_CONNECT : {}, defaultGrants: {}, owners: [] },
        { parent: this, provider: this.provider },
      );
    }
  }
}
