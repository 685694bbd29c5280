import * as pulumi from "@pulumi/pulumi";
import { ServerResource } from "./server";

export interface RedisUserArgs {
  user: pulumi.Input<string>;
  /** Of the service's instance on the provider's host; default: the provider's own. */
  port?: pulumi.Input<number>;
  /** Newest first, one or two; the server gets SHA-256 hashes. */
  passwords: pulumi.Input<pulumi.Input<string>[]>;
  /** What becomes of a password that is replaced: `keep` until it is retired, or `refuse` (default). */
  formerPassword?: pulumi.Input<"keep" | "refuse">;
  /** Key patterns without `~`: `crm:*`. */
  keys: pulumi.Input<string[]>;
  /** Channel patterns without `&`. */
  channels?: pulumi.Input<string[]>;
  /** ACL rules in order: `-@all +@read +@write -@dangerous`. */
  commands: pulumi.Input<string>;
  /** PEM of the private key and the certificate that a new password is tried with. Default: none. */
  clientCertificate?: pulumi.Input<string> | undefined;
  /** Its instance is declared to let nobody in without a certificate, which is tried. Default: it is not. */
  requireClientCertificate?: pulumi.Input<boolean>;
}

/** Kind: kinds/redis-user.ts */
export class RedisUser extends ServerResource {
  constructor(name: string, args: RedisUserArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:redis:User",
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
