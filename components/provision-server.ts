import type * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { ProvisionedServer, RedisHost } from "../estate/types";
import {
  EstateProvider,
  HostCertificate,
  type HostCertificateArgs,
  HostServerSettings,
  HostSshd,
} from "../provider/resources";
import { Firewall, type Outgoing } from "./firewall";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN } from "./plans/admin";
import type { SshLogin } from "./plans/ssh";
import { SSHD_SETTINGS } from "./plans/sshd-settings";
import type { TlsSettings } from "./plans/tls";

/** What each provisioned server is given, whatever its engine. */
export interface ProvisionArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The host's part of the reachability table: its firewall lets nobody else in. */
  reach: readonly Reach[];
  outgoing: Outgoing;
  /** PEM texts of the authorities whose certificates its services show. Default: none does. */
  clientAuthorities?: pulumi.Output<string> | undefined;
}

/** What an engine has of its own before it is configured. */
export interface HostParts {
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
}

/** What an engine with one server on a host has of its own; the way there is the same for all. */
export interface EngineParts extends HostParts {
  engine: "mariadb" | "postgres";
  /** Whole text of the configuration file. */
  configuration: string;
  /** Whole texts of pg_hba.conf and pg_ident.conf; PostgreSQL only. */
  access?: { hba: string; ident: string };
  /** What backup and restore log in as. */
  logins: Readonly<Record<string, string>>;
  /** Settings of the running server that are watched, by the engine's own name. */
  guarded: Readonly<Record<string, string>>;
  /** What the script needs that makes the admin. */
  variables: Readonly<Record<string, string>>;
  /** What makes the admin, with a hash for the password. */
  adminOf(password: string): string;
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

/** A host on which an engine may be opened to the network: nothing listens there yet. */
export interface PreparedHost {
  host: Host;
  adminPassword: pulumi.Output<string>;
  certificate: HostCertificate;
  /** What has to stand before an engine listens. */
  before: pulumi.Resource[];
  /** Options of the host's own resources. */
  onHost: { parent: pulumi.Resource; provider: EstateProvider };
}

/**
 * A blank Debian host gets an engine's packages, then the firewall (Debian's engines listen on the loopback alone until they are
 * configured), then the certificate. Each step carries the machine's identity: on another machine all of them run again, in this
 * order. `parent` is the server's component. Errors name the step and the host.
 * @param listens who shows the certificate, and on which ports
 */
export function prepareHost(
  parent: pulumi.Resource,
  name: string,
  { server, ssh, reach, outgoing, clientAuthorities }: Omit<ProvisionArgs, "server"> & { server: RedisHost },
  parts: HostParts,
  listens: Pick<HostCertificateArgs, "engine" | "port" | "instances">,
): PreparedHost {
  const host = new Host(parent, name, ssh);
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
  const firewall = new Firewall(name, { host, reach, outgoing }, { parent, dependsOn: [packages] });
  new HostSshd(
    `${name}-sshd`,
    { machine: host.machine.identity, label: ssh.host, settings: { ...SSHD_SETTINGS } },
    { ...onHost, dependsOn: [packages] },
  );
  const adminPassword = password(`${name}-admin-password`, { parent });
  const certificate = new HostCertificate(
    `${name}-certificate`,
    {
      machine: host.machine.identity,
      ...listens,
      address: server.listen,
      name: server.host,
      directory: parts.tlsDirectory,
      owner: parts.owner,
      renewBefore: parts.tls.renewBefore,
      clientAuthorities,
      // Redis takes a renewed certificate only from one who logs in.
      ...(listens.engine === "redis" ? { admin: { user: ADMIN, password: adminPassword } } : {}),
    },
    { ...onHost, dependsOn: [packages] },
  );
  return { host, adminPassword, certificate, before: [firewall, certificate], onHost };
}

/**
 * A prepared host becomes a hardened server: its admin is made while the engine listens on the host alone; the configuration that opens it
 * to the network comes last.
 */
export function provisionServer(
  parent: pulumi.Resource,
  name: string,
  args: ProvisionArgs,
  parts: EngineParts,
): Provisioned {
  const { server } = args;
  const { engine, configuration, access } = parts;
  const { host, adminPassword, certificate, before, onHost } = prepareHost(parent, name, args, parts, {
    engine,
    port: server.port,
  });
  const machine = host.machine.identity;
  const running = host.step("server", {
    scripts: [engine],
    variables: parts.variables,
    stdin: adminPassword.apply(parts.adminOf),
    dependsOn: before,
  });
  const settings = new HostServerSettings(
    `${name}-settings`,
    {
      machine,
      engine,
      address: server.listen,
      port: server.port,
      configuration,
      ...access,
      logins: { ...parts.logins },
      effective: { ...parts.guarded },
    },
    { ...onHost, dependsOn: [running] },
  );

  const login: AdminLogin = {
    host: server.host,
    port: server.port,
    user: ADMIN,
    password: adminPassword,
    caCertificate: certificate.authority,
    serverName: server.host,
  };
  const provider = new EstateProvider(name, { [engine]: login, machine }, { parent, dependsOn: [settings] });
  return { host, login, provider };
}
