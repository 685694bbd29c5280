import * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { ProvisionedServer } from "../estate/types";
import { EstateProvider, HostServerSettings } from "../provider/resources";
import { Firewall } from "./firewall";
import { Host } from "./host";
import { password } from "./passwords";
import { ADMIN, redisAdminRules } from "./plans/admin";
import { redisGuarded } from "./plans/guarded";
import { REDIS_TLS_DIRECTORY, redisConfig } from "./plans/redis-config";
import type { SshLogin } from "./plans/ssh";
import { TLS } from "./plans/tls";
import { serverCertificate } from "./server-certificate";

export interface RedisServerArgs {
  server: ProvisionedServer;
  ssh: SshLogin;
  /** The host's part of the reachability table. */
  reach: readonly Reach[];
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
    super("estate:component:RedisServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, reach } = args;
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.host;
    this.machine = new Host(this, name, args.ssh);

    const packages = this.machine.step("packages", {
      scripts: ["install-packages"],
      variables: {
        PACKAGES: "redis-server openssl ufw",
        LOCALE: "",
        CLUSTER_OPTIONS: "",
        VERSION_COMMAND: "redis-server --version",
        MINIMUM_VERSION: server.minimumVersion,
        SERVER: name,
      },
    });
    const firewall = new Firewall(
      name,
      { host: this.machine, reach },
      { parent: this, dependsOn: [packages] },
    );
    const admin = password(`${name}-admin-password`, { parent: this });
    const certificate = serverCertificate(this, name, {
      machine: this.machine,
      server,
      tls: TLS.redis,
      packages,
      directory: REDIS_TLS_DIRECTORY,
      owner: "redis",
      engine: "redis",
      admin: { user: ADMIN, password: admin },
    });
    this.certificate = certificate.authority;
    const configuration = redisConfig({ ...server, ...TLS.redis });
    const running = this.machine.step("server", {
      scripts: ["settings", "redis"],
      variables: {
        CONFIGURATION: configuration,
        ADMIN,
        HOST: server.host,
        LISTEN: server.listen,
        PORT: String(server.port),
      },
      dependsOn: [firewall, certificate],
      stdin: admin.apply(redisAdminRules),
    });
    const settings = new HostServerSettings(
      `${name}-settings`,
      {
        engine: "redis",
        address: server.listen,
        port: server.port,
        configuration,
        effective: redisGuarded({ ...server, ...TLS.redis }),
      },
      { parent: this, provider: this.machine.provider, dependsOn: [running] },
    );
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
      { parent: this, dependsOn: [settings] },
    );
    this.registerOutputs({ certificate: this.certificate });
  }
}
