/**
 * The vocabulary of row-level security: who sees and changes which rows of which table. One declaration a database; the
 * roles, grants, policies, indexes, lints, tests and docs/row-level-security.md all follow from it. Plain data.
 *
 * An identity is a NOLOGIN role that the service takes for one transaction (`SET LOCAL ROLE`), together with a signed
 * context that says for whom: `set_config('app.context', <token>, true)`. The token names the role, the tenant, the subject
 * (the user) and an expiry; without a valid one that names the current role, every rule below gives no row. In SQL
 * `context.tenant()`, `context.subject()` and `context.role()` give what it says; the role is the database's
 * (`mcp_admin_member`), and not the identity's short name.
 */

/** `member`, `admin`, `auditor`, ...; `service` is the service's own role, which background work uses without SET ROLE. */
export type IdentityName = string;

export interface IdentityDeclaration {
  /** What it is for, in one line. */
  purpose: string;
  /** Default: `<database>_<identity>`; for `service` the catalogue's service role. */
  role?: string;
  /**
   * Why it needs no signed context. Such an identity is no service's: no session can become it, only SECURITY DEFINER
   * functions that it owns and scheduled jobs work as it. Mostly the owner of the tables (`role: "<database>_owner"`): forced
   * row security binds it too, so what its functions read and write has to be declared. Its rules are `all` or constants.
   */
  internal?: string;
}

/**
 * What a column of the row must equal. `tenant` and `subject` come from the signed context; anything else is a constant.
 */
export type ColumnCondition = "tenant" | "subject" | { is: string | boolean | number } | { isNull: boolean };

/**
 * Which rows. `all`: every row, for whoever shows a valid context of that role. An object: all its columns must match.
 * `anyOf` loses the index, so it needs a reason and is for small tables only.
 */
export type RowRule =
  | "all"
  | Record<string, ColumnCondition>
  | { anyOf: Record<string, ColumnCondition>[]; reason: string };

/** A command without a rule is not granted at all: error 42501, and not an empty answer. */
export interface CommandRules {
  select?: RowRule | { rows: RowRule; columns: string[] };
  /** Which rows may be written. `columns`: only these may be given a value. */
  insert?: RowRule | { rows: RowRule; columns: string[] };
  /** Rows that may be changed; what they become must match the same rule, or `becomes`. */
  update?: RowRule | { rows: RowRule; columns?: string[]; becomes?: RowRule };
  delete?: RowRule;
}

export interface TableDeclaration {
  /** Holds data about people. */
  personalData: boolean;
  /** The column that names the tenant, where the table has one. */
  tenantColumn?: string;
  /** Identities that are not listed get nothing. */
  access: Record<IdentityName, CommandRules>;
}

/** What is declared; the catalogue's entry says of which database. */
export interface RowSecurityRules {
  /** Every application table lives here. */
  schema: string;
  identities: Record<IdentityName, IdentityDeclaration>;
  tables: Record<string, TableDeclaration>;
  /**
   * Tables that are read without a context, each with the reason; they hold neither personal data nor a tenant column. Nobody writes
   * one but a migration: a write without a context would be nobody's. What an identity writes stands in `tables`.
   */
  exceptions: Record<string, { reason: string; readers: IdentityName[] }>;
  /** Functions (`name(argument types)`) that an identity may call; nobody calls anything else. */
  functions: Record<string, IdentityName[]>;
  /** Views (security_invoker) that an identity may read. */
  views: Record<string, IdentityName[]>;
  /** Sequences of `serial` columns, for identities that insert. Identity columns and uuid defaults need none. */
  sequences?: Record<string, IdentityName[]>;
}

/** The rules of one database, with its name. */
export interface RowSecurityDeclaration extends RowSecurityRules {
  database: string;
}
