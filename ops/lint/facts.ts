import type { Expression } from "./expressions";

/** What a database says of itself, as far as row-level security stands on it. Objects of extensions and of PostgreSQL are left out. */
export interface DatabaseFacts {
  database: string;
  relations: RelationFact[];
  policies: PolicyFact[];
  functions: FunctionFact[];
  indexes: IndexFact[];
  foreignKeys: ForeignKeyFact[];
  /** Those that are not columns' own: a serial's goes with its table. */
  sequences: (Owned & { schema: string; name: string })[];
  schemas: (Owned & { name: string })[];
  /** The database itself, and everything in it that is no relation, sequence, function or schema. `at`: `type public.mood`. */
  others: (Owned & { at: string })[];
  /** Who but its owner may make something in a schema. */
  creators: { schema: string; owner: string; role: string }[];
  /** What reaches beyond the tables of the database. */
  beyond: { at: string; fault: string }[];
  extensions: ExtensionFact[];
  collations: CollationFact[];
  /** Of the whole server. */
  roles: RoleFact[];
  /** Of the whole server, without those that copy rows of a backup while it is made. */
  slots: string[];
  databases: DatabaseFact[];
  /** Of the functions that policies call, by `schema.name`: the loosest of those with the name. */
  volatility: ReadonlyMap<string, Volatility>;
}

export interface Owned {
  owner: string;
}

/** One of the server's. */
export interface DatabaseFact {
  name: string;
  /** Versions of its collation: see CollationFact. */
  recorded: string | null;
  actual: string | null;
}

export interface ExtensionFact extends Owned {
  name: string;
  installed: string;
  /** The version that CREATE EXTENSION would make; null: its files are gone. */
  offered: string | null;
}

export interface CollationFact {
  /** `database`, or `collation de_AT`. */
  at: string;
  /** When it was made, or its indexes were last built anew; null: nobody knows. */
  recorded: string | null;
  /** Of the system's library; null: it has none of that name. */
  actual: string | null;
}

export type Volatility = "immutable" | "stable" | "volatile";

export interface RelationFact {
  schema: string;
  name: string;
  kind: "table" | "view" | "materialized view" | "foreign table";
  owner: string;
  /** Of a partitioned table, or a child of another one: its rows are seen through the parent. */
  partition: boolean;
  rowSecurity: boolean;
  forced: boolean;
  /** Of a view: security_invoker. */
  invoker: boolean;
  primaryKey: boolean;
  /** Of a view: the relations that it reads, `schema.name`. */
  reads: string[];
  grants: Grant[];
}

/** To whom but the owner; a privilege on columns counts. */
export interface Grant {
  /** `public`: everybody. */
  grantee: string;
  privilege: string;
}

export interface PolicyFact {
  schema: string;
  table: string;
  name: string;
  command: "select" | "insert" | "update" | "delete" | "all";
  permissive: boolean;
  /** `public`: everybody. */
  roles: string[];
  using?: Expression;
  check?: Expression;
}

export interface FunctionFact extends Owned {
  schema: string;
  /** `open_loans(uuid)` */
  signature: string;
  definer: boolean;
  leakproof: boolean;
  /** The schemas of its own search_path, in their order; undefined: it has none. */
  searchPath: string[] | undefined;
  /** Who but the owner may call it. */
  callers: string[];
  /** Its language lets it do what the server's own process may. */
  untrusted: boolean;
  trigger: boolean;
  body: string;
}

export interface IndexFact {
  schema: string;
  table: string;
  /** null: an expression. */
  columns: (string | null)[];
  /** Valid, B-tree or hash, over all rows: or all but those where one of its own columns is NULL. */
  whole: boolean;
}

export interface ForeignKeyFact {
  schema: string;
  table: string;
  name: string;
  columns: string[];
}

export interface RoleFact {
  name: string;
  superuser: boolean;
  bypassRls: boolean;
  login: boolean;
  /** The one that the server was made with, or the admin who asks. */
  admin: boolean;
  /** Roles that it may take (SET ROLE) or whose rights it has (INHERIT), directly. */
  becomes: string[];
}

export const nameOf = ({ schema, name }: Pick<RelationFact, "schema" | "name">) => `${schema}.${name}`;

/** Names of the roles that nothing binds: the admin's. */
export function superusersOf({ roles }: Pick<DatabaseFacts, "roles">): string[] {
  return roles.filter(({ superuser }) => superuser).map(({ name }) => name);
}
