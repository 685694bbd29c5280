import * as pulumi from "@pulumi/pulumi";
import { MARIADB_BACKUP_LOGINS } from "../estate/backup-logins";
import { databaseSource } from "../estate/reachability";
import type { EstateProvider } from "../provider/resources";
import type { Host } from "./host";
import { ADMIN, mariadbAdminSql } from "./plans/admin";
import { mariadbGuarded } from "./plans/guarded";
import { MARIADB_TLS_DIRECTORY, mariadbConfig } from "./plans/mariadb-config";
import { TLS } from "./plans/tls";
import { type AdminLogin, type ProvisionArgs, provisionServer } from "./provision-server";

export interface MariadbServerArgs extends ProvisionArgs {
  /** Connection limits of the services on this server. */
  serviceLimits: readonly number[];
}

/** A MariaDB server as its databases see it. */
export interface MariadbTarget {
  /** For the mariadb kinds of `estate`. */
  readonly provider: EstateProvider;
  /** PEM that clients pin. */
  readonly certificate: pulumi.Output<string>;
  /** Host part of the service accounts. */
  readonly accountHost: string;
  readonly host: string;
  readonly port: number;
  /** Name in the certificate. */
  readonly serverName: string;
}

/** A blank Debian host becomes a hardened MariaDB server. Errors name the step and the host. */
export class MariadbServer extends pulumi.ComponentResource implements MariadbTarget {
  readonly provider: EstateProvider;
  readonly certificate: pulumi.Output<string>;
  readonly accountHost: string;
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly admin: AdminLogin;
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: MariadbServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:MariadbServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, reach, serviceLimits } = args;
    const clientCertificates = args.clientAuthorities !== undefined;
    // The admin too comes from the web host alone.
    const accountHost = databaseSource(reach);
    const { host, login, provider } = provisionServer(this, name, args, {
      engine: "mariadb",
      package: "mariadb-server",
      versionCommand: "mariadbd --version | sed 's/.*Ver //'",
      tls: TLS.mariadb,
      tlsDirectory: MARIADB_TLS_DIRECTORY,
      owner: "mysql",
      configuration: mariadbConfig({ ...server, ...TLS.mariadb, serviceLimits, clientCertificates }),
      logins: MARIADB_BACKUP_LOGINS,
      guarded: mariadbGuarded({ ...server, ...TLS.mariadb, clientCertificates }),
      variables: { ADMIN, ADMIN_HOST: accountHost },
      adminOf: (password) => mariadbAdminSql(password, accountHost),
    });
    this.provider = provider;
    this.certificate = login.caCertificate;
    this.accountHost = accountHost;
    this.host = login.host;
    this.port = login.port;
    this.serverName = login.serverName;
    this.admin = login;
    this.machine = host;
    this.registerOutputs({ certificate: this.certificate });
  }
}
