import { endpointOf, parseRange } from "../../connect/address";
import { stackServers } from "../../estate/servers";
import type { RedisUserEntry, StackConfig } from "../../estate/types";
import type { Destination } from "./handshake";

/** A port that the stack declares. `host` is written as the stack writes it, for the web host compares letters. */
export type DeclaredEndpoint = Destination;

/**
 * Everything that clients of the tunnel reach: each database server, and each Redis instance. A retired user's counts: the run that
 * takes its rights away still has to reach it.
 */
export function declaredEndpoints(
  { servers }: Pick<StackConfig, "servers">,
  redisUsers: readonly Pick<RedisUserEntry, "port">[],
): DeclaredEndpoint[] {
  const endpoints = stackServers(servers).flatMap(({ kind, server }) =>
    kind === "redis"
      ? redisUsers.map(({ port }) => ({ host: server.host, port }))
      : [{ host: server.host, port: server.port }],
  );
  return [...new Map(endpoints.map((endpoint) => [keyOf(endpoint), endpoint])).values()];
}

/** Equal for two that are the same: names in any case, addresses in any form. */
export function keyOf({ host, port }: Destination): string {
  return endpointOf(parseRange(host)?.text ?? host.toLowerCase(), port);
}
