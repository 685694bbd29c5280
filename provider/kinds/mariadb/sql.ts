import { quoteString } from "../../../text/mariadb";
import type { Requirement } from "./account";

/** Clauses of accounts. Pure. */

/** How an account may log in, as CREATE USER and ALTER USER say it; hashes only. */
export function loginClauses(account: {
  hashes: string[];
  require: Requirement;
  maxUserConnections: number;
}): string {
  const alternatives = account.hashes
    .map((hash) => `mysql_native_password USING ${quoteString(hash)}`)
    .join(" OR ");
  return `IDENTIFIED VIA ${alternatives} REQUIRE ${requirement(account.require)} WITH MAX_USER_CONNECTIONS ${account.maxUserConnections}`;
}

function requirement(require: Requirement): string {
  if (typeof require === "string") return require;
  return `SUBJECT ${quoteString(require.subject)} AND ISSUER ${quoteString(require.issuer)}`;
}

export function sameRequirement(one: Requirement, other: Requirement): boolean {
  return requirement(one) === requirement(other);
}
