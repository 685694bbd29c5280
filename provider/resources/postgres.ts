import * as pulumi from "@pulumi/pulumi";

export interface PostgresLoginArgs {
  /** Login slot, `svc_idp_a`. */
  role: pulumi.Input<string>;
  /** NOLOGIN role the slot works as: membership INHERIT FALSE, SET TRUE, and `SET role` at login. */
  worksAs: pulumi.Input<string>;
  /** Clear; the server gets a SCRAM-SHA-256 verifier. */
  password: pulumi.Input<string>;
  /** false: NOLOGIN (a retired slot). Default true. */
  login?: pulumi.Input<boolean>;
  /** 1..20 */
  connectionLimit: pulumi.Input<number>;
  /** Role settings, `{ statement_timeout: "60s" }`; not inherited from worksAs, hence here. */
  settings?: pulumi.Input<Record<string, string>>;
  /** Databases the slot may CONNECT to are granted by postgres:Access, not here. */
}

/** A login slot. Kind: kinds/postgres-login.ts */
export class PostgresLogin extends pulumi.CustomResource {
  constructor(name: string, args: PostgresLoginArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Login", name, { ...args, password: pulumi.secret(args.password) }, opts);
  }
}

/**
 * Who may do what in one database. Keys name grantee and object, values are privileges (`ALL`: all of this server's version):
 * `"svc_x on database"`, `"svc_x on schema public"`, `"svc_x on tables in public"` (each table there is; `sequences`,
 * `functions`, `types` alike), `"svc_x on table public.users"` (also `SELECT (email)`), `"svc_x on sequence public.users_id_seq"`,
 * `"svc_x on function public.pay(integer, text)"`, `"svc_x on type public.mood"`. Names that hold anything but
 * lower-case letters, digits, _ and $ stand in double quotes.
 */
export type PostgresGrants = Record<string, string[]>;

export interface PostgresAccessArgs {
  database: pulumi.Input<string>;
  /** Schemas whose ACLs (their own and those of all objects in them) are owned by this resource. Default ["public"]. */
  schemas?: pulumi.Input<string[]>;
  /** Complete: whatever else is granted on the database, these schemas and their objects is revoked, PUBLIC included. */
  grants: pulumi.Input<PostgresGrants>;
  /**
   * Default privileges of objects that `owner` will create; complete for these owners. Default {}.
   * Keys: `"svc_x on tables by owner_role in public"`, `"svc_x on functions by owner_role"` (in every schema);
   * EXECUTE of PUBLIC on functions by each owner listed is revoked in the only form that works (schema-less).
   */
  defaultGrants?: pulumi.Input<PostgresGrants>;
  /**
   * Owners whose default privileges are owned by this resource. When it is deleted, what they and the grantees own in this
   * database goes to the admin and their privileges in it are dropped. Default [].
   */
  owners?: pulumi.Input<string[]>;
}

/** Kind: kinds/postgres-access.ts */
export class PostgresAccess extends pulumi.CustomResource {
  constructor(name: string, args: PostgresAccessArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Access", name, args as unknown as pulumi.Inputs, opts);
  }
}
