import * as pulumi from "@pulumi/pulumi";
import { type FirewallRule, ruleName } from "./kinds/firewall/rule";

/**
 * The resource classes of the provider `estate`, as a program uses them. What each does on the server, with its
 * checks and errors, is documented beside the kind of the same name in `kinds/`.
 */

type Inputs<T> = { [K in keyof T]: pulumi.Input<T[K]> };

export interface TunnelledServer {
  host: string;
  port: number;
  user: string;
  password?: string | undefined;
  /** PEM that the server's certificate is verified against. */
  caCertificate: string;
  /** Name in the certificate; default: host. */
  serverName?: string | undefined;
}

export interface SshServer {
  host: string;
  port: number;
  user: string;
  privateKey?: string | undefined;
  /** `ssh-ed25519 AAAA...` of the host; undefined: not pinned. */
  hostKey?: string | undefined;
}

export interface EstateProviderArgs {
  mariadb?: pulumi.Input<Inputs<TunnelledServer>>;
  postgres?: pulumi.Input<Inputs<TunnelledServer>>;
  redis?: pulumi.Input<Inputs<TunnelledServer>>;
  ssh?: pulumi.Input<Inputs<SshServer>>;
}

/** One instance per server: exactly one of the properties is set. */
export class EstateProvider extends pulumi.ProviderResource {
  constructor(name: string, args: EstateProviderArgs, opts?: pulumi.ResourceOptions) {
    const secret = (server: pulumi.Input<object> | undefined) =>
      server && pulumi.output(server).apply((plain) => JSON.stringify(plain));
    super(
      "estate",
      name,
      {
        mariadb: secret(args.mariadb),
        postgres: secret(args.postgres),
        redis: secret(args.redis),
        ssh: secret(args.ssh),
      },
      opts,
    );
  }
}

export interface MariadbDatabaseArgs {
  name: pulumi.Input<string>;
  charset: pulumi.Input<string>;
  collation: pulumi.Input<string>;
}

/**
 * A MariaDB database: its name and the defaults of its tables. Not @pulumi/mysql's, because that can neither pin a
 * certificate nor verify a name other than the address. Kind: kinds/mariadb-database.ts
 */
export class MariadbDatabase extends pulumi.CustomResource {
  constructor(name: string, args: MariadbDatabaseArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:mariadb:Database", name, args, opts);
  }
}

/** MariaDB privileges on one database or one of its tables. */
export interface MariadbGrant {
  database: string;
  /** Default: every table of the database. */
  table?: string;
  /** Upper case, `SELECT`, `CREATE TEMPORARY TABLES`, ...; never GRANT OPTION or a global privilege. */
  privileges: string[];
}

export interface MariadbAccountArgs {
  user: pulumi.Input<string>;
  /** One address or `localhost`; never `%`. */
  host: pulumi.Input<string>;
  /** Newest first, one or two: all of them log in. Reach the server as hashes only. */
  passwords: pulumi.Input<pulumi.Input<string>[]>;
  require: pulumi.Input<"SSL" | "X509">;
  /** MAX_USER_CONNECTIONS, 1..20. */
  maxUserConnections: pulumi.Input<number>;
  locked?: pulumi.Input<boolean>;
  /** Complete: whatever else the account was granted is revoked. */
  grants: pulumi.Input<MariadbGrant[]>;
  /** Hosts where an account of the same user is declared elsewhere; any other host's is dropped. Default: none. */
  otherHosts?: pulumi.Input<string[]>;
}

/** `user`@`host` with its password alternatives, REQUIRE, limits, lock and all its grants. Kind: kinds/mariadb-account.ts */
export class MariadbAccount extends pulumi.CustomResource {
  constructor(name: string, args: MariadbAccountArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:mariadb:Account", name, { ...args, passwords: pulumi.secret(args.passwords) }, opts);
  }
}

export interface PostgresLoginArgs {
  /** Login slot, `svc_idp_a`. */
  role: pulumi.Input<string>;
  /** NOLOGIN role the slot works as: membership INHERIT FALSE, SET TRUE, and `SET role` at login. */
  worksAs: pulumi.Input<string>;
  /** Clear; the server gets a SCRAM-SHA-256 verifier. */
  password: pulumi.Input<string>;
  /** false: NOLOGIN (a retired slot). Default true. */
  login?: pulumi.Input<boolean>;
  /** 1..20 */
  connectionLimit: pulumi.Input<number>;
  /** Role settings, `{ statement_timeout: "60s" }`; not inherited from worksAs, hence here. */
  settings?: pulumi.Input<Record<string, string>>;
  /** Databases the slot may CONNECT to are granted by postgres:Access, not here. */
}

/** A login slot. Kind: kinds/postgres-login.ts */
export class PostgresLogin extends pulumi.CustomResource {
  constructor(name: string, args: PostgresLoginArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Login", name, { ...args, password: pulumi.secret(args.password) }, opts);
  }
}

/**
 * Who may do what in one database. Keys name grantee and object, values are privileges (`ALL`: all of this server's version):
 * `"svc_x on database"`, `"svc_x on schema public"`, `"svc_x on tables in public"` (each table there is; `sequences`,
 * `functions`, `types` alike), `"svc_x on table public.users"` (also `SELECT (email)`), `"svc_x on sequence public.users_id_seq"`,
 * `"svc_x on function public.pay(integer, text)"`, `"svc_x on type public.mood"`. Names that hold anything but
 * lower-case letters, digits, _ and $ stand in double quotes.
 */
export type PostgresGrants = Record<string, string[]>;

export interface PostgresAccessArgs {
  database: pulumi.Input<string>;
  /** Schemas whose ACLs (their own and those of all objects in them) are owned by this resource. Default ["public"]. */
  schemas?: pulumi.Input<string[]>;
  /** Complete: whatever else is granted on the database, these schemas and their objects is revoked, PUBLIC included. */
  grants: pulumi.Input<PostgresGrants>;
  /**
   * Default privileges of objects that `owner` will create; complete for these owners. Default {}.
   * Keys: `"svc_x on tables by owner_role in public"`, `"svc_x on functions by owner_role"` (in every schema);
   * EXECUTE of PUBLIC on functions by each owner listed is revoked in the only form that works (schema-less).
   */
  defaultGrants?: pulumi.Input<PostgresGrants>;
  /**
   * Owners whose default privileges are owned by this resource. When it is deleted, what they and the grantees own in this
   * database goes to the admin and their privileges in it are dropped. Default [].
   */
  owners?: pulumi.Input<string[]>;
}

/** Kind: kinds/postgres-access.ts */
export class PostgresAccess extends pulumi.CustomResource {
  constructor(name: string, args: PostgresAccessArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Access", name, args as unknown as pulumi.Inputs, opts);
  }
}

export interface RedisUserArgs {
  user: pulumi.Input<string>;
  /** Newest first, one or two; the server gets SHA-256 hashes. */
  passwords: pulumi.Input<pulumi.Input<string>[]>;
  /** Key patterns without `~`: `crm:*`. */
  keys: pulumi.Input<string[]>;
  /** Channel patterns without `&`. */
  channels?: pulumi.Input<string[]>;
  /** ACL rules in order: `-@all +@read +@write -@dangerous`. */
  commands: pulumi.Input<string>;
}

/** Kind: kinds/redis-user.ts */
export class RedisUser extends pulumi.CustomResource {
  constructor(name: string, args: RedisUserArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:redis:User", name, { ...args, passwords: pulumi.secret(args.passwords) }, opts);
  }
}

/**
 * The machine behind an SSH address as it stands. A refresh sees when it was replaced by a blank one; provisioning
 * commands carry `identity` as a trigger and so run again. Kind: kinds/host-machine.ts
 */
export class HostMachine extends pulumi.CustomResource {
  /** Machine id and SSH host key fingerprint: changes when the machine is another. */
  declare readonly identity: pulumi.Output<string>;
  constructor(name: string, args: { label: pulumi.Input<string> }, opts?: pulumi.CustomResourceOptions) {
    super("estate:host:Machine", name, { ...args, identity: undefined }, opts);
  }
}

export interface HostCertificateArgs {
  /** Host name or address that clients verify. */
  name: pulumi.Input<string>;
  /** Absolute path on the host; holds ca.crt, server.crt and server.key. */
  directory: pulumi.Input<string>;
  /** User and group of the engine, which reads the private key. */
  owner: pulumi.Input<string>;
  engine: pulumi.Input<"mariadb" | "postgres" | "redis">;
  /** IP address that the server listens on. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** Days before its end at which the certificate is renewed; default 60. */
  renewBefore?: pulumi.Input<number>;
  /** Login that tells Redis to read new files; the other engines need none. */
  admin?: pulumi.Input<{ user: string; password: pulumi.Input<string> }>;
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
  engine: pulumi.Input<"mariadb" | "postgres" | "redis">;
  /** IP address that the server listens on. */
  address: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** Whole text of the engine's configuration file. */
  configuration: pulumi.Input<string>;
  /** Whole text of pg_hba.conf; PostgreSQL only. */
  hba?: pulumi.Input<string>;
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

export interface HostFirewallArgs {
  /** Name of the host. */
  label: pulumi.Input<string>;
  /** Complete: every other rule of the host is taken away, and what no rule lets in is dropped. */
  rules: readonly FirewallRule[];
  /** The port we come in by; default 22. No rule set without a rule for it. */
  sshPort?: pulumi.Input<number>;
}

/** A host's ufw as a whole, IPv4 and IPv6 alike; a preview names each rule. Kind: kinds/host-firewall.ts */
export class HostFirewall extends pulumi.CustomResource {
  constructor(name: string, args: HostFirewallArgs, opts?: pulumi.CustomResourceOptions) {
    const rules = Object.fromEntries(args.rules.map((rule) => [ruleName(rule), rule]));
    super("estate:host:Firewall", name, { ...args, rules }, opts);
  }
}

/**
 * The names of all declared databases. Refuses a run in which one vanished without having been retired first.
 * Kind: kinds/catalogue-roster.ts
 */
export class CatalogueRoster extends pulumi.CustomResource {
  constructor(
    name: string,
    args: { databases: pulumi.Input<string[]>; retired: pulumi.Input<string[]> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("estate:catalogue:Roster", name, args, opts);
  }
}
