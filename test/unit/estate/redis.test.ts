import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { checkEstate } from "../../../estate/check";
import { FaultyEstate } from "../../../estate/faults";
import { loadStackConfig } from "../../../estate/load";
import type { RedisUserEntry } from "../../../estate/types";

const config = loadStackConfig("local", join(__dirname, "../../.."));

/** Faults of the catalogue where one user is otherwise, as `path: fix`. */
function faultsWith(
  name: string,
  change: Partial<Record<keyof RedisUserEntry, unknown>>,
  memoryMiB = 512,
): string[] {
  const users = redisUsers.map((user) => (user.name === name ? { ...user, ...change } : user));
  const { redis } = config.servers;
  if (!redis) throw new Error("the local stack has Redis");
  const servers = { ...config.servers, redis: { ...redis, memoryMiB } };
  try {
    checkEstate({ stack: "test", config: { ...config, servers }, databases, redisUsers: users });
  } catch (error) {
    if (error instanceof FaultyEstate) return error.faults.map(({ path, fix }) => `${path}: ${fix}`);
    throw error;
  }
  return [];
}

describe("services on Redis", () => {
  it("are declared soundly", () => {
    expect(faultsWith("svc_crm", {})).toEqual([]);
  });

  it.each([
    [
      "the port of another",
      { port: 6380 },
      "redisUsers.svc_crm.port: svc_main listens there already: every instance has a port of its own",
    ],
    ["the port of plain Redis", { port: 6379 }, "redisUsers.svc_crm.port: give a port from 6380 to 6399"],
    ["no port", { port: undefined }, "redisUsers.svc_crm.port: give a port number"],
    ["another use", { use: "sessions" }, "redisUsers.svc_crm.use: say cache or queue"],
    ["no state", { state: undefined }, "redisUsers.svc_crm.state: say live or retired"],
    [
      "more memory than there is",
      { memoryShare: 16 },
      "redisUsers: all memoryShare together must leave 10 % to the host: lower one by 1 or more",
    ],
    [
      "less memory than an instance needs",
      { memoryShare: 9 },
      "redisUsers.svc_crm.memoryShare: an instance needs 48 MiB: give 10 or more of this host's 512 MiB",
    ],
  ])("may not have %s", (_what, change, fault) => {
    expect(faultsWith("svc_crm", change)).toEqual([fault]);
  });

  it("may not have the port of the host's SSH", () => {
    const { redis } = config.servers;
    const servers = { ...config.servers, redis: redis && { ...redis, ssh: { ...redis.ssh, port: 6381 } } };
    expect(() =>
      checkEstate({ stack: "test", config: { ...config, servers }, databases, redisUsers }),
    ).toThrow(/redisUsers\.svc_crm\.port.*SSH of the host listens there already/);
  });

  it("stand in the documentation as they are declared", () => {
    const page = readFileSync(join(__dirname, "../../../docs/redis.md"), "utf8");
    const rows = redisUsers.map(
      ({ application, use, port, memoryShare }) => `| ${application} | ${use} | ${port} | ${memoryShare} % |`,
    );
    expect(page).toContain(`${rows.join("\n")}\n\n`);
  });

  it("take neither port nor memory once they are retired", () => {
    expect(faultsWith("svc_crm", { state: "retired", port: 6380, memoryShare: 90 })).toEqual([]);
  });
});
