import {
  databasePattern,
  passwordHash,
  quoteAccount,
  quoteIdentifier,
  quoteString,
} from "../../../text/mariadb";
import type { AccountInputs, AccountOnServer, DeclaredGrant, Grant, GrantObject } from "./account";
import { objectKey } from "./account";
import { isForeign } from "./drift";
import { loginClauses, sameRequirement } from "./sql";

/** Statements that make an account what is declared, in the order to run them. */
export interface Plan {
  statements: string[];
  /** Open sessions hold what is taken away; they have to end (a session keeps SELECT on its open database). */
  endSessions: boolean;
}

/** CREATE, closed until its grants are in place. Harmless where the account exists. */
export function createStatement(account: AccountInputs): string {
  return `CREATE USER IF NOT EXISTS ${quoteAccount(account)} ${loginClauses(login(account))} ACCOUNT LOCK`;
}

/**
 * DROP and CREATE in one: whatever the account had is gone with it. For what the admin may not revoke one by one, a
 * privilege that it does not hold itself.
 */
export function replaceStatement(account: AccountInputs): string {
  return `CREATE OR REPLACE USER ${quoteAccount(account)} ${loginClauses(login(account))} ACCOUNT LOCK`;
}

/**
 * From what stands to what is declared: first lock (where declared), log-in and what is missing, then what is extra,
 * last unlock, so that a service never lacks for a moment what it has before and after.
 * @param knownPasswords those of the last run. Retiring one of them while the newest stays is the ordinary end of a
 *   rotation, which ends no session; a password that nobody declared or that is replaced outright is taken for leaked.
 * @param former hashes that go on logging in beside the declared passwords
 */
export function planAccount(
  wanted: AccountInputs,
  actual: AccountOnServer,
  knownPasswords: string[],
  former: readonly string[] = [],
): Plan {
  const name = quoteAccount(wanted);
  const grants = planGrants(name, wanted.grants.map(toGrant), actual.grants);
  const strangers = actual.otherHosts.filter((host) => !wanted.otherHosts.includes(host));
  const locks = wanted.locked && !actual.locked;
  const unlocks = !wanted.locked && actual.locked;
  return {
    statements: [
      ...(locks ? [`ALTER USER ${name} ACCOUNT LOCK`] : []),
      ...(sameLogin(wanted, actual, former)
        ? []
        : [`ALTER USER ${name} ${loginClauses(login(wanted, former))}`]),
      ...grants.missing,
      ...grants.extra,
      ...strangers.map((host) => `DROP USER IF EXISTS ${quoteAccount({ user: wanted.user, host })}`),
      ...(unlocks ? [`ALTER USER ${name} ACCOUNT UNLOCK`] : []),
    ],
    endSessions:
      locks ||
      grants.extra.length > 0 ||
      strangers.length > 0 ||
      passwordLeaked(wanted, actual, knownPasswords, former),
  };
}

/**
 * Hashes that go on logging in beside the declared passwords: that of a password which is replaced in this run, and those
 * that were replaced before and have not been retired on the server since.
 */
export function formerHashes(
  wanted: Pick<AccountInputs, "passwords" | "formerPassword">,
  actual: Pick<AccountOnServer, "alternatives">,
  before: { passwords: readonly string[]; former: readonly string[] },
): string[] {
  if (wanted.formerPassword === "refuse") return [];
  const replaced = before.passwords.filter((password) => !isForeign(password)).map(passwordHash);
  const there = new Set(actual.alternatives.map(({ hash }) => hash));
  const declared = wanted.passwords.map(passwordHash);
  const former = new Set([...replaced, ...before.former.filter((hash) => there.has(hash))]);
  return [...former].filter((hash) => !declared.includes(hash));
}

function login({ passwords, require, maxUserConnections }: AccountInputs, former: readonly string[] = []) {
  return { hashes: [...passwords.map(passwordHash), ...former], require, maxUserConnections };
}

function sameLogin(wanted: AccountInputs, actual: AccountOnServer, former: readonly string[]): boolean {
  const { hashes } = login(wanted, former);
  const same =
    actual.alternatives.length === hashes.length &&
    actual.alternatives.every(
      ({ plugin, hash }, at) => plugin === "mysql_native_password" && hash === hashes[at],
    );
  return (
    same &&
    sameRequirement(actual.require, wanted.require) &&
    actual.maxUserConnections === wanted.maxUserConnections
  );
}

function passwordLeaked(
  wanted: AccountInputs,
  actual: AccountOnServer,
  knownPasswords: string[],
  former: readonly string[],
): boolean {
  const kept = new Set(login(wanted, former).hashes);
  const known = new Set(knownPasswords.map(passwordHash));
  const removed = actual.alternatives.filter(({ hash }) => !kept.has(hash));
  const newestStays = actual.alternatives.some(
    ({ hash }) => hash === passwordHash(wanted.passwords[0] ?? ""),
  );
  return (
    removed.some(({ hash }) => !known.has(hash)) || (removed.length > 0 && !newestStays && kept.size === 1)
  );
}

function toGrant({ database, table, privileges }: DeclaredGrant): Grant {
  const object: GrantObject =
    table === undefined
      ? { on: "databases", pattern: databasePattern(database) }
      : { on: "table", database, table };
  return { object, privileges };
}

function planGrants(name: string, wanted: Grant[], actual: Grant[]): { missing: string[]; extra: string[] } {
  const has = new Map(actual.map((grant) => [objectKey(grant.object), grant]));
  const wants = new Map(wanted.map((grant) => [objectKey(grant.object), grant]));
  const missing = wanted.flatMap(({ object, privileges }) => {
    const there = has.get(objectKey(object))?.privileges ?? [];
    const lacking = privileges.filter((privilege) => !there.includes(privilege));
    return lacking.length > 0 ? [`GRANT ${lacking.join(", ")} ON ${objectSql(object)} TO ${name}`] : [];
  });
  const extra = actual.flatMap(({ object, privileges }) => {
    const allowed = wants.get(objectKey(object))?.privileges ?? [];
    return privileges
      .filter((privilege) => !allowed.includes(privilege))
      .map((privilege) => revoke(name, object, privilege));
  });
  return { missing, extra };
}

function revoke(name: string, object: GrantObject, privilege: string): string {
  const role = /^ROLE (.+?)( WITH ADMIN OPTION)?$/s.exec(privilege)?.[1];
  if (role !== undefined) return `REVOKE ${quoteIdentifier(role)} FROM ${name}`;
  const proxied = /^PROXY (.*)$/s.exec(privilege)?.[1];
  if (proxied !== undefined) return `REVOKE PROXY ON ${proxied} FROM ${name}`;
  const column = /^(.+?) \((.*)\)$/s.exec(privilege);
  const what = column ? `${column[1]} (${quoteIdentifier(column[2] ?? "")})` : privilege;
  return `REVOKE ${what} ON ${objectSql(object)} FROM ${name}`;
}

function objectSql(object: GrantObject): string {
  switch (object.on) {
    case "everything":
      return "*.*";
    case "databases":
      return `${quoteIdentifier(object.pattern)}.*`;
    case "table":
      return `${quoteIdentifier(object.database)}.${quoteIdentifier(object.table)}`;
    case "routine":
      return `${object.type} ${quoteIdentifier(object.database)}.${quoteIdentifier(object.routine)}`;
  }
}

/** Ends every session of the user, whatever host it is from: KILL USER with a host misses those known by name. */
export function endSessionsStatement(user: string): string {
  return `KILL HARD USER ${quoteString(user)}`;
}
