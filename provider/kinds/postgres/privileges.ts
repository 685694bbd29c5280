import { nameInKey, quoteIdentifier } from "../../../text/postgres";
import type { GrantKey } from "./grant-key";

export type PrivilegeKind = "database" | "schema" | "table" | "sequence" | "function" | "type";

/** In the order in which they are written. */
const KNOWN: Record<PrivilegeKind, readonly string[]> = {
  database: ["CONNECT", "CREATE", "TEMPORARY"],
  schema: ["USAGE", "CREATE"],
  table: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"],
  sequence: ["USAGE", "SELECT", "UPDATE"],
  function: ["EXECUTE"],
  type: ["USAGE"],
};
const OF_COLUMNS = ["SELECT", "INSERT", "UPDATE", "REFERENCES"];
const ORDER = ["ALL", "CONNECT", "USAGE", "CREATE", "TEMPORARY", "EXECUTE", ...KNOWN.table];

/** Server version (160014: 16.14) from which a privilege exists. */
const SINCE: Record<string, number> = { MAINTAIN: 170000 };

/** What privileges an object has: those of its kind; of default privileges and of whole schemas, those of the objects. */
export function privilegeKind(object: GrantKey["object"]): PrivilegeKind {
  return object.kind === "default" || object.kind === "all" ? object.of : object.kind;
}

/** One privilege as it is held: `SELECT`, `SELECT (email)`; drift may be `SELECT WITH GRANT OPTION`, `SELECT GRANTED BY y`. */
export interface Privilege {
  name: string;
  column?: string | undefined;
  /** The right to pass it on; the privilege itself stands beside it. */
  grantOption?: boolean;
  /** Who gave it, where that is not the owner of the object. */
  grantor?: string | undefined;
}

export function privilegeText({ name, column, grantOption, grantor }: Privilege): string {
  return [
    name,
    ...(column === undefined ? [] : [`(${nameInKey(column)})`]),
    ...(grantOption ? ["WITH GRANT OPTION"] : []),
    ...(grantor === undefined ? [] : [`GRANTED BY ${nameInKey(grantor)}`]),
  ].join(" ");
}

export function privilegeSql({ name, column }: Privilege): string {
  return column === undefined ? name : `${name} (${quoteIdentifier(column)})`;
}

const NAME = '("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const PRIVILEGE = new RegExp(`^([A-Z]+)(?: \\(${NAME}\\))?( WITH GRANT OPTION)?(?: GRANTED BY ${NAME})?$`);

/** Reads what `privilegeText` writes; undefined for anything else (`lacks SELECT`). */
export function parsePrivilege(text: string): Privilege | undefined {
  const found = PRIVILEGE.exec(text);
  if (!found) return undefined;
  const [, name = "", column, grantOption, grantor] = found;
  return {
    name,
    ...(column === undefined ? {} : { column: plain(column) }),
    ...(grantOption === undefined ? {} : { grantOption: true }),
    ...(grantor === undefined ? {} : { grantor: plain(grantor) }),
  };
}

function plain(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** A declared privilege as it is kept, or what is wrong with it. */
export function declaredPrivilege(
  text: string,
  object: GrantKey["object"],
): { privilege: string } | { fault: string } {
  const kind = privilegeKind(object);
  // Only the words are upper-cased: the name of a column is as it is.
  const written = text.trim().replace(/^[^("]+/, (words) => words.toUpperCase());
  if (/WITH GRANT OPTION/.test(written)) {
    return { fault: "no service passes privileges on; leave WITH GRANT OPTION out" };
  }
  const found = parsePrivilege(written.replace(/^TEMP$/, "TEMPORARY").replace(/^ALL PRIVILEGES$/, "ALL"));
  const known = found?.column === undefined ? ["ALL", ...KNOWN[kind]] : OF_COLUMNS;
  if (!found || found.grantor !== undefined || !known.includes(found.name)) {
    return {
      fault: `${JSON.stringify(text)} is no privilege of a ${kind}; use ${["ALL", ...KNOWN[kind]].join(", ")}`,
    };
  }
  if (found.column !== undefined && object.kind !== "table") {
    return {
      fault: `${JSON.stringify(text)}: a column can only be named with one table, "x on table public.users"`,
    };
  }
  return { privilege: privilegeText(found) };
}

/** What a declared privilege stands for on a server of this version. */
export function expand(texts: readonly string[], kind: PrivilegeKind, serverVersion: number): Privilege[] {
  const existing = KNOWN[kind].filter((name) => (SINCE[name] ?? 0) <= serverVersion);
  if (texts.includes("ALL")) return existing.map((name) => ({ name }));
  return texts.map(parsePrivilege).filter((privilege) => privilege !== undefined);
}

/** Why a server of this version cannot have the privilege; undefined where it can. */
export function tooOldFor(text: string, serverVersion: number): string | undefined {
  const since = SINCE[parsePrivilege(text)?.name ?? ""];
  if (since === undefined || since <= serverVersion) return undefined;
  return `${text} needs PostgreSQL ${since / 10_000}; this server is ${Math.floor(serverVersion / 10_000)}`;
}

/** Sorted as they are usually written, each once; ALL stands for the rest. */
export function sortPrivileges(texts: Iterable<string>): string[] {
  const once = [...new Set(texts)];
  const rank = (text: string) => {
    const at = ORDER.indexOf(text.split(" ")[0] ?? "");
    return at === -1 ? ORDER.length : at;
  };
  const sorted = once.sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
  const plainOnly = sorted.filter((text) => !KNOWN_ALONE.has(text));
  return sorted.includes("ALL") ? ["ALL", ...plainOnly.filter((text) => text !== "ALL")] : sorted;
}

const KNOWN_ALONE = new Set(Object.values(KNOWN).flat());
