import type { DatabaseEntry } from "../../estate/types";
import type { PostgresJob } from "../../provider/resources";

/** The jobs of a server's live databases, each as the owner of the database's tables. A retired one has none. */
export function postgresJobs(databases: readonly DatabaseEntry[]): Record<string, PostgresJob> {
  return Object.fromEntries(
    databases.flatMap((entry) => {
      if (entry.engine !== "postgres" || entry.state !== "live") return [];
      return entry.jobs.map(({ name, schedule, call }) => [
        `${entry.name}/${name}`,
        { schedule, runAs: entry.owner, call },
      ]);
    }),
  );
}
