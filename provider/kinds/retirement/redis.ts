import { pairs, RedisError, type RedisServer } from "../../../connect/redis";
import { passwordHash } from "../redis/acl";
import { type FormerPasswords, notThere } from "./former";

/** Hashes of an ACL user beside the newest. */
export function formerOnRedis(server: RedisServer): FormerPasswords {
  const hashes = async (user: string): Promise<string[]> => {
    const { passwords } = pairs(await server.call("ACL", "GETUSER", user));
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
      await server
        .call("ACL", "SETUSER", service, ...former.map((hash) => `!${hash}`))
        .catch((error: unknown) => {
          throw new RedisError(`${service}: ${error instanceof Error ? error.message : String(error)}`);
        });
      await server.call("ACL", "SAVE");
    },
  };
}
