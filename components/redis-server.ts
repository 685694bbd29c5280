import * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import { instanceName, REDIS_PORTS } from "../estate/redis";
import type { RedisHost, RedisUserEntry, ServerName } from "../estate/types";
import { EstateProvider, HostRedisInstance } from "../provider/resources";
import type { Outgoing } from "./firewall";
import type { Host } from "./host";
import { ADMIN } from "./plans/admin";
import { redisGuarded } from "./plans/guarded";
import { REDIS_LIMITS, REDIS_TLS_DIRECTORY, redisConfig } from "./plans/redis-config";
import { redisSizing } from "./plans/sizing";
import type { SshLogin } from "./plans/ssh";
import { TLS } from "./plans/tls";
import { type PreparedHost, prepareHost } from "./provision-server";
import type { InstanceCertificates, RedisClientCertificates } from "./redis-client-certificates";
import type { Target } from "./target";

export interface RedisServerArgs {
  server: RedisHost;
  ssh: SshLogin;
  /** The host's part of the reachability table: its firewall lets nobody else in. */
  reach: readonly Reach[];
  outgoing: Outgoing;
  /** Services that are live: each has an instance. */
  users: readonly RedisUserEntry[];
  /** What services and the admin show at instances that ask. */
  certificates: Pick<RedisClientCertificates, "of" | "ofAdmin">;
}

/**
 * A blank Debian host becomes a host of hardened Redis instances, one a service, that answer over TLS only. What one service does to
 * its own no other one feels. Errors name the step, the host and the instance.
 */
export class RedisServer extends pulumi.ComponentResource {
  /** As the catalogue calls it. */
  readonly name: ServerName;
  /** For the redis kinds of `estate`, which name the port of their instance. */
  readonly provider: EstateProvider;
  /** As those who log in see it, but for the port. */
  readonly target: Omit<Target, "port">;
  /** PEM that clients pin. */
  readonly certificate: pulumi.Output<string>;
  readonly host: string;
  /** The machine, for what else lives on it. */
  readonly machine: Host;
  /** By ACL user. */
  private readonly instances: Record<string, HostRedisInstance>;

  constructor(name: string, args: RedisServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:RedisServer", name, { server: args.server, reach: args.reach }, opts);
    const { server, users, certificates } = args;
    this.name = name;
    const prepared = prepareHost(
      this,
      name,
      args,
      {
        package: "redis-server",
        versionCommand: "redis-server --version",
        tls: TLS.redis,
        tlsDirectory: REDIS_TLS_DIRECTORY,
        owner: "redis",
      },
      {
        engine: "redis",
        instances: Object.fromEntries(users.map(({ name: user, port }) => [instanceName(user), port])),
      },
    );
    this.instances = Object.fromEntries(
      users.map((user) => [
        user.name,
        this.instance(name, server, user, prepared, certificates.of(user.name)),
      ]),
    );
    const { host, adminPassword, certificate, before } = prepared;
    const shown = certificates.ofAdmin();
    this.certificate = certificate.authority;
    this.host = server.host;
    this.target = { host: server.host, certificate: this.certificate, serverName: server.host };
    this.machine = host;
    this.provider = new EstateProvider(
      name,
      {
        redis: {
          host: server.host,
          port: REDIS_PORTS.first,
          user: ADMIN,
          password: adminPassword,
          caCertificate: this.certificate,
          serverName: server.host,
          ...(shown && { clientCertificates: shown }),
        },
        machine: host.machine.identity,
      },
      { parent: this, dependsOn: before },
    );
    this.registerOutputs({ certificate: this.certificate });
  }

  /** What a service's user waits for, and goes before. */
  instancesOf(user: string): HostRedisInstance[] {
    const instance = this.instances[user];
    return instance ? [instance] : [];
  }

  private instance(
    name: string,
    { listen, memoryMiB }: RedisHost,
    { name: user, use, port, memoryShare }: RedisUserEntry,
    { host, adminPassword, before, onHost }: PreparedHost,
    certificates: InstanceCertificates | undefined,
  ): HostRedisInstance {
    const sizing = redisSizing(memoryMiB, memoryShare);
    const plan = { ...TLS.redis, user, use, listen, port, sizing, clientCertificate: certificates?.use };
    return new HostRedisInstance(
      `${name}-${user}-instance`,
      {
        machine: host.machine.identity,
        name: instanceName(user),
        address: listen,
        port,
        configuration: redisConfig(plan),
        limits: { process: sizing.process, ...REDIS_LIMITS },
        effective: redisGuarded(plan),
        clientAuthorities: certificates?.authorities,
        admin: { user: ADMIN, password: adminPassword },
      },
      { ...onHost, dependsOn: before },
    );
  }
}
