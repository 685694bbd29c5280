import * as path from "node:path";
import { webHost } from "../../estate/servers";
import type { RedisUserEntry, StackConfig } from "../../estate/types";
import type { Io } from "../io";
import { declaredEndpoints } from "./endpoints";
import { stateDirectory } from "./private-directory";
import type { TunnelPlan } from "./process";

/** The tunnel that a stack declares. */
export function planTunnel(
  config: StackConfig,
  redisUsers: readonly RedisUserEntry[],
  port: number,
  { projectDir, env }: Pick<Io, "projectDir" | "env">,
): TunnelPlan {
  const { knownHosts: pins, tunnelUser } = config.access;
  return {
    ssh: { ...webHost(config.servers).ssh, user: tunnelUser },
    port,
    endpoints: declaredEndpoints(config, redisUsers),
    knownHosts: pins
      ? { file: path.resolve(projectDir, pins), pinned: true }
      : { file: path.join(stateDirectory(env), "known_hosts"), pinned: false },
  };
}
