import * as pulumi from "@pulumi/pulumi";
import type { RotationOutput } from "../estate/outputs";
import { dueDay, type RotationPlan, rotationPlans } from "../estate/rotation";
import type { Estate } from "../estate/types";
import { type EstateProvider, Retirement, RotationSchedule } from "../provider/resources";
import type { DatabaseLogin, RedisLogin } from "./logins";
import { FIRST_GENERATION, type PasswordGeneration } from "./passwords";
import type { Servers } from "./servers";

/** One service whose password is rotated. */
export interface RotatedService {
  /** The database, or the Redis user. */
  name: string;
  /** Name of the service user on its server. */
  service: string;
  login: pulumi.Input<string>;
  password: pulumi.Output<string>;
}

export interface RotatedServer {
  /** As the catalogue calls it. */
  name: string;
  provider: EstateProvider;
  /** Host part of the accounts; MariaDB only. */
  accountHost?: string;
  /** Port of each service's instance; Redis only. */
  ports?: Record<string, number>;
  services: readonly RotatedService[];
}

/**
 * The rotation of all passwords, first step and last: which generation each is at, and the end of the former ones, once
 * the new ones are published. What lies between belongs to the service users. docs/rotation.md
 */
export class Rotation {
  private readonly plans: Record<string, RotationPlan>;
  private readonly schedule: RotationSchedule;
  private readonly graceDays: number;

  constructor(estate: Estate) {
    this.plans = rotationPlans(estate);
    this.graceDays = estate.config.rotation.graceDays;
    this.schedule = new RotationSchedule("rotation", { services: this.plans });
  }

  /** Of a database's service or a Redis user; known in a preview. */
  generationOf(name: string): pulumi.Output<PasswordGeneration> {
    return this.schedule.rotated.apply((rotated) => rotated[name] ?? FIRST_GENERATION);
  }

  /**
   * Ends rotations, one resource a server. `published`: what has to know the new passwords before the old ones go.
   * Where each stands is the stack's output `rotation`.
   */
  retireFormer(
    servers: readonly RotatedServer[],
    published: pulumi.Resource | undefined,
  ): pulumi.Output<Record<string, RotationOutput>> {
    const standings = servers.map(({ name, provider, accountHost, ports, services }) => {
      const byService = <T>(value: (service: RotatedService) => T) =>
        Object.fromEntries(services.map((each) => [each.service, value(each)]));
      const { records } = new Retirement(
        `${name}-retirement`,
        {
          graceDays: byService(() => this.graceDays),
          logins: byService(({ login }) => login),
          passwords: byService(({ password }) => password),
          ...(accountHost !== undefined && { host: accountHost }),
          ...(ports !== undefined && { ports }),
        },
        { provider, dependsOn: published ? [published] : [] },
      );
      return pulumi.all([this.schedule.rotated, records]).apply(([rotated, known]) =>
        services.flatMap((each): [string, RotationOutput][] => {
          const plan = this.plans[each.name];
          const at = rotated[each.name];
          if (!plan || !at) return [];
          const { generation, since, leaked } = at;
          const record = known?.[each.service];
          return [
            [
              each.name,
              {
                server: name,
                service: each.service,
                generation,
                since,
                due: dueDay(plan, since),
                leaked,
                published: record?.published ?? "",
                formerValid: record ? !record.retired : false,
              },
            ],
          ];
        }),
      );
    });
    return pulumi
      .all(standings)
      .apply((all) => Object.fromEntries(all.flat().sort(([a], [b]) => (a < b ? -1 : 1))));
  }
}

/** The services of each server that has any. */
export function rotatedServers(
  { mariadb, postgres, redis }: Servers,
  databases: readonly DatabaseLogin[],
  redisUsers: readonly RedisLogin[],
): RotatedServer[] {
  const on = (server: string) =>
    databases.flatMap(({ entry: { name, service, server: own }, user }) =>
      user && own === server ? [{ name, service, login: user.login, password: user.password }] : [],
    );
  const users = redisUsers.map(({ entry: { name }, user: { login, password } }) => {
    return { name, service: name, login, password };
  });
  const ports = Object.fromEntries(redisUsers.map(({ entry: { name, port } }) => [name, port]));
  const all: RotatedServer[] = [
    ...Object.entries(mariadb).map(([name, { provider, accountHost }]) => {
      return { name, provider, accountHost, services: on(name) };
    }),
    ...Object.entries(postgres).map(([name, { provider }]) => ({ name, provider, services: on(name) })),
    ...(redis ? [{ name: redis.name, provider: redis.provider, ports, services: users }] : []),
  ];
  return all.filter(({ services }) => services.length > 0);
}
