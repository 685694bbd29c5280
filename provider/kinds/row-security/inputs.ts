import type { Grants } from "../postgres/access";

/** A role that a session takes for one transaction. Nobody logs in as it. */
export interface IdentityRole {
  /** Who may take it: members INHERIT FALSE, SET TRUE. Empty: nobody, only functions work as it. */
  members: string[];
  /** Declared empty, always: `read` puts here what somebody gave by hand. */
  memberOf: string[];
  attributes: string[];
}

/** One policy. In what `read` answers, expressions that are not as declared are as PostgreSQL prints them. */
export interface RowPolicy {
  table: string;
  /** Unique on its table. */
  name: string;
  for: "select" | "insert" | "update" | "delete" | "all";
  to: string[];
  /** Left out: permissive. */
  as?: "restrictive";
  using?: string;
  withCheck?: string;
}

/**
 * `off`: no row security, declared so. The others are drift: the owner passes, or everybody; a statement may change its context
 * while it writes.
 */
export type TableState = "forced" | "not forced" | "context not held" | "off";

/** Row security of one database as a program declares it. */
export interface RowSecurityArgs {
  database: string;
  /** Where the tables are; names of tables, views and indexes below are in it. */
  schema: string;
  /** Owner of the database's tables, and of schema `context`. */
  owner: string;
  service: string;
  identities: Record<string, Pick<IdentityRole, "members">>;
  /** Each table of the schema: `forced`, or `off` for one that has no row security. */
  tables: Record<string, "forced" | "off">;
  /** Why a table that is `off` needs no row security. Declared only: a server knows nothing of it. */
  exceptions: Record<string, string>;
  /** By a name that says what for: `users.member.select`. Complete: any other policy of the database is dropped. */
  policies: Record<string, RowPolicy>;
  /** By table: columns one of which has to lead an index, `team_id` or `team_id | user_id`. Created when missing, never dropped. */
  indexes: Record<string, string[]>;
  views: Record<string, "security_invoker">;
  /** As those of estate:postgres:Access, on schemas and what is in them; complete for every schema of the database. */
  grants: Grants;
}

export interface RowSecurityInputs extends RowSecurityArgs {
  /** Keys that contexts are signed with, by id. `read` answers `NOT_OURS` for one that is unknown or another. */
  keys: Record<string, string>;
  identities: Record<string, IdentityRole>;
  tables: Record<string, "forced" | "off">;
  /** Declared empty, always. */
  ownerMembers: string[];
  /** Roles that the service is a member of beside the identities. Declared empty, always. */
  serviceMemberOf: string[];
  /** Functions of large objects that everybody may call: such an object has no row security. Declared empty, always. */
  largeObjects: string[];
  /** Functions that take an advisory lock and that everybody may call. Declared empty, always. */
  advisoryLocks: string[];
  /** Columns of which EXPLAIN tells the values of all tenants: `public.users.email`. Declared empty, always. */
  statistics: string[];
  /** What is in schema `context`: fingerprints of definition and owner. Filled in by check. */
  context: Record<string, string>;
}

export const NOT_OURS = "not ours (changed on the server)";

/** Names of this kind's own. */
export const CONTEXT_SCHEMA = "context";
