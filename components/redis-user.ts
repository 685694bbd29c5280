import * as pulumi from "@pulumi/pulumi";
import type { RedisUserEntry } from "../estate/types";
import * as estate from "../provider/resources";
import { FIRST_GENERATION, type PasswordGeneration, password, proven } from "./passwords";
import { redisCommands } from "./plans/privileges";
import type { InstanceCertificates } from "./redis-client-certificates";
import type { RedisServer } from "./redis-server";

export interface RedisUserArgs {
  entry: RedisUserEntry;
  server: Pick<RedisServer, "provider" | "instancesOf">;
  /** Which password it is at. Default: the first. */
  generation?: pulumi.Input<PasswordGeneration>;
  /** What it shows beside the password. Default: nothing. */
  certificate?: InstanceCertificates | undefined;
}

/** One service's ACL user, in its own instance: its own keys and channels, data commands only. */
export class RedisUser extends pulumi.ComponentResource {
  readonly login: string;
  /** The newest password, written and tried. */
  readonly password: pulumi.Output<string>;
  /** PEM of the private key and the certificate, tried too; undefined: it has none. */
  readonly clientCertificate: pulumi.Output<string> | undefined;

  constructor(name: string, args: RedisUserArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:RedisUser", name, { entry: args.entry }, opts);
    const { entry, server, generation = FIRST_GENERATION, certificate } = args;
    const at = pulumi.output(generation);
    const generated = password(
      `${name}-password`,
      { parent: this },
      at.apply(({ generation }) => generation),
    );
    const user = new estate.RedisUser(
      `${name}-user`,
      {
        user: entry.name,
        port: entry.port,
        passwords: [generated],
        formerPassword: at.apply(({ leaked }) => (leaked ? ("refuse" as const) : ("keep" as const))),
        keys: [`${entry.keyPrefix}*`],
        channels: [`${entry.keyPrefix}*`],
        commands: redisCommands(entry.use),
        clientCertificate: certificate?.service,
        requireClientCertificate: certificate?.use === "required",
      },
      // Taken away while its instance still answers.
      { parent: this, provider: server.provider, dependsOn: server.instancesOf(entry.name) },
    );
    this.login = entry.name;
    this.password = proven(generated, user);
    this.clientCertificate = certificate && proven(certificate.service, user);
    this.registerOutputs({ login: this.login });
  }
}
