import { MARIADB_DATABASE, POSTGRES_DATABASE, REDIS_INSTANCE } from "./kinds";
import type { Standing } from "./rule";
import { parseRedis } from "./servers/redis";
import { effectiveOf } from "./servers/setting";

export interface Database {
  resource: Standing;
  name: string;
}

/** While its provider cannot be configured yet, a preview shows nothing of a database: then its resource tells its name. */
export function databasesOf(resources: readonly Standing[]): Database[] {
  return resources
    .filter(({ type }) => type === MARIADB_DATABASE || type === POSTGRES_DATABASE)
    .map((resource) => {
      const { name } = resource.props;
      return { resource, name: typeof name === "string" ? name : resource.name.replace(/-database$/, "") };
    });
}

/** Users of the Redis instances that keep what waits to be done: they evict nothing, which is Redis' own default, or write down every change. */
export function queuesOf(resources: readonly Standing[]): string[] {
  return resources
    .filter(({ type }) => type === REDIS_INSTANCE)
    .filter(({ inputs: { configuration } }) => typeof configuration === "string" && isQueue(configuration))
    .map(({ inputs: { name } }) => `svc_${String(name)}`);
}

function isQueue(configuration: string): boolean {
  const inForce = effectiveOf(parseRedis(configuration));
  const policy = inForce.get("maxmemory-policy") ?? "noeviction";
  return policy.toLowerCase() === "noeviction" || inForce.get("appendonly")?.toLowerCase() === "yes";
}
