import * as pulumi from "@pulumi/pulumi";

/** A resource's arguments where each may be an output. */
export type Inputs<T> = { [K in keyof T]: pulumi.Input<T[K]> };

export interface TunnelledServer {
  host: string;
  port: number;
  user: string;
  password?: string | undefined;
  /** PEM that the server's certificate is verified against. */
  caCertificate: string;
  /** Name in the certificate; default: host. */
  serverName?: string | undefined;
}

export interface SshServer {
  host: string;
  port: number;
  user: string;
  privateKey?: string | undefined;
  /** `ssh-ed25519 AAAA...` of the host; undefined: not pinned. */
  hostKey?: string | undefined;
}

export interface EstateProviderArgs {
  mariadb?: pulumi.Input<Inputs<TunnelledServer>>;
  postgres?: pulumi.Input<Inputs<TunnelledServer>>;
  redis?: pulumi.Input<Inputs<TunnelledServer>>;
  ssh?: pulumi.Input<Inputs<SshServer>>;
}

/** One instance per server: exactly one of the properties is set. */
export class EstateProvider extends pulumi.ProviderResource {
  constructor(name: string, args: EstateProviderArgs, opts?: pulumi.ResourceOptions) {
    const secret = (server: pulumi.Input<object> | undefined) =>
      server && pulumi.output(server).apply((plain) => JSON.stringify(plain));
    super(
      "estate",
      name,
      {
        mariadb: secret(args.mariadb),
        postgres: secret(args.postgres),
        redis: secret(args.redis),
        ssh: secret(args.ssh),
      },
      opts,
    );
  }
}
