import { databases } from "../../estate/catalogue";
import { traitsOf } from "../../estate/servers";
import type { DatabaseEntry } from "../../estate/types";
import { mariadbOn, postgresOn, type Sql } from "./hosts";
import { mariadbSnapshot } from "./snapshot/mariadb";
import { postgresSnapshot } from "./snapshot/postgres";
import type { Snapshot } from "./snapshot/types";

export type Server = DatabaseEntry["server"];

/** A server's own client. */
export type Servers = (server: Server) => Sql;

export const labServers: Servers = (server) =>
  (traitsOf(server).engine === "postgres" ? postgresOn : mariadbOn)(server);

export const live: readonly DatabaseEntry[] = databases.filter(({ state }) => state === "live");

/** Databases by their server. */
export function byServer(entries: readonly DatabaseEntry[]): [Server, DatabaseEntry[]][] {
  const servers = [...new Set(entries.map(({ server }) => server))];
  return servers.map((server) => [server, entries.filter((entry) => entry.server === server)]);
}

/** One text for each server, all servers at once. Gives what they answered, one after the other. */
export async function onEach(
  servers: Servers,
  entries: readonly DatabaseEntry[],
  text: (entry: DatabaseEntry) => string,
): Promise<string> {
  const answers = await Promise.all(
    byServer(entries).map(([server, own]) => servers(server)(own.map(text).join(""))),
  );
  return answers.join("");
}

export async function takeSnapshot(servers: Servers, entries: readonly DatabaseEntry[]): Promise<Snapshot> {
  const parts = await Promise.all(
    byServer(entries).map(([server, own]) => {
      const names = own.map(({ name }) => name);
      return (own[0]?.engine === "postgres" ? postgresSnapshot : mariadbSnapshot)(servers(server), names);
    }),
  );
  return new Map(parts.flatMap((part) => [...part]));
}
