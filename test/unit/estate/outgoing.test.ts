import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { outgoingRules } from "../../../components/plans/firewall";
import { databases, redisUsers } from "../../../estate/catalogue";
import { checkEstate } from "../../../estate/check";
import { FaultyEstate } from "../../../estate/faults";
import { loadStackConfig } from "../../../estate/load";
import { bucketEndpoint } from "../../../estate/outgoing";
import type { OutgoingEntry } from "../../../estate/types";

const local = loadStackConfig("local", join(__dirname, "../../.."));
const bucket = { purpose: "backup bucket", to: ["10.77.0.15"], ports: [5000] };
const anywhere = { purpose: "HTTPS", to: "any", ports: [443], reason: "its addresses change" };

function check(outgoing: unknown, backup: Record<string, unknown> = {}) {
  const access = { ...local.access, outgoing };
  const config = { ...local, access, backup: { ...local.backup, ...backup } };
  return checkEstate({ stack: "local", config, databases, redisUsers });
}

/** The faults, as `path: fix`; none: it is accepted. */
function faultsOf(...declared: Parameters<typeof check>): string[] {
  try {
    check(...declared);
  } catch (error) {
    if (error instanceof FaultyEstate) return error.faults.map(({ path, fix }) => `${path}: ${fix}`);
    throw error;
  }
  return [];
}

describe("what the database hosts may connect to", () => {
  it("has to be said: a stack without it is told what to list", () => {
    expect(faultsOf(undefined)).toEqual([
      expect.stringMatching(/^access\.outgoing: list what .* bucket, the package mirror, DNS and time/),
    ]);
  });

  it("is named by networks and ports, over tcp where nothing is said", () => {
    const dns = { purpose: "DNS", to: ["10.77.0.1", "fd77::/32"], ports: [53], protocols: ["udp", "tcp"] };
    expect(check([bucket, dns]).config.access.outgoing).toEqual([{ ...bucket, protocols: ["tcp"] }, dns]);
  });

  it("may be any address over HTTPS, with a reason", () => {
    expect(faultsOf([bucket, anywhere])).toEqual([]);
  });

  it.each([
    [{ ...anywhere, ports: [443, 22] }, /ports: only 443 may go to any address/],
    [{ ...anywhere, protocols: ["udp"] }, /protocols: only tcp may go to any address/],
    [{ ...anywhere, reason: undefined }, /reason: add it: why no address is known/],
    [{ ...anywhere, reason: "because" }, /reason: say why/],
    [{ ...bucket, to: ["0.0.0.0/0"] }, /to.*no wider than \/16/],
    [{ ...bucket, to: ["10.0.0.0/15"] }, /to.*no wider than \/16/],
    [{ ...bucket, to: ["2000::/3"] }, /to.*no wider than \/32/],
    [{ ...bucket, to: ["s3.example"] }, /to.*a firewall knows no names/],
    [{ ...bucket, to: [] }, /to.*at least one address/],
    [{ ...bucket, to: "everybody" }, /to.*any/],
    [{ ...bucket, ports: [] }, /ports: name at least one port/],
    [{ ...bucket, ports: [0] }, /ports\.0: give a port from 1 to 65535/],
    [{ ...bucket, protocols: [] }, /protocols: say tcp, udp or both/],
    [{ ...bucket, protocols: ["icmp"] }, /protocols\.0: say tcp or udp/],
    [{ ...bucket, purpose: "it's" }, /purpose: say what for/],
    [{ ...bucket, purpose: "$(reboot)" }, /purpose: say what for/],
    [{ ...bucket, host: "mariadb" }, /host: no such key/],
  ])("is not %j", (entry, fault) => {
    const faults = faultsOf([bucket, entry]);
    expect(faults).toEqual([expect.stringMatching(/^access\.outgoing\.1/)]);
    expect(faults[0]).toMatch(fault);
  });

  it.each([
    [[], {}, "10.77.0.15 on tcp port 5000"],
    [[{ ...bucket, to: ["10.77.0.14"] }], {}, "10.77.0.15 on tcp port 5000"],
    [[{ ...bucket, ports: [443] }], {}, "10.77.0.15 on tcp port 5000"],
    [[{ ...bucket, protocols: ["udp"] }], {}, "10.77.0.15 on tcp port 5000"],
    [[anywhere], {}, "10.77.0.15 on tcp port 5000"],
    [
      [{ ...bucket, to: ["10.77.0.15"] }],
      { endpoint: "https://[fd77::15]:5000" },
      "fd77::15 on tcp port 5000",
    ],
    [[bucket], { endpoint: undefined }, "estate-backups-local.s3.eu-central-1.amazonaws.com on tcp port 443"],
  ])("lets backups out to their bucket: not %j", (outgoing, backup, missing) => {
    expect(faultsOf(outgoing, backup)).toEqual([
      `access.outgoing: no entry lets backups out to ${missing}: add one`,
    ]);
  });

  it.each([
    [[{ ...bucket, to: ["10.77.0.0/24"] }], {}],
    [[{ ...bucket, to: ["fd77::/64"] }], { endpoint: "https://[fd77::15]:5000" }],
    [[anywhere], { endpoint: "https://10.77.0.15" }],
    [[{ ...bucket, ports: [443] }], { endpoint: undefined }],
  ])("lets backups out to their bucket: %j", (outgoing, backup) => {
    expect(faultsOf(outgoing, backup)).toEqual([]);
  });

  it("knows where the bucket answers", () => {
    expect(bucketEndpoint(local.backup)).toEqual({ host: "10.77.0.15", port: 5000 });
    const { endpoint: _, ...aws } = local.backup;
    expect(bucketEndpoint(aws)).toEqual({
      host: "estate-backups-local.s3.eu-central-1.amazonaws.com",
      port: 443,
    });
  });
});

describe("the outgoing rules of a host", () => {
  it("are one a protocol, port and destination, each once, by the first entry that asks", () => {
    const entries: OutgoingEntry[] = [
      { purpose: "DNS", to: ["10.77.0.1", "FD77:0::1"], ports: [53], protocols: ["udp", "tcp"] },
      { purpose: "names", to: ["10.77.0.1/32"], ports: [53], protocols: ["udp"] },
      { purpose: "HTTPS", to: "any", ports: [443], protocols: ["tcp"], reason: "its addresses change" },
    ];
    expect(outgoingRules(entries)).toEqual([
      { port: 53, protocol: "udp", to: "10.77.0.1", comment: "DNS" },
      { port: 53, protocol: "udp", to: "fd77::1", comment: "DNS" },
      { port: 53, protocol: "tcp", to: "10.77.0.1", comment: "DNS" },
      { port: 53, protocol: "tcp", to: "fd77::1", comment: "DNS" },
      { port: 443, protocol: "tcp", to: "any", comment: "HTTPS" },
    ]);
  });
});
