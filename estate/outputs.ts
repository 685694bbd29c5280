import * as z from "zod";
import type { BackupRetention } from "./types";

/**
 * What the program exports and the `estate` command reads: one schema, from which the types follow. Everything that holds a password
 * is secret as a whole.
 */

/** One who logs in to a server, and by what the server is verified. */
const login = {
  /** As seen from the web host. */
  host: z.string(),
  port: z.number(),
  user: z.string(),
  password: z.string(),
  caCertificate: z.string(),
  /** Name in the server's certificate. */
  serverName: z.string(),
};

/** PEM of the private key and the certificate that the service shows; absent: it has none. */
const clientCertificate = z.string().optional();

const connection = z.object({
  ...login,
  server: z.string(),
  engine: z.enum(["mariadb", "postgres"]),
  database: z.string(),
  clientCertificate,
});
/** How a service logs in to its database. */
export type ConnectionOutput = z.infer<typeof connection>;

const redisConnection = z.object({ ...login, keyPrefix: z.string(), clientCertificate });
export type RedisConnectionOutput = z.infer<typeof redisConnection>;

const admin = z.object(login);
/** How the program's admin logs in to a database server, for `estate` commands that work as it. */
export type AdminOutput = z.infer<typeof admin>;

const bucketKey = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
/** An identity at the bucket. */
export type BucketKey = z.infer<typeof bucketKey>;

const retention: z.ZodType<BackupRetention> = z.object({
  localDays: z.number(),
  dailyDays: z.number(),
  // Of an `up` before queues were saved there is none.
  queueDays: z.number().default(30),
  recoveryDays: z.number(),
  noncurrentDays: z.number(),
  lockDays: z.number(),
  erasureDays: z.number(),
  archive: z.object({ years: z.number(), reason: z.string() }).optional(),
});

const backup = z.object({
  bucket: z.string(),
  region: z.string(),
  /** undefined: AWS. */
  endpoint: z.string().optional(),
  /** PEM of the endpoint's authority; undefined: a public one. */
  caCertificate: z.string().optional(),
  /** ARN. The bucket encrypts with it by default; a client that names a key must name this one. */
  kmsKey: z.string(),
  /** By database host, sorted: may put objects below its own prefixes, and nothing else. */
  writers: z.record(z.string(), bucketKey.extend({ prefixes: z.record(z.string(), z.string()) })),
  /** May list and read, for a restore. */
  reader: bucketKey,
  retention,
});
/** All that writing and reading backups takes. */
export type BackupOutput = z.infer<typeof backup>;

const rotation = z.object({
  server: z.string(),
  /** Name of the service user on its server. */
  service: z.string(),
  generation: z.number(),
  /** Day on which the generation began. */
  since: z.string(),
  /** First day on which `up` makes the next one. */
  due: z.string(),
  /** The generation before leaked. */
  leaked: z.boolean(),
  /** Day on which it was published, and the grace window of the former one began. */
  published: z.string(),
  /** The former password still logs in. */
  formerValid: z.boolean(),
});
/** Where the rotation of one password stands. Days are UTC, `2026-01-31`. */
export type RotationOutput = z.infer<typeof rotation>;

/** Outputs that an older program did not have are empty. */
export const stackOutputs = z.object({
  /** By database name, sorted. */
  connections: z.record(z.string(), connection),
  /** By ACL user; empty where the stack has no Redis. */
  redis: z.record(z.string(), redisConnection).default({}),
  /** By server. */
  admins: z.record(z.string(), admin).default({}),
  /** By database or Redis user. */
  rotations: z.record(z.string(), rotation).default({}),
  /** By database with sealed settings: secrets that wrap its keys, newest first. */
  wrappingSecrets: z.record(z.string(), z.array(z.string())).default({}),
  /** undefined: the stack has not made its bucket yet. */
  backup: backup.optional(),
});
export type StackOutputs = z.infer<typeof stackOutputs>;
