import type * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider, HostCertificate, HostServerSettings } from "../provider/resources";
import { Firewall } from "./firewall";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN } from "./plans/admin";
import type { SshLogin } from "./plans/ssh";
import type { TlsSettings } from "./plans/tls";

/** What each provisioned server is given, whatever its engine. */
export interface ProvisionArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The host's part of the reachability table: its firewall has no other rules. */
  reach: readonly Reach[];
}

/** What an engine has of its own; the way to a server is the same for all. */
export interface EngineParts {
  engine: "mariadb" | "postgres" | "redis";
  /** Debian package of the server. */
  package: string;
  /** Shell command that prints packages whose names follow from the engine's version. */
  addedPackages?: string;
  /** Shell command that prints the engine's version. */
  versionCommand: string;
  /** Made before the package is installed, as `locale -a` writes it. */
  locale?: string;
  /** Of the cluster that is created when the package is installed. */
  clusterOptions?: string;
  tls: TlsSettings;
  /** Absolute path on the host; for the certificate and its keys. */
  tlsDirectory: string;
  /** System user that the engine runs as. */
  owner: string;
  /** Whole text of the configuration file. */
  configuration: string;
  /** Whole text of pg_hba.conf; PostgreSQL only. */
  hba?: string;
  /** Settings of the running server that are watched, by the engine's own name. */
  guarded: Readonly<Record<string, string>>;
  /** What the engine's script needs beside CONFIGURATION. */
  variables: Readonly<Record<string, string>>;
  /** What makes the admin, with a hash for the password. */
  adminOf(password: string): string;
  /** true: the server takes a renewed certificate only from one who logs in. */
  reloadsByLogin?: boolean;
}

/** A login of the admin that verifies the server. */
export interface AdminLogin {
  host: string;
  port: number;
  user: string;
  password: pulumi.Output<string>;
  /** PEM that clients pin. */
  caCertificate: pulumi.Output<string>;
  /** Name in the certificate. */
  serverName: string;
}

export interface Provisioned {
  /** The machine, for what else lives on it. */
  host: Host;
  login: AdminLogin;
  /** For the engine's kinds of `estate`; whatever it makes is made again on another machine. */
  provider: EstateProvider;
}

/**
 * A blank Debian host becomes a hardened server: packages, then the firewall (Debian's engines listen on the loopback alone
 * until they are configured), then the certificate, and only then the configuration that opens the engine to the network.
 * Each step carries the machine's identity: on another machine all of them run again, in this order. `parent` is the
 * server's component. Errors name the step and the host.
 */
export function provisionServer(
  parent: pulumi.Resource,
  name: string,
  { server, ssh, reach }: ProvisionArgs,
  parts: EngineParts,
): Provisioned {
  const { engine, configuration, hba } = parts;
  const host = new Host(parent, name, ssh);
  const machine = host.machine.identity;
  const listens = { engine, address: server.listen, port: server.port };
  const onHost = { parent, provider: host.provider };

  const packages = host.step("packages", {
    scripts: ["install-packages"],
    variables: {
      PACKAGES: `${parts.package} openssl ufw`,
      ADDED_PACKAGES: parts.addedPackages ?? "",
      LOCALE: parts.locale ?? "",
      CLUSTER_OPTIONS: parts.clusterOptions ?? "",
      VERSION_COMMAND: parts.versionCommand,
      MINIMUM_VERSION: server.minimumVersion,
      SERVER: name,
    },
  });
  const firewall = new Firewall(name, { host, reach }, { parent, dependsOn: [packages] });
  const admin = password(`${name}-admin-password`, { parent });
  const certificate = new HostCertificate(
    `${name}-certificate`,
    {
      machine,
      ...listens,
      name: server.host,
      directory: parts.tlsDirectory,
      owner: parts.owner,
      renewBefore: parts.tls.renewBefore,
      ...(parts.reloadsByLogin ? { admin: { user: ADMIN, password: admin } } : {}),
    },
    { ...onHost, dependsOn: [packages] },
  );
  const running = host.step("server", {
    scripts: ["settings", engine],
    variables: {
      CONFIGURATION: configuration,
      ...(hba === undefined ? {} : { HBA: hba }),
      ...parts.variables,
    },
    stdin: admin.apply(parts.adminOf),
    dependsOn: [firewall, certificate],
  });
  const settings = new HostServerSettings(
    `${name}-settings`,
    {
      machine,
      ...listens,
      configuration,
      ...(hba === undefined ? {} : { hba }),
      effective: { ...parts.guarded },
    },
    { ...onHost, dependsOn: [running] },
  );

  const login: AdminLogin = {
    host: server.host,
    port: server.port,
    user: ADMIN,
    password: admin,
    caCertificate: certificate.authority,
    serverName: server.host,
  };
  const provider = new EstateProvider(name, { [engine]: login, machine }, { parent, dependsOn: [settings] });
  return { host, login, provider };
}
