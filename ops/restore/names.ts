import { couldNotTell } from "../exit";

/** Names beside a database's own while it is restored. Both fit into 63 characters with every name that is allowed. */
export interface RestoreNames {
  /** What the backup is loaded into. */
  scratch: string;
  /** What the live one is kept under. */
  replaced: string;
}

/** `at`: when the restore began. */
export function restoreNames(database: string, at: Date): RestoreNames {
  const stamp = at.toISOString().slice(0, 19).replace(/[-:]/g, "").toLowerCase();
  return { scratch: `${database}__restoring`, replaced: `${database}__replaced_${stamp}z` };
}

const SYSTEM = [
  "information_schema",
  "mysql",
  "performance_schema",
  "sys",
  "phpmyadmin",
  "psa",
  "postgres",
  "template0",
  "template1",
];

/** Throws on a name that `--into` must not make: a declared one's, a server's own, one of a restore. */
export function requireNewName(name: string, declared: readonly string[]): void {
  const refuse = (why: string) => couldNotTell(`--into ${name}: ${why}`);
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(name)) {
    throw refuse("use up to 40 lower-case letters, digits and underscores, a letter first");
  }
  if (declared.includes(name)) {
    throw refuse(
      "the catalogue declares that database. Leave --into out to restore it, or take another name",
    );
  }
  if (SYSTEM.includes(name)) throw refuse("that is a database of the server's own. Take another name");
  if (name.includes("__")) throw refuse("names with __ are a restore's own. Take another name");
}
