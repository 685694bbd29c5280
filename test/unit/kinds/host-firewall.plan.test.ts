import { describe, expect, it } from "vitest";
import { planFirewall, type Wanted } from "../../../provider/kinds/firewall/plan";
import { type FirewallRule, ruleName } from "../../../provider/kinds/firewall/rule";
import { type FirewallState, parseState } from "../../../provider/kinds/firewall/state";

const rule = (port: number, from: string): FirewallRule => ({ port, protocol: "tcp", from, comment: "why" });
const named = (...rules: FirewallRule[]) => Object.fromEntries(rules.map((one) => [ruleName(one), one]));

const ssh = rule(22, "10.77.0.1");
const database = rule(3306, "10.77.0.11");
const wanted: Wanted = { incoming: "deny", outgoing: "allow", rules: named(ssh, database) };

interface Host {
  enabled: string;
  ipv6: string;
  input: string;
  forward: string;
  frame: string;
  added: string[];
  kernel4: string[];
  kernel6: string[];
  /** Rules in the kernel's chain for the user's rules. */
  loaded: number;
}

const chains = (prefix: string) => [
  "-P INPUT DROP",
  ...["before-logging", "before", "after", "after-logging", "reject", "track"].map(
    (name) => `-A INPUT -j ${prefix}${name}-input`,
  ),
];

const healthy: Host = {
  enabled: "yes",
  ipv6: "yes",
  input: '"DROP"',
  forward: '"DROP"',
  frame: "",
  added: [
    "ufw allow from 10.77.0.1 to any port 22 proto tcp comment 'why'",
    "ufw allow from 10.77.0.11 to any port 3306 proto tcp comment 'why'",
  ],
  kernel4: chains("ufw-"),
  kernel6: chains("ufw6-"),
  loaded: 2,
};

/** What the script prints on a host: as it is printed by ufw 0.36.2. */
function printed(change: Partial<Host> = {}): string {
  const host = { ...healthy, ...change };
  const counts = ["iptables", "ip6tables"].flatMap((tables) =>
    ["before", "user", "after"].flatMap((part) => [
      `== written ${tables} ${part}`,
      part === "user" ? "2" : "12",
      `== loaded ${tables} ${part}`,
      part === "user" ? `${host.loaded}` : part === "before" ? "13" : "12",
    ]),
  );
  return [
    ...["== enabled", host.enabled, "== ipv6", host.ipv6],
    ...["== default INPUT", host.input, "== default OUTPUT", '"ACCEPT"', "== default FORWARD", host.forward],
    ...[
      "== frame",
      host.frame,
      "== added",
      "Added user rules (see 'ufw status' for running firewall):",
      ...host.added,
    ],
    ...["== kernel4", ...host.kernel4, "== kernel6", ...host.kernel6],
    ...counts,
    "",
  ].join("\n");
}

function stateOf(change: Partial<Host> = {}): FirewallState {
  const state = parseState(printed(change));
  if (!state) throw new Error("the host has ufw");
  return state;
}

const with_ = (...lines: string[]) => ({ added: [...healthy.added, ...lines] });

describe("reading a host", () => {
  it("knows our rules by their names", () => {
    expect(stateOf()).toEqual({ incoming: "deny", outgoing: "allow", rules: wanted.rules, faults: [] });
  });

  it("has no firewall where ufw is missing", () => {
    expect(parseState("== absent\n")).toBeUndefined();
  });

  it("refuses a text that is cut off", () => {
    const text = printed();
    expect(() => parseState(text.slice(0, text.indexOf("== kernel6")))).toThrow(/lacks the part "kernel6"/);
  });

  it.each([
    "ufw allow 3306",
    "ufw allow 22/tcp",
    "ufw limit from 10.0.0.0/8",
    "ufw allow in on eth0 from 10.1.2.3 to any port 99 proto udp",
    "ufw route allow from 10.77.0.1 to any port 22 proto tcp comment 'x'",
    "ufw allow from 10.77.0.1 to any port 25,26 proto tcp",
    "ufw deny from 10.77.0.11 to any port 3306 proto tcp",
    "ufw allow from 10.9.9.9 port 5 to 10.77.0.14 port 6380 proto tcp",
  ])("names what somebody typed: %s", (line) => {
    expect(stateOf(with_(line)).rules[line]).toEqual({ byHand: line });
  });

  it("knows a range opened by hand in the form of our rules", () => {
    const { rules } = stateOf(with_("ufw allow from 10.0.0.0/8 to any port 3306 proto tcp"));
    expect(rules["tcp 3306 from 10.0.0.0/8"]).toEqual({ ...rule(3306, "10.0.0.0/8"), comment: "" });
  });

  it.each([
    "kernel4",
    "kernel6",
  ] as const)("names a door in the kernel that ufw does not know: %s", (part) => {
    const tables = part === "kernel4" ? "iptables" : "ip6tables";
    const line = "-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT";
    const state = stateOf({ [part]: [...healthy[part], line, "-A INPUT -s 10.0.0.1/32 -j DROP"] });
    expect(Object.keys(state.rules)).toEqual([...Object.keys(wanted.rules), `${tables} ${line}`]);
  });

  it.each([
    [{ enabled: "no", kernel4: ["-P INPUT ACCEPT"], loaded: 0 }, "off", "ufw is disabled"],
    [{ ipv6: "no" }, "ipv6", "IPv6 is not covered"],
    [{ forward: '"ACCEPT"' }, "routed", "packets are forwarded"],
    [{ frame: "before.rules" }, "frame", "/etc/ufw was changed: before.rules"],
    [
      { kernel4: ["-P INPUT ACCEPT", ...healthy.kernel4.slice(1)] },
      "kernel",
      "the kernel's IPv4 rules are not ufw's",
    ],
    [{ kernel6: ["-P INPUT DROP"] }, "kernel", "the kernel's IPv6 rules are not ufw's"],
  ] as const)("says why rules are not in force: %j", (change, code, text) => {
    expect(stateOf(change as Partial<Host>).faults).toEqual([{ code, text }]);
  });

  it("sees that the kernel has more or fewer rules than the files", () => {
    for (const loaded of [1, 3])
      expect(stateOf({ loaded }).faults.map(({ code }) => code)).toEqual(["kernel", "kernel"]);
  });

  it("sees another default", () => {
    expect(stateOf({ input: '"ACCEPT"' }).incoming).toBe("allow");
    expect(stateOf({ input: '"REJECT"' }).incoming).toBe("reject");
  });
});

describe("the plan", () => {
  it("does nothing where all is as wanted", () => {
    expect(planFirewall(stateOf(), wanted)).toEqual([]);
  });

  it("sets rules first, on a fresh host, and switches on last", () => {
    const blank = stateOf({ enabled: "no", added: ["(None)"], loaded: 0 });
    expect(planFirewall(blank, wanted)).toEqual([
      "ufw allow proto tcp from 10.77.0.1 to any port 22 comment why",
      "ufw allow proto tcp from 10.77.0.11 to any port 3306 comment why",
      "ufw --force enable",
    ]);
  });

  it("opens what is missing before it closes what is too much", () => {
    const moved: Wanted = { ...wanted, rules: named(rule(22, "fd77::1"), database) };
    expect(planFirewall(stateOf(), moved)).toEqual([
      "ufw allow proto tcp from fd77::1 to any port 22 comment why",
      "ufw --force delete allow proto tcp from 10.77.0.1 to any port 22",
    ]);
  });

  it.each([
    ["ufw allow 3306", "ufw --force delete allow 3306"],
    ["ufw limit from 10.0.0.0/8 comment 'it is'", "ufw --force delete limit from 10.0.0.0/8"],
    ["ufw route allow 'Nginx Full'", "ufw --force route delete allow 'Nginx Full'"],
    ["ufw allow 'a;reboot'", "ufw --force delete allow 'a;reboot'"],
  ])("takes back %s", (line, command) => {
    expect(planFirewall(stateOf(with_(line)), wanted)).toEqual([command]);
  });

  it("takes a rule of the kernel back in the kernel, however often it is there", () => {
    const kernel4 = [
      ...healthy.kernel4,
      '-A INPUT -p tcp --dport 3306 -m comment --comment "my; own" -j ACCEPT',
    ];
    const opened = "INPUT -p tcp --dport 3306 -m comment --comment 'my; own' -j ACCEPT";
    expect(planFirewall(stateOf({ kernel4 }), wanted)).toEqual([
      `while iptables -C ${opened} 2>/dev/null; do iptables -D ${opened}; done`,
    ]);
  });

  it("writes a changed comment anew", () => {
    const other = { ...wanted, rules: named({ ...ssh, comment: "who else" }, database) };
    expect(planFirewall(stateOf(), other)).toEqual([
      "ufw allow proto tcp from 10.77.0.1 to any port 22 comment 'who else'",
    ]);
  });

  it("has the kernel's chains in place before it adds a rule to them", () => {
    expect(planFirewall(stateOf({ loaded: 0, added: [] }), wanted)).toEqual([
      expect.stringMatching(/INPUT DROP.* \| \$tables-restore/),
      "ufw reload",
      "ufw allow proto tcp from 10.77.0.1 to any port 22 comment why",
      "ufw allow proto tcp from 10.77.0.11 to any port 3306 comment why",
    ]);
  });

  it("mends what keeps rules from being in force", () => {
    expect(planFirewall(stateOf({ enabled: "no" }), wanted)).toEqual(["ufw --force enable"]);
    expect(planFirewall(stateOf({ loaded: 0 }), wanted).at(-1)).toBe("ufw reload");
    expect(planFirewall(stateOf({ ipv6: "no" }), wanted).join("; ")).toMatch(
      /IPV6=yes >>\/etc\/default\/ufw; ufw reload$/,
    );
    expect(planFirewall(stateOf({ frame: "before.rules" }), wanted).join("; ")).toMatch(
      /install .*; ufw reload$/,
    );
    expect(planFirewall(stateOf({ forward: '"ACCEPT"' }), wanted)).toEqual([
      "ufw default deny routed",
      "ufw reload",
    ]);
    expect(planFirewall(stateOf({ input: '"ACCEPT"' }), wanted)[0]).toBe("ufw default deny incoming");
  });
});
