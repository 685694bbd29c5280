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
  /** By port, PEM of the private key and the certificate that is shown there; Redis only. Default: none. */
  clientCertificates?: Record<string, string> | undefined;
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
  /** Identity of the machine that the server runs on (`HostMachine`): all that is made there is made again on another one. */
  machine?: pulumi.Input<string>;
}

/** One instance per server: exactly one of the servers is set. */
export class EstateProvider extends pulumi.ProviderResource {
  /** No part of the provider's configuration: it would be unknown in the preview that is to show what changes. */
  readonly machine: pulumi.Input<string> | undefined;

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
    this.machine = args.machine;
  }
}

/** Something on a server: it carries the machine that its provider is for. */
export class ServerResource extends pulumi.CustomResource {
  constructor(type: string, name: string, args: object, opts?: pulumi.CustomResourceOptions) {
    const provider = opts?.provider;
    super(
      type,
      name,
      { ...args, machine: provider instanceof EstateProvider ? provider.machine : undefined },
      opts,
    );
  }
}
