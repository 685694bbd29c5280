import { withPrefix } from "../../connect/address";
import type { Reach } from "../../estate/reachability";

/**
 * pg_hba.conf from the PostgreSQL host's part of the reachability table: each service's login slots into its own database,
 * the admin everywhere, both over TLS from where the table says; on the host itself the engine's own user. Whatever else
 * comes meets the last lines.
 */
export function pgHba(reach: readonly Reach[]): string {
  const doors = reach.flatMap((row) => (row.service === "postgres" ? [row] : []));
  const order = (database: string | undefined) => database ?? "";
  const rules = [
    ["local", "all", "postgres", "", "peer"],
    // The physical copies of the backup, which a database "all" does not mean.
    ["local", "replication", "postgres", "", "peer"],
    ...doors
      .sort((a, b) => (order(a.database) < order(b.database) ? -1 : 1))
      .map(({ database, logins, from }) => [
        "hostssl",
        database ?? "all",
        logins.join(","),
        withPrefix(from),
        "scram-sha-256",
      ]),
    ["local", "all", "all", "", "reject"],
    ["host", "all", "all", "all", "reject"],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rules.map((rule) => rule[column]?.length ?? 0)));
  const lines = rules.map((rule) => rule.map((word, column) => word.padEnd(widths[column] ?? 0)).join("  "));
  return ["# Written by the estate program; changes by hand are overwritten.", ...lines].join("\n");
}
