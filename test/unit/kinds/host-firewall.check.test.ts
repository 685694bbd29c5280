import { describe, expect, it } from "vitest";
import { hostFirewall } from "../../../provider/kinds/host-firewall";
import { type Properties, UNKNOWN, type Value } from "../../../provider/wire/kind";

const ssh = { port: 22, protocol: "tcp", from: "10.77.0.1", comment: "ssh from the operators" };
const database = { port: 3306, protocol: "tcp", from: "10.77.0.11", comment: "mariadb from the web host" };

const bucket = { port: 5000, protocol: "tcp", to: "10.77.0.15", comment: "backup bucket" };

function check(news: Properties) {
  return hostFirewall.check(news, undefined, { urn: "urn:pulumi:test::estate::estate:host:Firewall::f" });
}

function faultsOf(rule: Record<string, Value>): string[] {
  const { failures } = check({ label: "db", rules: { ssh, tried: { ...database, ...rule } } });
  return failures.map(({ property, reason }) => `${property}: ${reason}`);
}

describe("what a firewall may declare", () => {
  it("is named by what it opens, its sources canonical, and closed by default", () => {
    const range = { ...ssh, from: "203.0.113.45/29" };
    const needs = [{ host: "backups.s3.example", port: 443 }];
    const anybody = { ...bucket, port: 443, to: "any" };
    const network = { ...bucket, to: "203.0.113.45/24" };
    const rules = { a: ssh, b: database, c: range, d: bucket, e: anybody, f: network };
    expect(check({ label: "db", rules, needs })).toEqual({
      inputs: {
        label: "db",
        incoming: "deny",
        outgoing: "reject",
        sshPort: 22,
        needs,
        inForce: "yes",
        rules: {
          "tcp 22 from 10.77.0.1": ssh,
          "tcp 3306 from 10.77.0.11": database,
          "tcp 22 from 203.0.113.40/29": { ...range, from: "203.0.113.40/29" },
          "tcp 5000 to 10.77.0.15": bucket,
          "tcp 443 to any": anybody,
          "tcp 5000 to 203.0.113.0/24": { ...network, to: "203.0.113.0/24" },
        },
      },
      failures: [],
    });
  });

  it("stays as it is when checked again", () => {
    const out = { ...bucket, to: "FD77:0::15/32" };
    const once = check({
      label: "db",
      rules: { a: ssh, b: { ...database, from: "FD77:0::11" }, out },
    }).inputs;
    expect(check(once)).toEqual({ inputs: once, failures: [] });
  });

  it.each([
    ["0.0.0.0/0", /is "0\.0\.0\.0\/0"; a source is no wider than \/29/],
    ["::/0", /is "::\/0"; a source is no wider than \/125/],
    ["10.77.0.0/28", /no wider than \/29/],
    ["fd77::/124", /no wider than \/125/],
    ["any", /is "any"; name the address/],
    ["", /is ""; name the address/],
    ["web.example", /name the address/],
    [null, /is missing; name the address/],
  ])("comes from no wider source than eight addresses: not %j", (from, reason) => {
    expect(faultsOf({ from })).toEqual([expect.stringMatching(reason)]);
    expect(faultsOf({ from })[0]).toContain('rules["tried"].from: ');
  });

  it.each(["10.77.0.8/29", "fd77::8/125"])("may come from %s", (from) => {
    expect(faultsOf({ from })).toEqual([]);
  });

  it.each([
    [{ to: "0.0.0.0/0" }, /is "0\.0\.0\.0\/0"; a destination is no wider than \/16/],
    [{ to: "10.0.0.0/15" }, /no wider than \/16/],
    [{ to: "2000::/3" }, /no wider than \/32/],
    [{ to: "fd77::/31" }, /no wider than \/32/],
    [{ to: "s3.example" }, /is "s3\.example"; name an address/],
    [{ to: "" }, /is ""; name an address/],
    [{ to: 5 }, /is 5; name an address/],
    [{ to: "any" }, /is "any"; only tcp 443 may go to any address/],
    [{ to: "any", port: 443, protocol: "udp" }, /is "any"; only tcp 443/],
  ])("lets out to no more than what is needed: not %j", (change, reason) => {
    const { failures } = check({ label: "db", rules: { ssh, out: { ...bucket, ...change } } });
    expect(failures).toEqual([{ property: 'rules["out"].to', reason: expect.stringMatching(reason) }]);
  });

  it.each(["10.77.0.0/16", "fd77::/32", "fd77::15"])("may lead to %s", (to) => {
    expect(check({ label: "db", rules: { ssh, out: { ...bucket, to } } }).failures).toEqual([]);
  });

  it("lets in or lets out, and never both", () => {
    expect(faultsOf({ to: "10.77.0.15" })).toEqual([expect.stringMatching(/has from and to/)]);
  });

  it.each([
    "the bucket",
    [{ host: "s3.example; reboot", port: 443 }],
    [{ host: "s3.example", port: 0 }],
    [{ port: 443 }],
    ["s3.example:443"],
  ])("has to reach what is an endpoint: not %j", (needs) => {
    const { failures } = check({ label: "db", rules: { ssh }, needs });
    expect(failures).toEqual([
      { property: "needs", reason: expect.stringMatching(/each with host .* and port/) },
    ]);
  });

  it.each([
    [{ port: 0 }, /port: is 0; give one port from 1 to 65535/],
    [{ port: 65536 }, /port: is 65536/],
    [{ port: "3306" }, /port: is "3306"/],
    [{ protocol: "any" }, /protocol: is "any"; say tcp or udp/],
    [{ protocol: null }, /protocol: is missing/],
    [{ comment: "it's" }, /comment: is "it's"; use up to 80/],
    [{ comment: "$(reboot)" }, /comment: is/],
    [{ action: "allow" }, /action: is no part of a rule/],
  ])("refuses %j", (rule, reason) => {
    expect(faultsOf(rule)).toEqual([expect.stringMatching(reason)]);
  });

  it.each([
    ["no rule", {}],
    ["only another port", { database }],
    ["only UDP", { ssh: { ...ssh, protocol: "udp" } }],
    ["only a way out", { ssh: { ...bucket, port: 22 } }],
  ])("locks nobody out by declaration: %s for SSH", (_what, rules) => {
    expect(check({ label: "db", rules }).failures).toEqual([
      {
        property: "rules",
        reason: expect.stringMatching(/no rule opens the SSH port 22: it would lock the operators out/),
      },
    ]);
  });

  it("knows the port that operators use", () => {
    expect(check({ label: "db", sshPort: 2222, rules: { ssh } }).failures).toHaveLength(1);
    expect(check({ label: "db", sshPort: 2222, rules: { ssh: { ...ssh, port: 2222 } } }).failures).toEqual(
      [],
    );
  });

  it("shows all faults at once", () => {
    const { failures } = check({
      label: "",
      incoming: "allow",
      outgoing: "allow",
      needs: "the bucket",
      sshPort: 70000,
      inForce: "no: by hand",
      colour: "red",
      rules: { a: { ...database, from: "any", port: 0 } },
    });
    expect(failures.map(({ property }) => property).sort()).toEqual(
      [
        "label",
        "incoming",
        "outgoing",
        "needs",
        "sshPort",
        "inForce",
        "colour",
        "rules",
        'rules["a"].from',
        'rules["a"].port',
      ].sort(),
    );
  });

  it("waits with its judgement for what a preview does not know yet", () => {
    expect(check({ label: UNKNOWN, sshPort: UNKNOWN, rules: UNKNOWN }).failures).toEqual([]);
    expect(check({ label: "db", rules: { a: { ...database, from: UNKNOWN } } }).failures).toEqual([]);
  });
});
