import * as pulumi from "@pulumi/pulumi";
import { loginSlot } from "../estate/naming";
import { MariadbAccount, type MariadbGrant, PostgresLogin } from "../provider/resources";
import { password } from "./passwords";
import { TLS } from "./plans/tls";

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
  /** Password generations that log in, newest first: `[n]`, or `[n, n - 1]` in the grace window of a rotation. */
  generations: readonly number[];
  /** 1..20 */
  connectionLimit: number;
  account: MariadbServiceAccount | PostgresServiceAccount;
}

/**
 * How a service logs in. Passwords are named by generation, so those of n and n - 1 exist side by side. MariaDB: one
 * account that takes each of them. PostgreSQL: one login slot a generation, by its parity; all work as the service's role.
 *
 * Not a component resource: its resources are children of its database's component. The engine takes 45 to 90 ms for
 * every resource, and an estate has as many service users as databases.
 */
export class ServiceUser {
  /** Who logs in with the newest password. */
  readonly login: string;
  readonly password: pulumi.Output<string>;
  /** The account or the login slots. */
  readonly accounts: pulumi.Resource[];

  /** `provider` of the options is the server's `estate` provider. */
  constructor(
    name: string,
    args: ServiceUserArgs,
    opts: pulumi.CustomResourceOptions & { parent: pulumi.Resource },
  ) {
    const { service, generations, account, connectionLimit } = args;
    const [newest] = generations;
    if (newest === undefined || generations.length > 2) {
      throw new pulumi.ResourceError(
        `${service}: generations is [${generations.join(", ")}]; give the newest one, or the newest and the one before`,
        opts.parent,
        true,
      );
    }
    const passwords = generations.map((generation) =>
      password(`${name}-password-${generation}`, { parent: opts.parent }),
    );
    this.password = passwords[0] as pulumi.Output<string>;
    if (account.engine === "mariadb") {
      const { host, grants } = account;
      this.login = service;
      this.accounts = [
        new MariadbAccount(
          `${name}-account`,
          {
            user: service,
            host,
            passwords,
            require: TLS.mariadb.require,
            maxUserConnections: connectionLimit,
            grants,
          },
          opts,
        ),
      ];
      return;
    }
    this.login = loginSlot(service, newest);
    this.accounts = generations.map((generation, index) => {
      const slot = loginSlot(service, generation);
      return new PostgresLogin(
        `${name}-login-${slot.slice(-1)}`,
        {
          role: slot,
          worksAs: service,
          password: passwords[index] as pulumi.Output<string>,
          connectionLimit,
          settings: account.settings,
        },
        opts,
      );
    });
  }
}
