import * as pulumi from "@pulumi/pulumi";

export interface ClientCertificateArgs {
  /** Whose authority it is, `svc_crm`. */
  service: pulumi.Input<string>;
  /** Common names, a certificate for each. */
  logins: pulumi.Input<string[]>;
  /** Of the password: another one makes other keys and certificates. */
  generation: pulumi.Input<number>;
  /** The generation before leaked: its authority is replaced. */
  leaked: pulumi.Input<boolean>;
  /** Days before its end at which a certificate is renewed; default 60. */
  renewBefore?: pulumi.Input<number>;
}

/**
 * What a service shows beside its password: an authority of its own, and a certificate for each of its logins.
 * Kind: kinds/client-certificate.ts
 */
export class ClientCertificate extends pulumi.CustomResource {
  /** PEM of the authorities that servers have to trust, newest first. */
  declare readonly authorities: pulumi.Output<string[]>;
  /** By login, private key and certificate as one PEM text. Secret. */
  declare readonly certificates: pulumi.Output<Record<string, string>>;
  constructor(name: string, args: ClientCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:tls:ClientCertificate",
      name,
      {
        ...args,
        authorities: undefined,
        authorityKey: undefined,
        authorityNotAfter: undefined,
        certificates: undefined,
        notAfter: undefined,
      },
      opts,
    );
  }
}
