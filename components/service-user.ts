import * as pulumi from "@pulumi/pulumi";
import { MariadbAccount, type MariadbGrant, PostgresLogin } from "../provider/resources";
import type { ShownCertificate } from "./client-certificates";
import { type PasswordGeneration, password, proven } from "./passwords";

/** A service's account on MariaDB. */
export interface MariadbServiceAccount {
  engine: "mariadb";
  host: string;
  grants: MariadbGrant[];
}

/** A service's login slots on PostgreSQL. */
export interface PostgresServiceAccount {
  engine: "postgres";
  settings: Record<string, string>;
}

export interface ServiceUserArgs {
  /** The account on MariaDB, the NOLOGIN role on PostgreSQL. */
  service: string;
  database: string;
  /** Which password it is at. */
  generation: pulumi.Input<PasswordGeneration>;
  /** 1..20 */
  connectionLimit: number;
  account: MariadbServiceAccount | PostgresServiceAccount;
  /** What it shows beside the password. Default: nothing. */
  certificate?: ShownCertificate | undefined;
}

/**
 * How a service logs in. A new generation makes a new password; the one before stays valid beside it, as a second
 * alternative of the MariaDB account or at the other PostgreSQL slot, until it is retired. After a leak it does not.
 *
 * Not a component resource: its resources are children of its database's component. The engine takes 45 to 90 ms for
 * every resource, and an estate has as many service users as databases.
 */
export class ServiceUser {
  /** Who logs in with the newest password. */
  readonly login: pulumi.Output<string>;
  /** The newest password, written and tried. */
  readonly password: pulumi.Output<string>;
  /** PEM of the private key and the certificate of this login, tried too; undefined: it has none. */
  readonly clientCertificate: pulumi.Output<string> | undefined;
  /** The account or the login slots. */
  readonly accounts: pulumi.Resource[];

  /** `provider` of the options is the server's `estate` provider. */
  constructor(
    name: string,
    { service, database, generation, account, connectionLimit, certificate }: ServiceUserArgs,
    opts: pulumi.CustomResourceOptions & { parent: pulumi.Resource },
  ) {
    const at = pulumi.output(generation);
    const generated = password(
      `${name}-password`,
      { parent: opts.parent },
      at.apply(({ generation }) => generation),
    );
    const common = {
      formerPassword: at.apply(({ leaked }) => (leaked ? ("refuse" as const) : ("keep" as const))),
      probe: database,
    };
    if (account.engine === "mariadb") {
      const { host, grants } = account;
      const made = new MariadbAccount(
        `${name}-account`,
        {
          ...common,
          user: service,
          host,
          passwords: [generated],
          require: certificate?.use === "required" ? certificate.name : "SSL",
          clientCertificate: certificate && certificateOf(certificate, service),
          maxUserConnections: connectionLimit,
          grants,
        },
        opts,
      );
      this.login = pulumi.output(service);
      this.password = proven(generated, made);
      this.clientCertificate = certificate && proven(certificateOf(certificate, service), made);
      this.accounts = [made];
      return;
    }
    const made = new PostgresLogin(
      `${name}-login`,
      {
        ...common,
        worksAs: service,
        password: generated,
        connectionLimit,
        settings: account.settings,
        clientCertificates: certificate?.certificates,
        requireClientCertificate: certificate?.use === "required",
      },
      opts,
    );
    this.login = made.role;
    this.password = proven(generated, made);
    this.clientCertificate = certificate && proven(certificateOf(certificate, made.role), made);
    this.accounts = [made];
  }
}

function certificateOf(
  { certificates }: ShownCertificate,
  login: pulumi.Input<string>,
): pulumi.Output<string> {
  return pulumi.all([certificates, login]).apply(([all, login]) => {
    const text = all[login];
    if (text === undefined) throw new Error(`no certificate is made out to ${login}`);
    return text;
  });
}
