import type { HostName } from "./reachability";
import { traitsOf } from "./servers";
import type { DatabaseEntry, Engine, RedisUserEntry } from "./types";

/** What backups save: databases, and the queues of Redis. */

export type SavedEngine = Engine | "redis";

/** A Redis user whose instance is a queue; in backups it bears that user's name, which no database has. */
export interface QueueEntry extends RedisUserEntry {
  engine: "redis";
  server: "redis";
  /** No law asks for what waited to be done. */
  backup: "daily";
}

export type SavedEntry = DatabaseEntry | QueueEntry;

interface Declared {
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}

export function savedOf({ databases, redisUsers }: Declared): SavedEntry[] {
  const queues = redisUsers.filter(({ use }) => use === "queue");
  return [
    ...databases,
    ...queues.map((user): QueueEntry => ({ ...user, engine: "redis", server: "redis", backup: "daily" })),
  ];
}

/** Why a Redis user is in no backup; undefined: it is in them, or it is no Redis user. */
export function unsavedReason(name: string, redisUsers: readonly RedisUserEntry[]): string | undefined {
  const cache = redisUsers.find((user) => user.name === name && user.use === "cache");
  return cache && `${name} is a cache, which no backup takes: what it holds is made anew from its database`;
}

export function engineOn(host: HostName): SavedEngine {
  return ofDatabases(host)?.engine ?? "redis";
}

const ofDatabases = (host: string) => traitsOf(host);

/** What the keys of its copies begin with, which says how long they are kept. */
export function keptUnder(host: HostName): "daily" | "queue" {
  return ofDatabases(host) ? "daily" : "queue";
}

/** Whether users and roles are saved beside its databases. Those of Redis the program makes anew. */
export function hasAccounts(host: HostName): boolean {
  return ofDatabases(host) !== undefined;
}
