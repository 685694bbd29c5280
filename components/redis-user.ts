import * as pulumi from "@pulumi/pulumi";
import type { RedisUserEntry } from "../estate/types";
import * as estate from "../provider/resources";
import { password } from "./passwords";
import { REDIS_COMMANDS } from "./plans/privileges";
import type { RedisServer } from "./redis-server";

export interface RedisUserArgs {
  entry: RedisUserEntry;
  server: RedisServer;
  /** Password generations that log in, newest first: one or two. Default [1]. */
  generations?: readonly number[];
}

/** One service's ACL user: its own keys and channels, data commands only. */
export class RedisUser extends pulumi.ComponentResource {
  readonly login: string;
  readonly password: pulumi.Output<string>;

  constructor(name: string, args: RedisUserArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:RedisUser", name, { entry: args.entry }, opts);
    const { entry, server, generations = [1] } = args;
    const passwords = generations.map((generation) =>
      password(`${name}-password-${generation}`, { parent: this }),
    );
    this.login = entry.name;
    this.password = passwords[0] as pulumi.Output<string>;
    new estate.RedisUser(
      `${name}-user`,
      {
        user: entry.name,
        passwords,
        keys: [`${entry.keyPrefix}*`],
        channels: [`${entry.keyPrefix}*`],
        commands: REDIS_COMMANDS,
      },
      { parent: this, provider: server.provider },
    );
    this.registerOutputs({ login: this.login });
  }
}
