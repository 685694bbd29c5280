import { pairs, RedisError, type RedisServer } from "../../../connect/redis";
import { passwordHash } from "../redis/acl";
import { type FormerPasswords, notThere } from "./former";

/**
 * Hashes of an ACL user beside the newest.
 * @param ports of each service's instance on the server's host; who is not named is on the server itself
 */
export function formerOnRedis(server: RedisServer, ports: Readonly<Record<string, number>>): FormerPasswords {
  const of = (service: string) => {
    const port = ports[service];
    return port === undefined ? server : server.at(port);
  };
  const hashes = async (user: string): Promise<string[]> => {
    const { passwords } = pairs(await of(user).call("ACL", "GETUSER", user));
    return Array.isArray(passwords) ? passwords.map(String) : [];
  };
  return {
    async existing(services) {
      const found = new Set<string>();
      for (const { service } of services) if ((await hashes(service)).length > 1) found.add(service);
      return found;
    },

    sessions: async () => undefined,

    async retire({ service, password }) {
      const newest = passwordHash(password);
      const there = await hashes(service);
      if (!there.includes(newest)) throw notThere(service);
      const former = there.filter((hash) => hash !== newest);
      if (former.length === 0) return;
      await of(service)
        .call("ACL", "SETUSER", service, ...former.map((hash) => `!${hash}`))
        .catch((error: unknown) => {
          throw new RedisError(`${service}: ${error instanceof Error ? error.message : String(error)}`);
        });
      await of(service).call("ACL", "SAVE");
    },
  };
}
