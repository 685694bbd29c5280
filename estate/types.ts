import type { ScheduledCall } from "./jobs";
import type { RowSecurityDeclaration } from "./row-security/types";
import type { WrappingSecrets } from "./sealed";

/** The vocabulary of the estate. Plain types, shared by everything that reads the catalogue. */

export type Engine = "mariadb" | "postgres";
export type ServerEngine = Engine | "redis";
/** What the catalogue calls a server; each is one entry of the stack's `servers`. */
export type ServerName = string;

/** What a server is and does. Code asks this, and not what the server is called. */
export interface ServerDeclaration {
  engine: ServerEngine;
  /**
   * `provisioned`: made from a blank host by the program. `panel`: it belongs to the panel of the web host, which says whom it trusts and
   * what it shows; it is the way in to the others, and there is one.
   */
  management: "provisioned" | "panel";
  /** It keeps a log of changes, and so is recovered to a point in time. */
  changeLog: boolean;
  /** Databases that it takes; undefined: as many as its machine. */
  mostDatabases?: number;
  /** Begins the names of what is published about it: `PG` -> `PG_HOST`. undefined: nothing is. */
  secretPrefix?: string;
}

/**
 * Who changes the tables. `application`: the application migrates its own schema, so its user has DDL inside its own
 * database. `program`: the schema is migrated by us as the owner (sql/<database>), the service only reads and writes rows.
 */
export type SchemaOwner = "application" | "program";

/** `daily`: 30 days on the host, 90 days in the bucket. `archive`: also 7 years in the cold tier. */
export type BackupClass = "daily" | "archive";

/**
 * `optional`: made, published, and verified where it is shown. `required`: without it the password opens nothing, so that
 * applications take theirs up in between.
 */
export type ClientCertificateUse = "optional" | "required";

interface CommonEntry {
  name: string;
  application: string;
  purpose: string;
  /** Default: `serviceUser(name)`. */
  service: string;
  /** Most connections the service may hold, 1..20. */
  connectionLimit: number;
  personalData: boolean;
  backup: BackupClass;
  /** GitHub secret that carries the password. */
  secret: string;
  schema: { owner: SchemaOwner; reason: string };
  /** Days after which its password changes, 2..90. Default: the stack's `rotation.days`. */
  rotationDays?: number | undefined;
  /** Whether the service shows a certificate of its own beside its password. Default: it has none. */
  clientCertificate?: ClientCertificateUse | undefined;
  /** `retired`: service user and grants go, the data stays closed on the server, protection is lifted. */
  state: "live" | "retired";
}

export interface MariadbEntry extends CommonEntry {
  engine: "mariadb";
  server: ServerName;
  charset: string;
  collation: string;
}

export interface PostgresEntry extends CommonEntry {
  engine: "postgres";
  server: ServerName;
  /** NOLOGIN role that owns database and tables. Equal to `service` where the application migrates its own schema. */
  owner: string;
  encoding: string;
  locale: string;
  extensions: string[];
  /** CONNECTION LIMIT of the database; -1: none. */
  databaseConnectionLimit: number;
  /** Who sees and changes which rows. Default: its application decides. */
  rowSecurity?: RowSecurityDeclaration | undefined;
  /** What the server calls by itself, as the owner. */
  jobs: readonly ScheduledCall[];
  /** Where the database holds settings sealed with keys that `estate keys rotate` makes: the secrets that wrap those keys. */
  wrappingSecrets?: WrappingSecrets | undefined;
}

export type DatabaseEntry = MariadbEntry | PostgresEntry;

/**
 * What a Redis instance is for. `cache`: what is not used goes when memory is short; a copy an hour old comes back with the
 * host. `queue`: nothing is ever evicted, and every second is on disk.
 */
export type RedisUse = "cache" | "queue";

/** A service on Redis, which has an instance of its own. */
export interface RedisUserEntry {
  /** ACL user, `svc_crm`. */
  name: string;
  application: string;
  purpose: string;
  use: RedisUse;
  /** Port of its instance, 6380..6399; nobody else's. */
  port: number;
  /** Percent of the host's memory that its instance may take as a process; 60 % of that is for data. */
  memoryShare: number;
  /** Every key of the service begins with it: `crm:`. */
  keyPrefix: string;
  /** GitHub secret that carries the password. */
  secret: string;
  /** Days after which its password changes, 2..90. Default: the stack's `rotation.days`. */
  rotationDays?: number | undefined;
  /** Whether it shows a certificate of its own beside its password. Default: it has none. */
  clientCertificate?: ClientCertificateUse | undefined;
  /** `retired`: user and secrets go, the instance is stopped, its data stays on the host. */
  state: "live" | "retired";
}

export interface Ssh {
  host: string;
  port: number;
  user: string;
}

interface CommonServer {
  /** Name (or address) as seen from the plesk host; the certificate carries it. */
  host: string;
  port: number;
  ssh: Ssh;
  /** `10.11`: oldest version accepted. */
  minimumVersion: string;
  /** Whether a throw-away engine may run on the host, into which its dumps are loaded to prove them. */
  proof: boolean;
}

/** The web host's own MariaDB: connected to, not provisioned. */
export interface PleskServer extends CommonServer {
  /** Where the web host keeps the PEM certificate its MariaDB shows. */
  certificatePath: string;
  /** Name in that certificate. */
  certificateName: string;
  adminUser: string;
  /** Host part of the accounts: the applications run beside the server. */
  accountHost: string;
}

/** A server provisioned from a blank host. */
export interface ProvisionedServer extends CommonServer {
  /** Address the server listens on. */
  listen: string;
  /** Memory of the machine, in MiB; the engine's limits follow from it. */
  memoryMiB: number;
}

/** A host of Redis instances; each has a port of its own, which the catalogue declares. */
export type RedisHost = Omit<ProvisionedServer, "port">;

/** Where applications find their secrets: one environment of one repository. */
export interface GithubTarget {
  /** `owner/name` */
  repository: string;
  environment: string;
  /** `https://github.example.org/` of an enterprise server; undefined: github.com. */
  baseUrl?: string;
}

/** Something that the database hosts may connect to; nothing else gets out of them. */
export interface OutgoingEntry {
  /** What for: `backup bucket`. Stands beside the rule on the host. */
  purpose: string;
  /** Addresses and ranges (CIDR, /16 or narrower, IPv6 /32); `any`: only tcp 443, and with a reason. */
  to: string[] | "any";
  ports: number[];
  /** Default: tcp. */
  protocols: ("tcp" | "udp")[];
  /** Why no address is known; where `to` is `any`. */
  reason?: string | undefined;
}

/** How long copies of data live, in days. Nothing may outlive `erasureDays` but what a law keeps (`archive`). */
export interface BackupRetention {
  /** On the hosts themselves. */
  localDays: number;
  /** Dumps in the bucket, with their manifests. */
  dailyDays: number;
  /** Hourly copies of Redis' queues, with their manifests. */
  queueDays: number;
  /** Base copies, WAL and binlog segments: how far back a point in time can be recovered. */
  recoveryDays: number;
  /** Versions that were replaced or deleted. */
  noncurrentDays: number;
  /** Nobody can delete a new object before. */
  lockDays: number;
  /** Erased data is promised to be in no copy after this. */
  erasureDays: number;
  /** Copies of databases of class `archive`, and the law that keeps them. */
  archive?: { years: number; reason: string };
}

export interface BackupConfig {
  bucket: string;
  region: string;
  /** A second bucket in another region that everything is copied to; undefined: none. */
  copyRegion?: string;
  /** https URL of a service that speaks S3, KMS and IAM as AWS does; undefined: AWS. */
  endpoint?: string;
  /** Path of a PEM file with the authority of that service; undefined: the system's. */
  caBundle?: string;
  /** Whom backups are encrypted to: public keys of age (`age1...`), or absolute paths of files with one a line. */
  recipients: string[];
  retention: BackupRetention;
}

/** What differs from stack to stack: the checked content of Pulumi.<stack>.yaml. */
export interface StackConfig {
  /** By the names of the catalogue; read through estate/servers.ts, which knows what each is. */
  servers: Readonly<Record<ServerName, PleskServer | ProvisionedServer | RedisHost | undefined>>;
  access: {
    /** The only address database ports answer to. */
    pleskAddress: string;
    /** Ranges (CIDR, /29 or narrower) operators reach SSH from. */
    operators: string[];
    /** All that the database hosts may connect to; empty: nothing. */
    outgoing: OutgoingEntry[];
    /** OpenSSH known_hosts file that pins the hosts' keys. */
    knownHosts?: string;
    /** User of the web host that `estate tunnel` logs in as; it may forward to declared endpoints and do nothing else. */
    tunnelUser: string;
  };
  rotation: {
    /** Days after which a password changes, 2..90. */
    days: number;
    /** Day that periods count from. */
    anchor: string;
    /** Days that the former password stays valid, at most half a period. */
    graceDays: number;
    /** Rotations after a leak, as `estate rotate --now` writes them. `database`: a database or a Redis user. */
    forced: { database: string; at: string; reason: string }[];
  };
  backup: BackupConfig;
  /** undefined: nothing is published. */
  github?: GithubTarget;
  tags: Record<string, string>;
}

/** Everything the program needs, checked: never built by hand, only by `loadEstate`. */
export interface Estate {
  stack: string;
  config: StackConfig;
  databases: DatabaseEntry[];
  redisUsers: RedisUserEntry[];
}
