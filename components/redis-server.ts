import * as pulumi from "@pulumi/pulumi";
import type { EstateProvider } from "../provider/resources";
import type { Host } from "./host";
import { ADMIN, redisAdminRules } from "./plans/admin";
import { redisGuarded } from "./plans/guarded";
import { REDIS_TLS_DIRECTORY, redisConfig } from "./plans/redis-config";
import { TLS } from "./plans/tls";
import { type ProvisionArgs, provisionServer } from "./provision-server";

export type RedisServerArgs = ProvisionArgs;

/** A blank Debian host becomes a hardened Redis server that answers over TLS only. Errors name the step and the host. */
export class RedisServer extends pulumi.ComponentResource {
  /** For the redis kinds of `estate`. */
  readonly provider: EstateProvider;
  /** PEM that clients pin. */
  readonly certificate: pulumi.Output<string>;
  readonly host: string;
  readonly port: number;
  /** Name in the certificate. */
  readonly serverName: string;
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: RedisServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:RedisServer", name, { server: args.server, reach: args.reach }, opts);
    const { server } = args;
    const { host, login, provider } = provisionServer(this, name, args, {
      engine: "redis",
      package: "redis-server",
      versionCommand: "redis-server --version",
      tls: TLS.redis,
      tlsDirectory: REDIS_TLS_DIRECTORY,
      owner: "redis",
      configuration: redisConfig({ ...server, ...TLS.redis }),
      guarded: redisGuarded({ ...server, ...TLS.redis }),
      variables: { ADMIN, HOST: server.host, LISTEN: server.listen, PORT: String(server.port) },
      adminOf: redisAdminRules,
      reloadsByLogin: true,
    });
    this.provider = provider;
    this.certificate = login.caCertificate;
    this.host = login.host;
    this.port = login.port;
    this.serverName = login.serverName;
    this.machine = host;
    this.registerOutputs({ certificate: this.certificate });
  }
}
