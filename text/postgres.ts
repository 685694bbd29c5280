/** SQL text. Pure. Literals are written for standard_conforming_strings, the default since 9.1. */

/** `"svc_x"`, always in quotes. Throws on a NUL, which no PostgreSQL name can hold. */
export function quoteIdentifier(name: string): string {
  if (name.includes("\0")) throw new Error("a PostgreSQL name cannot hold a NUL character");
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'it''s'`. A backslash makes it an E string, so that its meaning does not hang on a setting of the session. */
export function quoteString(text: string): string {
  if (text.includes("\0")) throw new Error("a PostgreSQL string cannot hold a NUL character");
  const doubled = text.replaceAll("'", "''");
  return text.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}

/** What a role, schema or database is called without quotes: at most 63 bytes, lower case. */
export const PLAIN_NAME = /^[a-z_][a-z0-9_$]{0,62}$/;

/** A name as it is written in a key: plain where it can be, else in double quotes. */
export function nameInKey(name: string): string {
  return PLAIN_NAME.test(name) ? name : quoteIdentifier(name);
}
