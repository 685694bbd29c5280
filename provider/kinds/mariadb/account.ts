/** An account as it is declared and as it is kept in the state. */
export type AccountInputs = {
  user: string;
  host: string;
  /** Newest first, one or two. In what `read` answers, a foreign alternative is `NOT_OURS` with its plugin. */
  passwords: string[];
  /** `keep`: a password that is replaced logs in beside its successor until it is retired. `refuse`: not a moment longer. */
  formerPassword: "keep" | "refuse";
  /** Database in which a new password is tried before it counts as written; null: it is not tried. */
  probe: string | null;
  /** What it must show beside the password; `read` may answer `NONE` or `SPECIFIED` too. */
  require: Requirement;
  /** PEM of the private key and the certificate that a new password is tried with; null: none. */
  clientCertificate: string | null;
  /** 1..20; `read` may answer 0: no limit. */
  maxUserConnections: number;
  locked: boolean;
  /** `read` adds what nobody declared: database `*` stands for everything global. */
  grants: DeclaredGrant[];
  /** Hosts of the same user that are declared elsewhere. `read` adds those that nobody declared. */
  otherHosts: string[];
};

/** `SSL`, `X509` (any certificate of a trusted authority), or this one certificate; names as OpenSSL writes them, `/CN=svc_crm`. */
export type Requirement = string | { subject: string; issuer: string };

export type AccountState = AccountInputs & {
  /** Hashes of replaced passwords that still log in; absent: none. */
  former?: string[];
};

export type DeclaredGrant = {
  database: string;
  table?: string;
  privileges: string[];
};

/** What a set of privileges is on. `pattern`: a database as the server keeps it, `mo\_crm`, wildcards live. */
export type GrantObject =
  | { on: "everything" }
  | { on: "databases"; pattern: string }
  | { on: "table"; database: string; table: string }
  | { on: "routine"; database: string; routine: string; type: string };

/**
 * Privileges on one object. Names as in GRANT; a column's is `SELECT (email)`. On everything, `ROLE name` and
 * `ROLE name WITH ADMIN OPTION` stand for memberships, `PROXY user@host` for impersonation.
 */
export interface Grant {
  object: GrantObject;
  privileges: string[];
}

/** One way to log in, as the server keeps it. */
export interface LoginAlternative {
  plugin: string;
  /** Hash for mysql_native_password. */
  hash: string;
}

/** An account as it stands on the server. */
export interface AccountOnServer {
  alternatives: LoginAlternative[];
  require: Requirement;
  maxUserConnections: number;
  locked: boolean;
  grants: Grant[];
  /** Other hosts that have an account of the same user name, sorted. */
  otherHosts: string[];
}

/** Compares and sorts by it; two grants on the same object have the same key. */
export function objectKey(object: GrantObject): string {
  switch (object.on) {
    case "everything":
      return "*";
    case "databases":
      return `${object.pattern}.*`;
    case "table":
      return `${object.database}.${object.table} (table)`;
    case "routine":
      return `${object.database}.${object.routine} (${object.type})`;
  }
}
