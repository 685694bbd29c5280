import { describe, expect, it } from "vitest";
import { incomingRules } from "../../../components/plans/firewall";
import { pgHba } from "../../../components/plans/pg-hba";
import { databases as catalogue, redisUsers } from "../../../estate/catalogue";
import { checkEstate } from "../../../estate/check";
import { databaseSource, reachability, reachOf } from "../../../estate/reachability";
import type { DatabaseEntry, RedisUserEntry } from "../../../estate/types";
import { live } from "../../support/declared";

const provisioned = (number: number) => ({
  host: `host${number}.test`,
  ssh: { host: `192.0.2.${number}`, port: number === 13 ? 2222 : 22 },
  listen: `192.0.2.${number}`,
  memoryMiB: 1024,
});

const outgoing = [{ purpose: "backup bucket", to: "any", ports: [443], reason: "its addresses change" }];

function tableOf(
  access: Record<string, unknown> = {},
  databases: readonly DatabaseEntry[] = catalogue,
  servers: Record<string, unknown> = {},
  users: readonly RedisUserEntry[] = redisUsers,
) {
  const config = {
    servers: {
      plesk: {
        host: "127.0.0.1",
        ssh: { host: "192.0.2.11" },
        certificatePath: "/c.pem",
        certificateName: "web.test",
      },
      mariadb: provisioned(12),
      postgres: provisioned(13),
      redis: provisioned(14),
      ...servers,
    },
    access: {
      pleskAddress: "192.0.2.11",
      operators: ["192.0.2.1/32", "2001:DB8:0::42/125"],
      outgoing,
      ...access,
    },
    rotation: { days: 90, anchor: "2026-01-01" },
    backup: {
      bucket: "backups",
      recipients: [`age1${"q".repeat(58)}`],
      region: "eu-central-1",
      retention: { archive: { years: 7, reason: "a law for this test" } },
    },
    tags: { owner: "platform", "data-protection-contact": "dpo@web.test" },
  };
  return reachability(checkEstate({ stack: "test", config, databases, redisUsers: users }));
}

describe("the reachability table", () => {
  const table = tableOf();

  it("opens database ports to the web host alone, and always over TLS", () => {
    const doors = table.filter((row) => row.service !== "ssh");
    expect(new Set(doors.filter(({ host }) => host !== "plesk").map(({ from }) => from))).toEqual(
      new Set(["192.0.2.11"]),
    );
    expect(new Set(reachOf(table, "plesk").map(({ from }) => from))).toEqual(new Set(["localhost"]));
    expect(new Set(doors.map((row) => "tls" in row && row.tls))).toEqual(new Set(["required"]));
  });

  it("opens SSH to the operators alone, on IPv4 and IPv6, on the port each host has", () => {
    const ssh = table
      .filter((row) => row.service === "ssh")
      .map(({ host, port, from }) => `${host} ${port} ${from}`);
    expect(ssh).toEqual(
      [["mariadb", 22] as const, ["postgres", 2222] as const, ["redis", 22] as const].flatMap(
        ([host, port]) => [`${host} ${port} 192.0.2.1`, `${host} ${port} 2001:db8::40/125`],
      ),
    );
  });

  it("lets each service into its own database and the admin into all", () => {
    const logins = (database: string | undefined) =>
      table.flatMap((row) => (row.service !== "ssh" && row.database === database ? row.logins : []));
    expect(logins("mo_crm")).toEqual(["svc_crm"]);
    expect(logins("mo_idp")).toEqual(["svc_idp_a", "svc_idp_b"]);
    for (const { name } of catalogue) expect(logins(name).length, name).toBeGreaterThan(0);
    expect(reachOf(table, "mariadb")[0]).toMatchObject({ database: undefined, logins: ["estate_admin"] });
  });

  it("says where a login shows a certificate as well; on Redis the admin does, too", () => {
    const users = redisUsers.map((user) =>
      user.name === "svc_crm" ? { ...user, clientCertificate: "required" as const } : user,
    );
    const asked = tableOf({}, catalogue, {}, users).filter((row) => "clientCertificate" in row);
    expect(asked).toEqual([
      expect.objectContaining({ host: "redis", port: 6381, logins: ["estate_admin", "svc_crm"] }),
    ]);
  });

  it("forgets a retired database", () => {
    const retired = catalogue.map((entry) =>
      entry.name === "mo_idp" ? { ...entry, state: "retired" as const } : entry,
    );
    expect(JSON.stringify(tableOf({}, retired))).not.toContain("idp");
  });

  it("is followed by the firewall, pg_hba.conf and the host parts: another address in all of them", () => {
    for (const address of ["198.51.100.7", "2001:db8::7"]) {
      const moved = tableOf({ pleskAddress: address });
      for (const host of ["mariadb", "postgres", "redis"] as const) {
        const database = incomingRules(reachOf(moved, host)).filter(({ port }) => port > 2222);
        expect([...new Set(database.map(({ from }) => from))]).toEqual([address]);
        expect(database).toHaveLength(host === "redis" ? redisUsers.length : 1);
      }
      const hba = pgHba(reachOf(moved, "postgres"));
      const sources = hba.split("\n").filter((line) => line.startsWith("hostssl"));
      // A line for each database, and the admin's.
      expect(sources).toHaveLength(live.postgres + 1);
      for (const line of sources) expect(line).toContain(` ${address}/${address.includes(":") ? 128 : 32} `);
      expect(databaseSource(reachOf(moved, "mariadb"))).toBe(address);
    }
  });

  it("makes one firewall rule of many logins", () => {
    expect(incomingRules(reachOf(table, "mariadb"))).toEqual([
      { port: 3306, protocol: "tcp", from: "192.0.2.11", comment: "mariadb from the web host" },
      { port: 22, protocol: "tcp", from: "192.0.2.1", comment: "ssh from the operators" },
      { port: 22, protocol: "tcp", from: "2001:db8::40/125", comment: "ssh from the operators" },
    ]);
  });

  it("opens one port for each service on Redis, to its user and the admin alone, and none for a retired one", () => {
    const doors = reachOf(table, "redis").filter((row) => row.service !== "ssh");
    expect(doors.map((row) => [row.port, "logins" in row && row.logins])).toEqual(
      redisUsers.map(({ name, port }) => [port, ["estate_admin", name]]),
    );
    const retired = redisUsers.map((user) =>
      user.name === "svc_n8n" ? { ...user, state: "retired" as const } : user,
    );
    const ports = reachOf(tableOf({}, catalogue, {}, retired), "redis").map(({ port }) => port);
    expect(ports).toContain(6381);
    expect(ports).not.toContain(6382);
  });

  it("has no row for a server that the stack lacks", () => {
    expect(reachOf(tableOf({}, catalogue, { redis: undefined }), "redis")).toEqual([]);
  });
});

describe("databaseSource", () => {
  it("refuses a server that is reached from two places", () => {
    const table = reachOf(tableOf(), "mariadb");
    const second = table.map((row, index) => (index === 1 ? { ...row, from: "198.51.100.1" } : row));
    expect(() => databaseSource(second)).toThrow(
      /from one address, not from 192\.0\.2\.11 and 198\.51\.100\.1/,
    );
    expect(() => databaseSource([])).toThrow(/not from none/);
  });
});
