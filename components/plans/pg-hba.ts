import { withPrefix } from "../../connect/address";
import { BACKUP_LOGINS } from "../../estate/naming";
import type { Reach } from "../../estate/reachability";

const { reader, copier } = BACKUP_LOGINS;

/** Of one restore, and gone after it: the rest of the name follows from the scratch database's. */
export const LOADER = "estate_restore_[0-9a-f]+";

/** pg_ident.conf: the system users of backup and restore, and who they may be in PostgreSQL. */
export const PG_IDENT = `# Written by the estate program; changes by hand are overwritten.
estate  estate-backup   ${reader}
estate  estate-backup   ${copier}
estate  estate-restore  /^${LOADER}$`;

/**
 * pg_hba.conf from the PostgreSQL host's part of the reachability table: each service's login slots into its own database,
 * the admin everywhere, both over TLS from where the table says, with a client's certificate where it says so; on the host itself the engine's own user and the system users
 * of backup and restore, who are only who pg_ident.conf says. Whatever else comes meets the last lines.
 */
export function pgHba(reach: readonly Reach[]): string {
  const doors = reach.flatMap((row) => (row.service === "postgres" ? [row] : []));
  const order = (database: string | undefined) => database ?? "";
  const rules = [
    ["local", "all", "postgres", "", "peer"],
    ["local", "all", reader, "", "peer map=estate"],
    ["local", "all", `/^${LOADER}$`, "", "peer map=estate"],
    // The physical copies of the backup, which a database "all" does not mean.
    ["local", "replication", copier, "", "peer map=estate"],
    ...doors
      .sort((a, b) => (order(a.database) < order(b.database) ? -1 : 1))
      .map(({ database, logins, from, clientCertificate }) => [
        "hostssl",
        database ?? "all",
        logins.join(","),
        withPrefix(from),
        // Signed by an authority that the server trusts, and made out to the very login.
        clientCertificate === "required" ? "scram-sha-256 clientcert=verify-full" : "scram-sha-256",
      ]),
    ["local", "all", "all", "", "reject"],
    ["host", "all", "all", "all", "reject"],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rules.map((rule) => rule[column]?.length ?? 0)));
  const lines = rules.map((rule) => rule.map((word, column) => word.padEnd(widths[column] ?? 0)).join("  "));
  return ["# Written by the estate program; changes by hand are overwritten.", ...lines].join("\n");
}
