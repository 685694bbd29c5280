import * as pulumi from "@pulumi/pulumi";
import { type Endpoint, type FirewallRule, ruleName } from "../kinds/firewall/rule";

export interface HostMachineArgs {
  /** Name of the host. */
  label: pulumi.Input<string>;
  /** The pinned key, `ssh-ed25519 AAAA...`; undefined: the stack pins none. */
  hostKey?: pulumi.Input<string> | undefined;
}

/**
 * The machine behind an SSH address as it stands. Another pinned key, and a refresh, see when it was replaced by a blank
 * one; whatever carries `identity` is then applied again. Kind: kinds/host-machine.ts
 */
export class HostMachine extends pulumi.CustomResource {
  /** Machine id and SSH host key fingerprint: changes when the machine is another. */
  declare readonly identity: pulumi.Output<string>;
  constructor(name: string, args: HostMachineArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:host:Machine", name, { ...args, identity: undefined }, opts);
  }
}

export interface HostCertificateArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  /** Host name or address that clients verify. */
  name: pulumi.Input<string>;
  /** Absolute path on the host; holds ca.crt, server.crt and server.key. */
  directory: pulumi.Input<string>;
  /** User and group of the engine, which reads the private key. */
  owner: pulumi.Input<string>;
  engine: pulumi.Input<"mariadb" | "postgres" | "redis">;
  /** IP address that the server listens on. */
  address: pulumi.Input<string>;
  /** Left out for Redis, which has instances. */
  port?: pulumi.Input<number>;
  /** Ports of Redis' instances, by name: all of them show the one certificate. */
  instances?: pulumi.Input<Record<string, number>>;
  /** Days before its end at which the certificate is renewed; default 60. */
  renewBefore?: pulumi.Input<number>;
  /** Login that tells Redis to read new files; the other engines need none. */
  admin?: pulumi.Input<{ user: string; password: pulumi.Input<string> }>;
  /** PEM texts of the authorities whose certificates the server takes from clients. Default: it asks for none. */
  clientAuthorities?: pulumi.Input<string> | undefined;
}

/**
 * Key and certificate of a server, made on its host, and the host's authority that signed it. Renewed when it is due, and
 * read by the running server without a restart. Kind: kinds/host-certificate.ts
 */
export class HostCertificate extends pulumi.CustomResource {
  /** PEM that clients pin: stays when the certificate is renewed. */
  declare readonly authority: pulumi.Output<string>;
  /** ISO 8601 */
  declare readonly notAfter: pulumi.Output<string>;
  constructor(name: string, args: HostCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:host:Certificate",
      name,
      {
        ...args,
        admin: args.admin && pulumi.secret(args.admin),
        authority: undefined,
        authorityNotAfter: undefined,
        notAfter: undefined,
        fingerprint: undefined,
      },
      opts,
    );
  }
}

export interface HostServerSettingsArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  engine: pulumi.Input<"mariadb" | "postgres">;
  /** IP address that the server listens on. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** Whole text of the engine's configuration file. */
  configuration: pulumi.Input<string>;
  /** Whole text of pg_hba.conf; PostgreSQL only. */
  hba?: pulumi.Input<string>;
  /** Whole text of pg_ident.conf; PostgreSQL only. */
  ident?: pulumi.Input<string>;
  /** What backup and restore log in as, by name, in the host's words: estate/backup-logins.ts. */
  logins: pulumi.Input<Record<string, string>>;
  /** Settings that the running server must have, by the engine's own name. */
  effective: pulumi.Input<Record<string, string>>;
}

/**
 * What a server reads and what it runs with: changes by hand show in a refresh by name, and `up` takes them back.
 * Kind: kinds/host-server-settings.ts
 */
export class HostServerSettings extends pulumi.CustomResource {
  constructor(name: string, args: HostServerSettingsArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:host:ServerSettings", name, { ...args }, opts);
  }
}

export interface HostSshdArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  /** Name of the host. */
  label: pulumi.Input<string>;
  /** By the names that `sshd -T` prints. */
  settings: pulumi.Input<Record<string, string>>;
}

/** What a host's SSH server does, whichever file says it. Kind: kinds/host-sshd.ts */
export class HostSshd extends pulumi.CustomResource {
  constructor(name: string, args: HostSshdArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:host:Sshd", name, { ...args }, opts);
  }
}

export interface HostRedisInstanceArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  /** `crm`: in the names of its unit, its directory and its configuration file. */
  name: pulumi.Input<string>;
  /** IP address that it listens on. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** Whole text of the configuration file. */
  configuration: pulumi.Input<string>;
  /** What its unit may take: MiB of memory, tasks, percent of one processor, seconds to end by itself, lines of the journal in five minutes. */
  limits: pulumi.Input<{
    process: number;
    tasks: number;
    cpuPercent: number;
    stopSeconds: number;
    logLines: number;
  }>;
  /** Settings that the running instance must have. */
  effective: pulumi.Input<Record<string, string>>;
  /** PEM texts of the authorities whose certificates it takes from clients. Default: it asks for none. */
  clientAuthorities?: pulumi.Input<string> | undefined;
  /** Who makes the service's user. */
  admin: { user: string; password: pulumi.Input<string> };
}

/** One service's Redis on its host. Deleting it stops the instance and keeps its data. Kind: kinds/host-redis-instance.ts */
export class HostRedisInstance extends pulumi.CustomResource {
  constructor(name: string, args: HostRedisInstanceArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:host:RedisInstance",
      name,
      { ...args, admin: pulumi.secret(args.admin) },
      // A replacement that somebody asks for (`--replace`) does not ask the kind: the former one would stop what the new one has made.
      pulumi.mergeOptions({ deleteBeforeReplace: true }, opts),
    );
  }
}

export interface HostFirewallArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  /** Name of the host. */
  label: pulumi.Input<string>;
  /** Complete: every other rule of the host is taken away; what no rule lets in is dropped, what none lets out is refused. */
  rules: readonly FirewallRule[];
  /** What the host has to reach: a change that would cut it off from there takes itself back. */
  needs: readonly Endpoint[];
  /** The port we come in by; default 22. No rule set without a rule for it. */
  sshPort?: pulumi.Input<number>;
}

/** A host's ufw as a whole, IPv4 and IPv6 alike; a preview names each rule. Kind: kinds/host-firewall.ts */
export class HostFirewall extends pulumi.CustomResource {
  constructor(name: string, args: HostFirewallArgs, opts?: pulumi.CustomResourceOptions) {
    const rules = Object.fromEntries(args.rules.map((rule) => [ruleName(rule), rule]));
    super("estate:host:Firewall", name, { ...args, rules, needs: [...args.needs] }, opts);
  }
}

export interface HostBackupAgentArgs {
  /** Identity of the host's machine: on another one all of it is applied again. */
  machine: pulumi.Input<string>;
  /** Name of the host. */
  label: pulumi.Input<string>;
  databases: pulumi.Input<string[]>;
  /** Debian packages. */
  packages: pulumi.Input<string[]>;
  /** By absolute path; `mode` is octal, `0644`. */
  files: pulumi.Input<Record<string, { mode: string; content: string }>>;
  /** By absolute path, mode 0600: what must not be shown. */
  secretFiles: pulumi.Input<Record<string, { owner: string; content: string }>>;
  /** systemd timers, enabled and running. */
  timers: pulumi.Input<string[]>;
}

/** Files, packages and timers of a host's backups, with drift. Kind: kinds/host-backup-agent.ts */
export class HostBackupAgent extends pulumi.CustomResource {
  constructor(name: string, args: HostBackupAgentArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:host:BackupAgent", name, { ...args }, opts);
  }
}
