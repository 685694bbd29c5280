import { type AccountName, databasePattern, passwordHash, patternDatabase } from "../../../text/mariadb";
import type {
  AccountInputs,
  AccountOnServer,
  DeclaredGrant,
  Grant,
  GrantObject,
  LoginAlternative,
} from "./account";
import { objectKey } from "./account";

/** Stands in `passwords` for a way to log in that nobody declared. */
export const NOT_OURS = "not ours (changed on the server)";

/** Whether it stands for a password that nobody declared. */
export function isForeign(password: string): boolean {
  return password.startsWith("not ours (");
}

/**
 * What would have to be declared to have what stands. Declared grants keep their places and extras follow, so that a
 * preview compares like with like.
 * @param declared the inputs of the last run; undefined on import
 * @param former hashes that may log in beside the declared passwords
 */
export function accountAsDeclared(
  account: AccountName,
  actual: AccountOnServer,
  declared: AccountInputs | undefined,
  former: readonly string[] = [],
): AccountInputs {
  return {
    user: account.user,
    host: account.host,
    passwords: actual.alternatives
      .filter(({ hash }) => !former.includes(hash))
      .map((alternative) => passwordOf(alternative, declared?.passwords ?? [])),
    formerPassword: declared?.formerPassword ?? "refuse",
    probe: declared?.probe ?? null,
    require: actual.require,
    clientCertificate: declared?.clientCertificate ?? null,
    maxUserConnections: actual.maxUserConnections,
    locked: actual.locked,
    grants: grantsAsDeclared(actual.grants, declared?.grants ?? []),
    otherHosts: actual.otherHosts,
  };
}

/** The hash says which of the known passwords it is; the server never had the clear form. */
function passwordOf({ plugin, hash }: LoginAlternative, known: string[]): string {
  if (plugin !== "mysql_native_password") return `not ours (plugin ${plugin})`;
  return known.find((password) => passwordHash(password) === hash) ?? NOT_OURS;
}

function grantsAsDeclared(actual: Grant[], declared: DeclaredGrant[]): DeclaredGrant[] {
  const left = new Map(actual.map((grant) => [objectKey(grant.object), grant]));
  const expected = declared.map((grant): DeclaredGrant => {
    const { database, table } = grant;
    const key = objectKey(
      table === undefined
        ? { on: "databases", pattern: databasePattern(database) }
        : { on: "table", database, table },
    );
    const privileges = left.get(key)?.privileges ?? [];
    left.delete(key);
    return { ...grant, privileges };
  });
  return [
    ...expected,
    ...[...left.values()].map(({ object, privileges }) => ({ ...objectName(object), privileges })),
  ];
}

/** How an object that was not declared is named in a preview. */
function objectName(object: GrantObject): { database: string; table?: string } {
  switch (object.on) {
    case "everything":
      return { database: "*" };
    case "databases": {
      const database = patternDatabase(object.pattern);
      return { database: database ?? `every database like ${object.pattern}` };
    }
    case "table":
      return { database: object.database, table: object.table };
    case "routine":
      return { database: object.database, table: `${object.type} ${object.routine}` };
  }
}
