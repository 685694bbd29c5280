import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider, HostServerSettings, PostgresAccess } from "../provider/resources";
import { Firewall } from "./firewall";
import { Host } from "./host";
import { InterruptedCreate } from "./interrupted-create";
import { password } from "./passwords";
import { ADMIN, postgresAdminSql } from "./plans/admin";
import { postgresGuarded } from "./plans/guarded";
import { pgHba } from "./plans/pg-hba";
import { POSTGRES_TLS_DIRECTORY, postgresConfig } from "./plans/postgres-config";
import type { SshLogin } from "./plans/ssh";
import { TLS } from "./plans/tls";
import { writeTrustFile } from "./plans/trust-file";
import { serverCertificate } from "./server-certificate";

export interface PostgresServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The host's part of the reachability table: its firewall and its pg_hba.conf have no other rules. */
  reach: readonly Reach[];
  /** Connection limits of the services on this server. */
  serviceLimits: readonly number[];
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
    super("estate:component:PostgresServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, reach } = args;
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "postgresql openssl ufw",
        LOCALE,
        CLUSTER_OPTIONS: `--data-checksums --encoding=UTF8 --locale=${LOCALE}`,
        VERSION_COMMAND: "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1) --version",
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
      tls: TLS.postgres,
      packages,
      directory: POSTGRES_TLS_DIRECTORY,
      owner: "postgres",
      engine: "postgres",
    });
    this.certificate = certificate.authority;
    const admin = password(`${name}-admin-password`, { parent: this });
    const configuration = postgresConfig({ ...server, ...TLS.postgres, serviceLimits: args.serviceLimits });
    const hba = pgHba(reach);
    const running = this.machine.step("server", {
      scripts: ["settings", "postgres"],
      variables: {
        CONFIGURATION: configuration,
        HBA: hba,
        LOCALE,
      },
      dependsOn: [firewall, certificate],
      stdin: admin.apply(postgresAdminSql),
    });
    const settings = new HostServerSettings(
      `${name}-settings`,
      {
        engine: "postgres",
        address: server.listen,
        port: server.port,
        configuration,
        hba,
        effective: postgresGuarded({ ...server, ...TLS.postgres }),
      },
      { parent: this, provider: this.machine.provider, dependsOn: [running] },
    );

    const login = { host: server.host, port: server.port, password: admin };
    const after = { parent: this, dependsOn: [settings] };
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
