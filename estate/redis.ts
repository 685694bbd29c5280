import type { Fault } from "./faults";
import type { RedisHost, RedisUserEntry } from "./types";

/** How Redis' services share their host: an instance each. Pure. */

/**
 * Ports of Redis instances, which speak TLS alone. 6379 is the port of plain Redis: a client that is set to it by default, in
 * clear, must find nobody rather than hang at a TLS handshake.
 */
export const REDIS_PORTS = { first: 6380, last: 6399, fix: "give a port from 6380 to 6399" } as const;

/** Percent of the host's memory that stays for its system, SSH and the backup. */
const FOR_THE_SYSTEM = 10;

/** Below this an instance has no room for its own code, TLS and the buffers of its clients. */
const LEAST_MIB = 48;

/** MiB that a service's instance may take as a process. */
export function instanceMiB(memoryMiB: number, memoryShare: number): number {
  return Math.floor((memoryMiB * memoryShare) / 100);
}

/** `svc_crm` -> `crm`: the instance's name on its host, in its unit, its directory and its configuration file. */
export function instanceName(user: string): string {
  return user.replace(/^svc_/, "");
}

/** Ports that two would listen on, and shares that the host's memory has no room for. */
export function redisFaults(users: readonly RedisUserEntry[], host: RedisHost | undefined): Fault[] {
  const live = users.filter(({ state }) => state === "live");
  const faults: Fault[] = [];
  const total = live.reduce((sum, { memoryShare }) => sum + memoryShare, 0);
  if (total > 100 - FOR_THE_SYSTEM) {
    faults.push({
      path: "redisUsers",
      value: `${total} % of memory`,
      fix: `all memoryShare together must leave ${FOR_THE_SYSTEM} % to the host: lower one by ${total - (100 - FOR_THE_SYSTEM)} or more`,
    });
  }
  const taken = new Map(host ? [[host.ssh.port, "SSH of the host"]] : []);
  for (const { name, port, memoryShare } of live) {
    const other = taken.get(port);
    if (other) {
      const fix = `${other} listens there already: every instance has a port of its own`;
      faults.push({ path: `redisUsers.${name}.port`, value: port, fix });
    }
    taken.set(port, name);
    if (host && instanceMiB(host.memoryMiB, memoryShare) < LEAST_MIB) {
      const least = Math.ceil((LEAST_MIB * 100) / host.memoryMiB);
      const fix = `an instance needs ${LEAST_MIB} MiB: give ${least} or more of this host's ${host.memoryMiB} MiB`;
      faults.push({ path: `redisUsers.${name}.memoryShare`, value: memoryShare, fix });
    }
  }
  return faults;
}
