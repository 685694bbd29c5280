/** The vocabulary of the estate. Plain types, shared by everything that reads the catalogue. */

export type Engine = "mariadb" | "postgres";
/** The database servers; each is one entry of the stack's `servers`. */
export type ServerName = "plesk" | "mariadb" | "postgres";

/**
 * Who changes the tables. `application`: the application migrates its own schema, so its user has DDL inside its own
 * database. `program`: the schema is migrated by us as the owner (sql/<database>), the service only reads and writes rows.
 */
export type SchemaOwner = "application" | "program";

/** `daily`: 30 days on the host, 90 days in the bucket. `archive`: also 7 years in the cold tier. */
export type BackupClass = "daily" | "archive";

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
  /** `retired`: service user and grants go, the data stays closed on the server, protection is lifted. */
  state: "live" | "retired";
}

export interface MariadbEntry extends CommonEntry {
  engine: "mariadb";
  server: "plesk" | "mariadb";
  charset: string;
  collation: string;
}

export interface PostgresEntry extends CommonEntry {
  engine: "postgres";
  server: "postgres";
  /** NOLOGIN role that owns database and tables. Equal to `service` where the application migrates its own schema. */
  owner: string;
  encoding: string;
  locale: string;
  extensions: string[];
  /** CONNECTION LIMIT of the database; -1: none. */
  databaseConnectionLimit: number;
}

export type DatabaseEntry = MariadbEntry | PostgresEntry;

export interface RedisUserEntry {
  /** ACL user, `svc_crm`. */
  name: string;
  application: string;
  purpose: string;
  /** Every key of the service begins with it: `crm:`. */
  keyPrefix: string;
  /** GitHub secret that carries the password. */
  secret: string;
  /** Days after which its password changes, 2..90. Default: the stack's `rotation.days`. */
  rotationDays?: number | undefined;
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

/** Where applications find their secrets: one environment of one repository. */
export interface GithubTarget {
  /** `owner/name` */
  repository: string;
  environment: string;
  /** `https://github.example.org/` of an enterprise server; undefined: github.com. */
  baseUrl?: string;
}

/** How long copies of data live, in days. Nothing may outlive `erasureDays` but what a law keeps (`archive`). */
export interface BackupRetention {
  /** On the hosts themselves. */
  localDays: number;
  /** Dumps in the bucket, with their manifests. */
  dailyDays: number;
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
  servers: {
    plesk: PleskServer;
    mariadb: ProvisionedServer;
    postgres: ProvisionedServer;
    redis?: ProvisionedServer;
  };
  access: {
    /** The only address database ports answer to. */
    pleskAddress: string;
    /** Ranges (CIDR, /29 or narrower) operators reach SSH from. */
    operators: string[];
    /** OpenSSH known_hosts file that pins the hosts' keys. */
    knownHosts?: string;
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
