import { describe, expect, it } from "vitest";
import { redisConfig } from "../../../components/plans/redis-config";
import { redisSizing } from "../../../components/plans/sizing";
import { TLS } from "../../../components/plans/tls";
import { databaseBackedUp } from "../../../policy/rules/database-backed-up";
import { type Member, stackFaultsOf } from "../../support/policy";

const database = (type: string, name: string, protect = true): Member => ({
  type,
  name: `${name}-database`,
  props: { name },
  protect,
});
const mariadb = "estate:mariadb:Database";
const postgres = "estate:postgres:Database";

describe(databaseBackedUp.name, () => {
  const databases = [database(mariadb, "mo_crm"), database(postgres, "mo_idp")];
  const backup = (...covered: string[]): Member => ({
    type: "estate:host:BackupAgent",
    name: `backup of ${covered.join()}`,
    props: {
      databases: covered,
      files: {
        "/etc/estate-backup/agent.conf": {
          content: `DATABASES='${covered.map((each) => `${each}:daily`).join(" ")}'`,
        },
      },
      timers: ["estate-backup.timer"],
    },
  });

  it("accepts databases that are in a backup", () => {
    expect(stackFaultsOf(databaseBackedUp, [...databases, backup("mo_crm"), backup("mo_idp")])).toEqual([]);
  });

  it("names those that are in none", () => {
    expect(stackFaultsOf(databaseBackedUp, [...databases, backup("mo_crm")])).toEqual([
      "in no backup: mo_idp",
    ]);
    expect(stackFaultsOf(databaseBackedUp, databases)).toEqual(["in no backup: mo_crm, mo_idp"]);
  });

  it("counts the kinds that the stack backs up with", () => {
    const other = { ...backup("mo_crm", "mo_idp"), type: "other:index:Backup" };
    expect(stackFaultsOf(databaseBackedUp, [...databases, other])).toEqual(["in no backup: mo_crm, mo_idp"]);
    expect(stackFaultsOf(databaseBackedUp, [...databases, other], { types: [other.type] })).toEqual([]);
  });

  describe("of queues", () => {
    const instance = (name: string, use: "queue" | "cache"): Member => ({
      type: "estate:host:RedisInstance",
      name,
      props: {
        name,
        configuration: redisConfig({
          ...TLS.redis,
          ...{ user: `svc_${name}`, use, listen: "10.0.0.5", port: 6380, sizing: redisSizing(1024, 20) },
        }),
      },
    });
    const agent = (engine: string, ...saved: string[]): Member => ({
      type: "estate:host:BackupAgent",
      name: `of ${engine}`,
      props: {
        databases: saved,
        timers: ["estate-backup-queues.timer"],
        files: {
          "/etc/estate-backup/agent.conf": {
            content: `ENGINE=${engine}\nDATABASES='${saved.map((each) => `${each}:daily`).join(" ")}'`,
          },
        },
      },
    });
    const instances = [instance("n8n", "queue"), instance("discourse", "queue"), instance("crm", "cache")];

    it("accepts those that the agent beside them saves; of a cache there is no backup", () => {
      const all = [...instances, agent("redis", "svc_n8n", "svc_discourse")];
      expect(stackFaultsOf(databaseBackedUp, all)).toEqual([]);
    });

    it("names those that are in none, or in that of a host without Redis", () => {
      expect(stackFaultsOf(databaseBackedUp, [...instances, agent("redis", "svc_n8n")])).toEqual([
        "in no backup: svc_discourse",
      ]);
      const others = [...instances, agent("redis", "svc_n8n"), agent("postgres", "svc_discourse")];
      expect(stackFaultsOf(databaseBackedUp, others)).toEqual(["in no backup: svc_discourse"]);
    });
  });
});
