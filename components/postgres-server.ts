import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider, PostgresAccess } from "../provider/resources";
import { Host } from "./host";
import { InterruptedCreate } from "./interrupted-create";
import { password } from "./passwords";
import { ADMIN, postgresAdminSql } from "./plans/admin";
import { certificateVariables } from "./plans/certificate";
import { pgHba } from "./plans/pg-hba";
import { POSTGRES_TLS_DIRECTORY, postgresConfig } from "./plans/postgres-config";
import type { SshLogin } from "./plans/ssh";
import { writeTrustFile } from "./plans/trust-file";

export interface PostgresServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The only address that reaches the server. */
  pleskAddress: string;
  /** Connection limits of the services on this server. */
  serviceLimits: readonly number[];
  /** Which login may open which database: pg_hba.conf has no other rules. */
  databases: readonly { database: string; logins: readonly string[] }[];
}

/** Locale of the platform's databases, as `locale -a` writes it. */
const LOCALE = "en_US.utf8";

/** A blank Debian host becomes a hardened PostgreSQL server. Errors name the step and the host. */
export class PostgresServer extends pulumi.ComponentResource {
  /** For the postgres kinds of `estate`. */
  readonly provider: EstateProvider;
  /** For databases, NOLOGIN roles and extensions. */
  readonly postgresql: postgresql.Provider;
  /** PEM that clients pin. */
  readonly certificate: pulumi.Output<string>;
  readonly host: string;
  readonly port: number;
  /** Name in the certificate. */
  readonly serverName: string;
  /** Clears what an interrupted run left, before a database or role is created. */
  readonly interruptedCreate: InterruptedCreate;
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: PostgresServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "estate:component:PostgresServer",
      name,
      { server: args.server, pleskAddress: args.pleskAddress },
      opts,
    );
    const { server, pleskAddress } = args;
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "postgresql openssl",
        LOCALE,
        CLUSTER_OPTIONS: `--data-checksums --encoding=UTF8 --locale=${LOCALE}`,
        VERSION_COMMAND: "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1) --version",
        MINIMUM_VERSION: server.minimumVersion,
        SERVER: name,
      },
    });
    const certificate = this.machine.step("certificate", {
      scripts: ["certificate"],
      variables: certificateVariables(server.host, POSTGRES_TLS_DIRECTORY, "postgres"),
      dependsOn: [packages],
    });
    this.certificate = certificate.stdout;
    const admin = password(`${name}-admin-password`, { parent: this });
    const running = this.machine.step("server", {
      scripts: ["settings", "postgres"],
      variables: {
        CONFIGURATION: postgresConfig({ ...server, serviceLimits: args.serviceLimits }),
        HBA: pgHba({ admin: ADMIN, pleskAddress, databases: args.databases }),
        CERTIFICATE: this.certificate,
        LOCALE,
      },
      stdin: admin.apply(postgresAdminSql),
    });

    const login = { host: server.host, port: server.port, password: admin };
    const after = { parent: this, dependsOn: [running] };
    this.provider = new EstateProvider(
      name,
      { postgres: { ...login, user: ADMIN, caCertificate: this.certificate, serverName: this.serverName } },
      after,
    );
    this.postgresql = new postgresql.Provider(
      `${name}-postgresql`,
      {
        ...login,
        username: ADMIN,
        sslmode: "verify-full",
        sslrootcert: this.certificate.apply((pem) => writeTrustFile(name, pem)),
        connectTimeout: 15,
      },
      after,
    );
    this.interruptedCreate = new InterruptedCreate(name, {
      host: server.host,
      port: server.port,
      user: ADMIN,
      password: admin,
      caCertificate: this.certificate,
      serverName: this.serverName,
    });
    this.hardenMaintenanceDatabases(name);
    this.registerOutputs({ certificate: this.certificate });
  }

  /** PUBLIC may connect to these from the start, so every service could. */
  private hardenMaintenanceDatabases(name: string): void {
    for (const database of ["postgres", "template1"]) {
      new PostgresAccess(
        `${name}-${database}-access`,
        { database, grants: {}, defaultGrants: {}, owners: [] },
        { parent: this, provider: this.provider },
      );
    }
  }
}
