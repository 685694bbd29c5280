import type { RedisUse } from "../../estate/types";
import type { Probe } from "./probe";

/** Who is probed on Redis. */
export interface RedisSubject {
  user: string;
  keyPrefix: string;
  use: RedisUse;
  /** Prefixes of the other services, and `""` for keys of nobody. */
  otherPrefixes: readonly string[];
  /** Last part of the scratch keys' names. */
  scratch: string;
}

/** Commands in order, each with its arguments; the last one decides. */
export interface RedisProbe extends Probe {
  commands: readonly (readonly string[])[];
  cleanup?: readonly (readonly string[])[];
}

const REFUSED = ["NOPERM"];
export const SWITCHED_OFF = "ERR command not allowed";

const must = (title: string, ...commands: string[][]): RedisProbe => ({
  title,
  expected: "allowed",
  refusedBy: REFUSED,
  commands,
});
/** `letPastBy` "ERR": the command's own complaint about arguments that cannot work. Rights are checked before those. */
const mustNot = (title: string, command: string, ...letPastBy: string[]): RedisProbe => ({
  title,
  expected: "refused",
  refusedBy: REFUSED,
  letPastBy,
  commands: [command.split(" ")],
});

export function redisProbes({ user, keyPrefix, use, otherPrefixes, scratch }: RedisSubject): RedisProbe[] {
  const key = `${keyPrefix}${scratch}`;
  const others = otherPrefixes.flatMap((prefix) => {
    const other = `${prefix}${scratch}`;
    const whose = prefix === "" ? "without a prefix" : `under ${prefix}`;
    return [
      mustNot(`read keys ${whose}`, `GET ${other}`),
      // XX: sets nothing where the key does not exist, and it does not.
      mustNot(`write keys ${whose}`, `SET ${other} 1 XX`),
      mustNot(`write keys ${whose} by a script`, `EVAL return(redis.call('SET',KEYS[1],1,'XX')) 1 ${other}`),
      mustNot(`publish to channels ${whose}`, `PUBLISH ${other} 1`),
    ];
  });
  return [
    {
      ...must(
        "write, read and delete keys of its own",
        ["SET", key, "1", "EX", "60"],
        ["GET", key],
        ["EXPIRE", key, "60"],
        ["DEL", key],
      ),
      cleanup: [["DEL", key]],
    },
    must("run a script on keys of its own", ["EVAL", "return redis.call('EXISTS', KEYS[1])", "1", key]),
    must("publish to channels of its own", ["PUBLISH", key, "1"]),
    must("list its own keys (SCAN)", ["SCAN", "0", "MATCH", key, "COUNT", "1"]),
    must("list its own keys (KEYS)", ["KEYS", key]),
    must("learn how full its own instance is", ["INFO", "memory"]),
    ...others,
    // Its own mistake in the word behind it shows that a cache may be emptied, and nothing is.
    use === "cache"
      ? { ...must("empty its own cache (FLUSHDB)", ["FLUSHDB", "estate-check"]), letPastBy: ["ERR"] }
      : mustNot("empty its queue (FLUSHDB)", "FLUSHDB estate-check", "ERR"),
    ...server(user),
  ];
}

/** Arguments are such that the command fails, or changes nothing, for one who may. */
function server(user: string): RedisProbe[] {
  return [
    mustNot("empty the server (FLUSHALL)", "FLUSHALL estate-check", "ERR"),
    mustNot("swap databases", "SWAPDB estate check", "ERR"),
    mustNot("read the server's settings", "CONFIG GET port"),
    mustNot("change the server's settings", "CONFIG SET estate-check-absent 1", "ERR"),
    mustNot("read the users", "ACL LIST"),
    mustNot("read its own user's password hash", `ACL GETUSER ${user}`),
    mustNot("change a user", "ACL SETUSER estate-check estate-check-absent", "ERR"),
    // These two the server can switch off for everybody, and says so before it looks at rights.
    {
      ...mustNot("debug the server", "DEBUG estate-check-absent", "ERR"),
      refusedBy: [...REFUSED, SWITCHED_OFF],
    },
    {
      ...mustNot("load a module", "MODULE LOAD /estate-check.so", "ERR"),
      refusedBy: [...REFUSED, SWITCHED_OFF],
    },
    mustNot("load a library of functions, which stays", "FUNCTION LOAD estate-check", "ERR"),
    mustNot("hold its instance in the debugger of scripts", "SCRIPT DEBUG estate-check", "ERR"),
    mustNot("delete functions", "FUNCTION FLUSH estate-check", "ERR"),
    mustNot("list the admin's connections", "CLIENT LIST"),
    mustNot("end the admin's connections", "CLIENT KILL ID 0", "ERR"),
    mustNot("make the server a copy of another", "REPLICAOF estate check", "ERR"),
    mustNot("save the server's data", "BGSAVE estate-check", "ERR"),
    mustNot("read the log of slow commands", "SLOWLOG LEN"),
  ];
}
