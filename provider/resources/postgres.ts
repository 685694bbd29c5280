import * as pulumi from "@pulumi/pulumi";
import { ServerResource } from "./server";

export interface PostgresDatabaseArgs {
  name: pulumi.Input<string>;
  /** NOLOGIN role, or the admin. */
  owner: pulumi.Input<string>;
  /** As PostgreSQL writes it; default `UTF8`. */
  encoding?: pulumi.Input<string>;
  /** `en_US.utf8` */
  locale: pulumi.Input<string>;
  /** Sessions at a time; -1, the default: no limit, 0: nobody but the admin. */
  connectionLimit?: pulumi.Input<number>;
  /** Those that must be there; others are left alone. Default: none. */
  extensions?: pulumi.Input<string[]>;
}

/**
 * A PostgreSQL database with its extensions. Not @pulumi/postgresql's, which cannot make again what its state tells of:
 * a server replaced by a blank one would stay empty. Kind: kinds/postgres-database.ts
 */
export class PostgresDatabase extends ServerResource {
  declare readonly name: pulumi.Output<string>;
  constructor(name: string, args: PostgresDatabaseArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Database", name, args, opts);
  }
}

export interface PostgresRoleArgs {
  name: pulumi.Input<string>;
  /** Roles that it may take for a transaction; their row security grants them. Default: none. */
  takes?: pulumi.Input<string[]>;
}

/** A NOLOGIN role: it owns, or login slots work as it. Kind: kinds/postgres-role.ts */
export class PostgresRole extends ServerResource {
  constructor(name: string, args: PostgresRoleArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Role", name, { ...args }, opts);
  }
}

export interface PostgresLoginArgs {
  /** NOLOGIN role that the slots work as: membership INHERIT FALSE, SET TRUE, and `SET role` at login. */
  worksAs: pulumi.Input<string>;
  /** Clear; the server gets a SCRAM-SHA-256 verifier. */
  password: pulumi.Input<string>;
  /** What becomes of a password that is replaced: `keep` until it is retired, or `refuse` (default). */
  formerPassword?: pulumi.Input<"keep" | "refuse">;
  /** Database in which a new password is tried. Default: it is not tried. */
  probe?: pulumi.Input<string>;
  /** Of each slot, 1..20. */
  connectionLimit: pulumi.Input<number>;
  /** Role settings, `{ statement_timeout: "60s" }`; not inherited from worksAs, hence here. */
  settings?: pulumi.Input<Record<string, string>>;
  /** PEM of the private key and the certificate of each slot, which a new password is tried with. Default: none. */
  clientCertificates?: pulumi.Input<Record<string, string>> | undefined;
  /** Whether pg_hba.conf asks for it; default false. */
  requireClientCertificate?: pulumi.Input<boolean>;
  /** Databases the slots may CONNECT to are granted by postgres:Access, not here. */
}

/** How a service logs in: two login slots, one of them in use. Kind: kinds/postgres-login.ts */
export class PostgresLogin extends ServerResource {
  /** The slot that the password logs in at, `svc_idp_a`. */
  declare readonly role: pulumi.Output<string>;
  constructor(name: string, args: PostgresLoginArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:postgres:Login",
      name,
      {
        ...args,
        password: pulumi.secret(args.password),
        clientCertificates: args.clientCertificates && pulumi.secret(args.clientCertificates),
        role: undefined,
      },
      opts,
    );
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
export class PostgresAccess extends ServerResource {
  constructor(name: string, args: PostgresAccessArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Access", name, args, opts);
  }
}
