import * as pulumi from "@pulumi/pulumi";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider } from "../provider/resources";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN, redisAdminRules } from "./plans/admin";
import { certificateVariables } from "./plans/certificate";
import { REDIS_TLS_DIRECTORY, redisConfig } from "./plans/redis-config";
import type { SshLogin } from "./plans/ssh";

export interface RedisServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
}

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
    super("estate:component:RedisServer", name, { server: args.server }, opts);
    const { server } = args;
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "redis-server openssl",
        LOCALE: "",
        CLUSTER_OPTIONS: "",
        VERSION_COMMAND: "redis-server --version",
        MINIMUM_VERSION: server.minimumVersion,
        SERVER: name,
      },
    });
    const certificate = this.machine.step("certificate", {
      scripts: ["certificate"],
      variables: certificateVariables(server.host, REDIS_TLS_DIRECTORY, "redis"),
      dependsOn: [packages],
    });
    this.certificate = certificate.stdout;
    const admin = password(`${name}-admin-password`, { parent: this });
    const running = this.machine.step("server", {
      scripts: ["settings", "redis"],
      variables: {
        CONFIGURATION: redisConfig(server),
        CERTIFICATE: this.certificate,
        ADMIN,
        HOST: server.host,
        LISTEN: server.listen,
        PORT: String(server.port),
      },
      stdin: admin.apply(redisAdminRules),
    });
    this.provider = new EstateProvider(
      name,
      {
        redis: {
          host: server.host,
          port: server.port,
          user: ADMIN,
          password: admin,
          caCertificate: this.certificate,
          serverName: this.serverName,
        },
      },
      { parent: this, dependsOn: [running] },
    );
    this.registerOutputs({ certificate: this.certificate });
  }
}
