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
  rotation: { days: number; anchor: string };
  backup: { bucket: string; region: string; endpoint?: string };
  tags: Record<string, string>;
}

/** Everything the program needs, checked: never built by hand, only by `loadEstate`. */
export interface Estate {
  stack: string;
  config: StackConfig;
  databases: DatabaseEntry[];
  redisUsers: RedisUserEntry[];
}
