import * as pulumi from "@pulumi/pulumi";
import { databaseSource, type Reach } from "../estate/reachability";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider, HostServerSettings } from "../provider/resources";
import { Firewall } from "./firewall";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN, mariadbAdminSql } from "./plans/admin";
import { mariadbGuarded } from "./plans/guarded";
import { MARIADB_TLS_DIRECTORY, mariadbConfig } from "./plans/mariadb-config";
import type { SshLogin } from "./plans/ssh";
import { TLS } from "./plans/tls";
import { serverCertificate } from "./server-certificate";

export interface MariadbServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The host's part of the reachability table: its firewall, and host part of the admin and every service account. */
  reach: readonly Reach[];
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
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: MariadbServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:MariadbServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, reach } = args;
    this.accountHost = databaseSource(reach);
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "mariadb-server openssl ufw",
        LOCALE: "",
        CLUSTER_OPTIONS: "",
        VERSION_COMMAND: "mariadbd --version | sed 's/.*Ver //'",
        MINIMUM_VERSION: server.minimumVersion,
        SERVER: name,
      },
    });
    const firewall = new Firewall(
      name,
      { host: this.machine, reach },
      { parent: this, dependsOn: [packages] },
    );
    const certificate = serverCertificate(this, name, {
      machine: this.machine,
      server,
      tls: TLS.mariadb,
      packages,
      directory: MARIADB_TLS_DIRECTORY,
      owner: "mysql",
      engine: "mariadb",
    });
    this.certificate = certificate.authority;
    const admin = password(`${name}-admin-password`, { parent: this });
    const configuration = mariadbConfig({ ...server, ...TLS.mariadb, serviceLimits: args.serviceLimits });
    const running = this.machine.step("server", {
      scripts: ["settings", "mariadb"],
      variables: {
        CONFIGURATION: configuration,
        ADMIN,
        ADMIN_HOST: this.accountHost,
      },
      dependsOn: [firewall, certificate],
      stdin: admin.apply((clear) => mariadbAdminSql(clear, this.accountHost)),
    });
    const settings = new HostServerSettings(
      `${name}-settings`,
      {
        engine: "mariadb",
        address: server.listen,
        port: server.port,
        configuration,
        effective: mariadbGuarded({ ...server, ...TLS.mariadb }),
      },
      { parent: this, provider: this.machine.provider, dependsOn: [running] },
    );
    this.provider = new EstateProvider(
      name,
      {
        mariadb: {
          host: server.host,
          port: server.port,
          user: ADMIN,
          password: admin,
          caCertificate: this.certificate,
          serverName: this.serverName,
        },
      },
      { parent: this, dependsOn: [settings] },
    );
    this.registerOutputs({ certificate: this.certificate });
  }
}
