import { isIPv4, isIPv6 } from "node:net";
import { describe, expect, it } from "vitest";
import { hostNamed, hosts, hostsFile, operator } from "../../../lab/hosts";
import { hardwareAddress } from "../../../lab/network";

describe("the address plan", () => {
  it("has every address once, the operator's too", () => {
    const addresses = [operator, ...hosts].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(new Set(hosts.map(hardwareAddress)).size).toBe(hosts.length);
  });

  it("is inside the lab's networks", () => {
    for (const { ipv4, ipv6 } of [operator, ...hosts]) {
      expect(isIPv4(ipv4) && ipv4.startsWith("10.77.0.")).toBe(true);
      expect(isIPv6(ipv6) && ipv6.startsWith("fd77::")).toBe(true);
    }
  });

  it("keeps the addresses that configuration and firewall rules name", () => {
    expect(Object.fromEntries(hosts.map(({ fqdn, ipv4 }) => [fqdn, ipv4]))).toEqual({
      "plesk.lab.internal": "10.77.0.11",
      "mariadb.lab.internal": "10.77.0.12",
      "postgres.lab.internal": "10.77.0.13",
      "redis.lab.internal": "10.77.0.14",
      "spare.lab.internal": "10.77.0.16",
      "cloud.lab.internal": "10.77.0.15",
      "stranger.lab.internal": "10.77.0.66",
    });
  });
});

describe("hardwareAddress", () => {
  it("is unicast, administered locally, and carries the address", () => {
    expect(hardwareAddress(hostNamed("stranger"))).toBe("02:00:0a:4d:00:42");
  });
});

describe("hostsFile", () => {
  it("knows every host by both names, on IPv4 alone, where they listen", () => {
    const lines = hostsFile(hostNamed("redis")).split("\n");
    expect(lines).toContain("10.77.0.13 postgres.lab.internal postgres");
    expect(lines).toContain("10.77.0.66 stranger.lab.internal stranger");
    expect(lines).toContain("127.0.0.1 localhost");
    expect(lines.filter((line) => line.startsWith("fd77"))).toEqual([]);
  });
});

describe("hostNamed", () => {
  it("says which hosts there are", () => {
    expect(() => hostNamed("mysql")).toThrow(/"mysql" is no host of the lab.*plesk, mariadb, postgres/);
  });
});
