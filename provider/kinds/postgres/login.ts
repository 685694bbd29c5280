/** A login slot as it is declared and as it is kept in the state. */
export interface LoginInputs {
  role: string;
  worksAs: string;
  /** Clear. In what `read` answers, `NOT_OURS` where the server's verifier is not one of the declared password. */
  password: string;
  login: boolean;
  /** 1..20; `read` may answer -1: no limit. */
  connectionLimit: number;
  /** By setting. `read` adds what nobody declared, `"statement_timeout in mo_idp"` for one database alone. */
  settings: Record<string, string>;
  /** Declared empty, always: `read` puts here what somebody gave by hand, so that a preview names it and an update mends it. */
  attributes: string[];
  memberships: string[];
  members: string[];
  /** `forever`; `read` may answer a time. */
  validUntil: string;
}

export const NOT_OURS = "not ours (changed on the server)";
export const FOREVER = "forever";

/** One row of pg_auth_members, seen from one of its two roles. */
export interface Membership {
  /** The other role. */
  role: string;
  grantor: string;
  admin: boolean;
  inherit: boolean;
  set: boolean;
}

export interface RoleSetting {
  name: string;
  value: string;
  /** null: in every database. */
  database: string | null;
}

/** A role as it stands on the server. */
export interface RoleOnServer {
  login: boolean;
  connectionLimit: number;
  /** null: no password. undefined: this admin may not read it. */
  verifier: string | null | undefined;
  /** Those a slot must not have: `SUPERUSER`, `CREATEDB`, `NOINHERIT`, ... */
  attributes: string[];
  validUntil: string;
  settings: RoleSetting[];
  /** Roles it is a member of. */
  memberships: Membership[];
  /** Roles that are members of it, without the admin. */
  members: Membership[];
}

/** The membership a slot has: it may become the role, and has nothing of it before. */
export function isWorkMembership(membership: Membership, worksAs: string): boolean {
  const { role, admin, inherit, set } = membership;
  return role === worksAs && !admin && !inherit && set;
}

/** All memberships but the one that makes the slot work. */
export function extraMemberships(server: RoleOnServer, worksAs: string): Membership[] {
  const wanted = server.memberships.find((membership) => isWorkMembership(membership, worksAs));
  return server.memberships.filter((membership) => membership !== wanted);
}

/** `svc_x`, or with what differs from the ordinary: `svc_x WITH ADMIN TRUE, INHERIT TRUE GRANTED BY mallory`. */
export function membershipText({ role, admin, inherit, set }: Membership): string {
  const options = [
    ...(admin ? ["ADMIN TRUE"] : []),
    ...(inherit ? ["INHERIT TRUE"] : []),
    ...(set ? [] : ["SET FALSE"]),
  ];
  return options.length === 0 ? role : `${role} WITH ${options.join(", ")}`;
}

/** Settings whose value is a list of names: quoted one by one, or PostgreSQL takes the whole for one name. */
const LISTS = new Set([
  "search_path",
  "temp_tablespaces",
  "session_preload_libraries",
  "local_preload_libraries",
]);

/** The names in such a list, without their quotes; undefined for an ordinary setting. */
export function listItems(setting: string, value: string): string[] | undefined {
  if (!LISTS.has(setting)) return undefined;
  const items = value.match(/"(?:[^"]|"")*"|[^,\s"][^,"]*/g) ?? [];
  return items.map((item) =>
    item.startsWith('"') ? item.slice(1, -1).replaceAll('""', '"') : item.trim().toLowerCase(),
  );
}

/** A setting's value as the server keeps it. */
export function storedValue(setting: string, value: string): string {
  const items = listItems(setting, value);
  if (!items) return value;
  return items
    .map((item) => (/^[a-z_][a-z0-9_$]*$/.test(item) ? item : `"${item.replaceAll('"', '""')}"`))
    .join(", ");
}
