export interface HbaArgs {
  admin: string;
  /** The only address that reaches the server. */
  pleskAddress: string;
  databases: readonly { database: string; logins: readonly string[] }[];
}

/**
 * pg_hba.conf: each service's login slots into its own database, the admin everywhere, both over TLS from the web host
 * only; on the host itself the engine's own user. Whatever else comes meets the last lines.
 */
export function pgHba({ admin, pleskAddress, databases }: HbaArgs): string {
  const source = pleskAddress.includes(":") ? `${pleskAddress}/128` : `${pleskAddress}/32`;
  const rules = [
    ["local", "all", "postgres", "", "peer"],
    ["hostssl", "all", admin, source, "scram-sha-256"],
    ...[...databases]
      .sort((a, b) => (a.database < b.database ? -1 : 1))
      .map(({ database, logins }) => ["hostssl", database, logins.join(","), source, "scram-sha-256"]),
    ["local", "all", "all", "", "reject"],
    ["host", "all", "all", "all", "reject"],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rules.map((rule) => rule[column]?.length ?? 0)));
  const lines = rules.map((rule) => rule.map((word, column) => word.padEnd(widths[column] ?? 0)).join("  "));
  return ["# Written by the estate program; changes by hand are overwritten.", ...lines].join("\n");
}
