import { createHash } from "node:crypto";

/** SQL text of MariaDB. Pure. Literals are written for a session without ANSI_QUOTES. */

export interface AccountName {
  user: string;
  host: string;
}

/** `'it''s'`. Backslashes are doubled, for they escape in a string. */
export function quoteString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** `` `mo_crm` ``. A backslash means itself between backticks. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/**
 * A database's name as a grant on all its tables has to write it: `_` and `%` are wildcards there, and an unescaped
 * grant on `mo_crm` opens `moxcrm` too. Grants on one table take the plain name.
 */
export function databasePattern(database: string): string {
  return database.replace(/[\\_%]/g, "\\$&");
}

/** The database that a pattern names, or undefined where it holds a live wildcard and so names many. */
export function patternDatabase(pattern: string): string | undefined {
  const name = pattern.replace(/\\([\\_%])/g, "$1");
  return databasePattern(name) === pattern ? name : undefined;
}

export function quoteAccount({ user, host }: AccountName): string {
  return `${quoteString(user)}@${quoteString(host)}`;
}

/** What mysql_native_password stores: `*` and the upper-case hex of SHA-1 twice. */
export function passwordHash(password: string): string {
  const sha1 = (data: string | Buffer) => createHash("sha1").update(data).digest();
  return `*${sha1(sha1(password)).toString("hex").toUpperCase()}`;
}
