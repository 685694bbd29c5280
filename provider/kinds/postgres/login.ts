import { quoteIdentifier } from "../../../text/postgres";

/** How a service logs in, as it is declared. */
export interface LoginInputs {
  /** The service's NOLOGIN role. Its slots are this name with `_a` and `_b`. */
  worksAs: string;
  /** Clear. In what `read` answers, `NOT_OURS` where the verifier of the slot in use is not one of it. */
  password: string;
  /** `keep`: a password that is replaced logs in at its own slot until it is retired. `refuse`: not a moment longer. */
  formerPassword: "keep" | "refuse";
  /** Database in which a new password is tried before it counts as written; null: it is not tried. */
  probe: string | null;
  /** Of each slot; 1..20. */
  connectionLimit: number;
  /** Of each slot, by setting. */
  settings: Record<string, string>;
  /** PEM of the private key and the certificate of each slot, which a new password is tried with; null: none. */
  clientCertificates: Record<string, string> | null;
  /** true: pg_hba.conf asks for it, and the password alone must open nothing. */
  requireClientCertificate: true | null;
  /** Declared empty, always: `read` puts here what is otherwise by hand, so that a preview names it and an update mends it. */
  slots: Record<string, SlotDrift>;
}

export interface LoginState extends LoginInputs {
  /** The slot that the password logs in at. */
  role: string;
  /** Verifier of the other slot while a replaced password logs in there; empty: it is closed. */
  former: string;
}

/** Those fields of a slot that are otherwise than declared, and how they are. */
export interface SlotDrift {
  /** There is no such role. */
  missing?: true;
  /** true: a closed slot was opened, or has another password. false: the slot in use was closed. */
  login?: boolean;
  /** -1: no limit. */
  connectionLimit?: number;
  /** `"statement_timeout in mo_idp"` is for one database alone; null: not set. */
  settings?: Record<string, string | null>;
  attributes?: string[];
  /** It cannot become the service's role, or not as it should. */
  worksAs?: "not as declared";
  memberships?: string[];
  members?: string[];
  validUntil?: string;
}

/** One slot as it should be. */
export interface Slot {
  role: string;
  worksAs: string;
  login: boolean;
  connectionLimit: number;
  settings: Record<string, string>;
}

/** Stands for a verifier that this admin may not read. */
export const UNREADABLE = "not readable";
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
  return items.map((item) => (/^[a-z_][a-z0-9_$]*$/.test(item) ? item : quoteIdentifier(item))).join(", ");
}
