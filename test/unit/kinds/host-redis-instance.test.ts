import { describe, expect, it } from "vitest";
import { redisGuarded } from "../../../components/plans/guarded";
import { REDIS_LIMITS, redisConfig } from "../../../components/plans/redis-config";
import { redisSizing } from "../../../components/plans/sizing";
import { TLS } from "../../../components/plans/tls";
import { unitOf } from "../../../provider/kinds/host/redis-instance-scripts";
import { hostRedisInstance as kind, parseInstance } from "../../../provider/kinds/host-redis-instance";
import { UNKNOWN } from "../../../provider/wire/kind";

const plan = {
  ...TLS.redis,
  ...{
    user: "svc_crm",
    use: "cache" as const,
    listen: "192.0.2.14",
    port: 6381,
    sizing: redisSizing(512, 15),
  },
};
const good = {
  ...{ name: "crm", address: "192.0.2.14", port: 6381, configuration: redisConfig(plan) },
  limits: { process: 76, ...REDIS_LIMITS },
  effective: redisGuarded(plan),
  admin: { user: "estate_admin", password: "p" },
};
/** The same, of an instance that asks for certificates. */
const asking = {
  ...good,
  configuration: redisConfig({ ...plan, clientCertificate: "required" }),
  effective: redisGuarded({ ...plan, clientCertificate: "required" }),
  clientAuthorities: "-----BEGIN CERTIFICATE-----\nbGFi\n-----END CERTIFICATE-----\n",
};
const faults = (changes: object) =>
  kind.check({ ...good, ...changes }, undefined, { urn: "" }).failures.map(({ property }) => property);

describe("the declaration of a Redis instance", () => {
  it("is taken as it is, and one that a preview does not know yet too", () => {
    expect(kind.check(good, undefined, { urn: "" })).toEqual({ inputs: good, failures: [] });
    expect(faults({ admin: { user: "estate_admin", password: UNKNOWN }, address: UNKNOWN })).toEqual([]);
    expect(kind.check(asking, undefined, { urn: "" })).toEqual({ inputs: asking, failures: [] });
    expect(faults({ ...asking, clientAuthorities: UNKNOWN })).toEqual([]);
  });

  it.each([
    ["name", { name: "crm; id" }],
    ["name", { name: "../crm" }],
    ["address", { address: "redis.test" }],
    ["port", { port: 0 }],
    ["configuration", { configuration: "" }],
    [
      "configuration",
      { configuration: redisConfig({ ...plan, user: "svc_n8n" }).replace("/n8n/users", "/crm/users") },
    ],
    ["configuration", { configuration: redisConfig(plan).replace("crm/users.acl", "n8n/users.acl") }],
    ["limits.process", { limits: { ...good.limits, process: 0 } }],
    ["limits.tasks", { limits: { ...good.limits, tasks: "32\nUser=root" } }],
    ["effective", { effective: {} }],
    ["effective", { effective: { maxmemory: "1'; --" } }],
    ["admin.password", { admin: { user: "estate_admin" } }],
    ["colour", { colour: "red" }],
    ["clientAuthorities", { ...asking, clientAuthorities: "lab" }],
    ["clientAuthorities", { ...asking, clientAuthorities: null }],
    ["clientAuthorities", { clientAuthorities: asking.clientAuthorities }],
    [
      "configuration",
      { ...asking, configuration: asking.configuration.replace("clients-crm.crt", "clients-n8n.crt") },
    ],
  ])("has a fault in %s named", (property, changes) => {
    expect(faults(changes)).toEqual([property]);
  });

  it("says of its unit what it may take, and leaves it no other instance's files", () => {
    const lines = unitOf("crm", good.limits).split("\n");
    for (const line of [
      "MemoryMax=76M",
      "MemorySwapMax=0",
      "CPUQuota=100%",
      "TasksMax=32",
      "TimeoutStopSec=30",
      "LogRateLimitBurst=300",
      "TemporaryFileSystem=/var/lib/redis:ro /etc/redis:ro",
      "BindPaths=/var/lib/redis/crm",
    ]) {
      expect(lines).toContain(line);
    }
  });
});

describe("what an instance's host says of it", () => {
  const line = (fact: string, content: string) => `${fact} ${Buffer.from(content).toString("base64")}\n`;

  it("takes the form of the declaration", () => {
    const text =
      line("configuration", `${good.configuration}\n`) +
      Object.entries(good.effective)
        .map(([name, value]) => line("effective", `${name}=${value}`))
        .join("");
    expect(parseInstance(text, good)).toEqual(good);
    // What it has read, and not what it is to read.
    expect(parseInstance(text, asking)).toEqual(good);
    const trusting = text + line("clientAuthorities", asking.clientAuthorities);
    expect(parseInstance(trusting, good)?.clientAuthorities).toBe(asking.clientAuthorities);
    expect(parseInstance("", good)).toBeUndefined();
  });
});
