import type { BackupRetention, Engine, ServerName } from "./types";

/** What the program exports and the CLI reads: how to log in to each database as its service. Secret as a whole. */
export interface ConnectionOutput {
  server: ServerName;
  engine: Engine;
  /** As seen from the plesk host. */
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  caCertificate: string;
  /** Name in the server's certificate. */
  serverName: string;
  /** PEM of the private key and the certificate that the service shows; absent: it has none. */
  clientCertificate?: string | undefined;
}

export interface RedisConnectionOutput {
  host: string;
  port: number;
  user: string;
  password: string;
  keyPrefix: string;
  caCertificate: string;
  serverName: string;
  /** PEM of the private key and the certificate that the service shows; absent: it has none. */
  clientCertificate?: string | undefined;
}

/** An identity at the bucket. */
export interface BucketKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** All that writing and reading backups takes. Secret as a whole. */
export interface BackupOutput {
  bucket: string;
  region: string;
  /** undefined: AWS. */
  endpoint?: string;
  /** PEM of the endpoint's authority; undefined: a public one. */
  caCertificate?: string;
  /** ARN. The bucket encrypts with it by default; a client that names a key must name this one. */
  kmsKey: string;
  /** By database host, sorted: may put objects below its own prefixes, and nothing else. */
  writers: Record<string, BucketKey & { prefixes: Record<string, string> }>;
  /** May list and read, for a restore. */
  reader: BucketKey;
  retention: BackupRetention;
}

/** How the program's admin logs in to a database server, for `estate` commands that work as it. Secret as a whole. */
export interface AdminOutput {
  host: string;
  port: number;
  user: string;
  password: string;
  caCertificate: string;
  serverName: string;
}

/** Where the rotation of one password stands. Days are UTC, `2026-01-31`. */
export interface RotationOutput {
  server: string;
  /** Name of the service user on its server. */
  service: string;
  generation: number;
  /** Day on which the generation began. */
  since: string;
  /** First day on which `up` makes the next one. */
  due: string;
  /** The generation before leaked. */
  leaked: boolean;
  /** Day on which it was published, and the grace window of the former one began. */
  published: string;
  /** The former password still logs in. */
  formerValid: boolean;
}

export interface StackOutputs {
  /** By database name, sorted. */
  connections: Record<string, ConnectionOutput>;
  /** By ACL user; empty where the stack has no Redis. */
  redis: Record<string, RedisConnectionOutput>;
  /** By server. */
  admins: Partial<Record<ServerName, AdminOutput>>;
  /** By database or Redis user. */
  rotations: Record<string, RotationOutput>;
  /** By database with sealed settings: secrets that wrap its keys, newest first. */
  wrappingSecrets: Record<string, string[]>;
  /** undefined: the stack has not made its bucket yet. */
  backup?: BackupOutput | undefined;
}
