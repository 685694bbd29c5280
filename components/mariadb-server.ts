import * as pulumi from "@pulumi/pulumi";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider } from "../provider/resources";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN, mariadbAdminSql } from "./plans/admin";
import { certificateVariables } from "./plans/certificate";
import { MARIADB_TLS_DIRECTORY, mariadbConfig } from "./plans/mariadb-config";
import type { SshLogin } from "./plans/ssh";

export interface MariadbServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The only address that reaches the server; host part of the admin and of every service account. */
  pleskAddress: string;
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
    super(
      "estate:component:MariadbServer",
      name,
      { server: args.server, pleskAddress: args.pleskAddress },
      opts,
    );
    const { server, pleskAddress } = args;
    this.accountHost = pleskAddress;
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "mariadb-server openssl",
        LOCALE: "",
        CLUSTER_OPTIONS: "",
        VERSION_COMMAND: "mariadbd --version | sed 's/.*Ver //'",
        MINIMUM_VERSION: server.minimumVersion,
        SERVER: name,
      },
    });
    const certificate = this.machine.step("certificate", {
      scripts: ["certificate"],
      variables: certificateVariables(server.host, MARIADB_TLS_DIRECTORY, "mysql"),
      dependsOn: [packages],
    });
    this.certificate = certificate.stdout;
    const admin = password(`${name}-admin-password`, { parent: this });
    const running = this.machine.step("server", {
      scripts: ["settings", "mariadb"],
      variables: {
        CONFIGURATION: mariadbConfig({ ...server, serviceLimits: args.serviceLimits }),
        CERTIFICATE: this.certificate,
        ADMIN,
        ADMIN_HOST: pleskAddress,
      },
      stdin: admin.apply((clear) => mariadbAdminSql(clear, pleskAddress)),
    });
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
      { parent: this, dependsOn: [running] },
    );
    this.registerOutputs({ certificate: this.certificate });
  }
}
