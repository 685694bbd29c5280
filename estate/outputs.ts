import type { Engine, ServerName } from "./types";

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
}

export interface RedisConnectionOutput {
  host: string;
  port: number;
  user: string;
  password: string;
  keyPrefix: string;
  caCertificate: string;
  serverName: string;
}

export interface StackOutputs {
  /** By database name, sorted. */
  connections: Record<string, ConnectionOutput>;
  /** By ACL user; empty where the stack has no Redis. */
  redis: Record<string, RedisConnectionOutput>;
}
