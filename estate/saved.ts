import { serversOf, traitsOf } from "./servers";
import type { DatabaseEntry, RedisUserEntry, ServerName } from "./types";

/** What backups save: databases, and the queues of Redis. */

/** A Redis user whose instance is a queue; in backups it bears that user's name, which no database has. */
export interface QueueEntry extends RedisUserEntry {
  engine: "redis";
  server: ServerName;
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
  const [server = ""] = serversOf("redis");
  return [
    ...databases,
    ...queues.map((user): QueueEntry => ({ ...user, engine: "redis", server, backup: "daily" })),
  ];
}

/** Why a Redis user is in no backup; undefined: it is in them, or it is no Redis user. */
export function unsavedReason(name: string, redisUsers: readonly RedisUserEntry[]): string | undefined {
  const cache = redisUsers.find((user) => user.name === name && user.use === "cache");
  return cache && `${name} is a cache, which no backup takes: what it holds is made anew from its database`;
}

/** What the keys of its copies begin with, which says how long they are kept. */
export function keptUnder(host: ServerName): "daily" | "queue" {
  return traitsOf(host).engine === "redis" ? "queue" : "daily";
}

/** Whether users and roles are saved beside its databases. Those of Redis the program makes anew. */
export function hasAccounts(host: ServerName): boolean {
  return traitsOf(host).engine !== "redis";
}
