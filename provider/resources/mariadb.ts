import * as pulumi from "@pulumi/pulumi";
import { ServerResource } from "./server";

export interface MariadbDatabaseArgs {
  name: pulumi.Input<string>;
  charset: pulumi.Input<string>;
  collation: pulumi.Input<string>;
}

/**
 * A MariaDB database: its name and the defaults of its tables. Not @pulumi/mysql's, because that can neither pin a
 * certificate nor verify a name other than the address. Kind: kinds/mariadb-database.ts
 */
export class MariadbDatabase extends ServerResource {
  constructor(name: string, args: MariadbDatabaseArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:mariadb:Database", name, args, opts);
  }
}

/** MariaDB privileges on one database or one of its tables. */
export interface MariadbGrant {
  database: string;
  /** Default: every table of the database. */
  table?: string;
  /** Upper case, `SELECT`, `CREATE TEMPORARY TABLES`, ...; never GRANT OPTION or a global privilege. */
  privileges: string[];
}

export interface MariadbAccountArgs {
  user: pulumi.Input<string>;
  /** One address or `localhost`; never `%`. */
  host: pulumi.Input<string>;
  /** Newest first, one or two: all of them log in. Reach the server as hashes only. */
  passwords: pulumi.Input<pulumi.Input<string>[]>;
  /** What becomes of a password that is replaced: `keep` until it is retired, or `refuse` (default). */
  formerPassword?: pulumi.Input<"keep" | "refuse">;
  /** Database in which a new password is tried. Default: it is not tried. */
  probe?: pulumi.Input<string>;
  /** Beside the password: an encrypted connection, any certificate of a trusted authority, or the one of this name. */
  require: pulumi.Input<"SSL" | "X509" | { subject: string; issuer: string }>;
  /** PEM of the private key and the certificate that a new password is tried with. Default: none. */
  clientCertificate?: pulumi.Input<string> | undefined;
  /** MAX_USER_CONNECTIONS, 1..20. */
  maxUserConnections: pulumi.Input<number>;
  locked?: pulumi.Input<boolean>;
  /** Complete: whatever else the account was granted is revoked. */
  grants: pulumi.Input<MariadbGrant[]>;
  /** Hosts where an account of the same user is declared elsewhere; any other host's is dropped. Default: none. */
  otherHosts?: pulumi.Input<string[]>;
}

/** `user`@`host` with its password alternatives, REQUIRE, limits, lock and all its grants. Kind: kinds/mariadb-account.ts */
export class MariadbAccount extends ServerResource {
  constructor(name: string, args: MariadbAccountArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:mariadb:Account",
      name,
      {
        ...args,
        passwords: pulumi.secret(args.passwords),
        clientCertificate: args.clientCertificate && pulumi.secret(args.clientCertificate),
      },
      opts,
    );
  }
}
