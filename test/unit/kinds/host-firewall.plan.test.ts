import { describe, expect, it } from "vitest";
import { planFirewall, type Wanted } from "../../../provider/kinds/firewall/plan";
import { type FirewallRule, ruleName } from "../../../provider/kinds/firewall/rule";
import { type FirewallState, parseState } from "../../../provider/kinds/firewall/state";

const rule = (port: number, from: string): FirewallRule => ({ port, protocol: "tcp", from, comment: "why" });
const named = (...rules: FirewallRule[]) => Object.fromEntries(rules.map((one) => [ruleName(one), one]));

const ssh = rule(22, "10.77.0.1");
const database = rule(3306, "10.77.0.11");
const bucket: FirewallRule = { port: 5000, protocol: "tcp", to: "10.77.0.15", comment: "backup bucket" };
const anybody: FirewallRule = { port: 443, protocol: "tcp", to: "any", comment: "why" };
const wanted: Wanted = { incoming: "deny", outgoing: "reject", rules: named(ssh, database, bucket, anybody) };

interface Host {
  enabled: string;
  ipv6: string;
  input: string;
  output: string;
  forward: string;
  frame: string;
  added: string[];
  kernel4: string[];
  kernel6: string[];
  /** Rules in the kernel's chain for the user's rules. */
  loaded: number;
}

const chains = (prefix: string) => [
  ...["INPUT", "OUTPUT"].flatMap((way) => [
    `-P ${way} DROP`,
    ...["before-logging", "before", "after", "after-logging", "reject", "track"].map(
      (name) => `-A ${way} -j ${prefix}${name}-${way.toLowerCase()}`,
    ),
  ]),
  `-N ${prefix}reject-input`,
  `-N ${prefix}reject-output`,
  `-A ${prefix}reject-output -j REJECT --reject-with icmp-port-unreachable`,
  `-N ${prefix}track-input`,
  `-N ${prefix}track-output`,
];

const healthy: Host = {
  enabled: "yes",
  ipv6: "yes",
  input: '"DROP"',
  output: '"REJECT"',
  forward: '"DROP"',
  frame: "",
  added: [
    "ufw allow from 10.77.0.1 to any port 22 proto tcp comment 'why'",
    "ufw allow from 10.77.0.11 to any port 3306 proto tcp comment 'why'",
    "ufw allow out to 10.77.0.15 port 5000 proto tcp comment 'backup bucket'",
    "ufw allow out 443/tcp comment 'why'",
  ],
  kernel4: chains("ufw-"),
  kernel6: chains("ufw6-"),
  loaded: 2,
};

/** What the script prints on a host: as it is printed by ufw 0.36.2. */
function printed(change: Partial<Host> = {}): string {
  const host = { ...healthy, ...change };
  const counts = ["iptables", "ip6tables"].flatMap((tables) =>
    ["input", "output"].flatMap((way) =>
      ["before", "user", "after"].flatMap((part) => [
        `== written ${tables} ${part} ${way}`,
        part === "user" ? "2" : "12",
        `== loaded ${tables} ${part} ${way}`,
        part === "user" ? `${host.loaded}` : part === "before" ? "13" : "12",
      ]),
    ),
  );
  return [
    ...["== enabled", host.enabled, "== ipv6", host.ipv6],
    ...["== default INPUT", host.input, "== default OUTPUT", host.output, "== default FORWARD", host.forward],
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
    expect(stateOf()).toEqual({ incoming: "deny", outgoing: "reject", rules: wanted.rules, faults: [] });
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
    "ufw allow out on eth0 to any port 99 proto udp",
    "ufw allow out to 10.77.0.66",
    "ufw allow out 443",
    "ufw allow out 5000:6000/tcp",
    "ufw allow out from 10.9.9.9 to 10.77.0.66 port 5000 proto tcp",
    "ufw deny out to 10.77.0.15 port 5000 proto tcp",
    "ufw reject out 443/tcp",
    "ufw allow from 10.9.9.9 port 5 to 10.77.0.14 port 6380 proto tcp",
  ])("names what somebody typed: %s", (line) => {
    expect(stateOf(with_(line)).rules[line]).toEqual({ byHand: line });
  });

  it("knows a range opened by hand in the form of our rules", () => {
    const { rules } = stateOf(with_("ufw allow from 10.0.0.0/8 to any port 3306 proto tcp"));
    expect(rules["tcp 3306 from 10.0.0.0/8"]).toEqual({ ...rule(3306, "10.0.0.0/8"), comment: "" });
  });

  it("knows ways out that were opened by hand in the form of our rules", () => {
    const { rules } = stateOf(
      with_("ufw allow out 53/udp", "ufw allow out to fd77::66 port 443 proto tcp comment 'mine'"),
    );
    expect(rules["udp 53 to any"]).toEqual({ port: 53, protocol: "udp", to: "any", comment: "" });
    expect(rules["tcp 443 to fd77::66"]).toEqual({ ...anybody, to: "fd77::66", comment: "mine" });
  });

  it.each([
    ["kernel4", "iptables"],
    ["kernel6", "ip6tables"],
  ] as const)("names a way out in the kernel that ufw does not know: %s", (part, tables) => {
    const line = "-A OUTPUT -d 10.77.0.66/32 -j ACCEPT";
    expect(Object.keys(stateOf({ [part]: [...healthy[part], line] }).rules)).toContain(`${tables} ${line}`);
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
    [
      { kernel4: healthy.kernel4.map((line) => line.replace("-P OUTPUT DROP", "-P OUTPUT ACCEPT")) },
      "kernel",
      "the kernel's IPv4 rules are not ufw's",
    ],
    [
      { kernel6: healthy.kernel6.filter((line) => line !== "-A OUTPUT -j ufw6-before-output") },
      "kernel",
      "the kernel's IPv6 rules are not ufw's",
    ],
    [
      { kernel4: [...healthy.kernel4, "-A ufw-reject-output -d 10.77.0.66/32 -j ACCEPT"] },
      "kernel",
      "the kernel's IPv4 rules are not ufw's",
    ],
    [
      { kernel4: [...healthy.kernel4, "-A ufw-track-output -p tcp -j ACCEPT"] },
      "kernel",
      "the kernel's IPv4 rules are not ufw's",
    ],
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
    expect(stateOf({ output: '"ACCEPT"' }).outgoing).toBe("allow");
  });
});

/** The kernel's chains where everything may go out. */
const accepting = (prefix: string) => [
  ...chains(prefix)
    .filter((line) => !line.startsWith(`-A ${prefix}reject-output`))
    .map((line) => line.replace("-P OUTPUT DROP", "-P OUTPUT ACCEPT")),
  ...["tcp", "udp"].map(
    (protocol) => `-A ${prefix}track-output -p ${protocol} -m conntrack --ctstate NEW -j ACCEPT`,
  ),
];

describe("the plan", () => {
  const added = [
    "ufw allow proto tcp from 10.77.0.1 to any port 22 comment why",
    "ufw allow proto tcp from 10.77.0.11 to any port 3306 comment why",
    "ufw allow out proto tcp from any to 10.77.0.15 port 5000 comment 'backup bucket'",
    "ufw allow out proto tcp from any to any port 443 comment why",
  ];

  it("does nothing where all is as wanted", () => {
    expect(planFirewall(stateOf(), wanted)).toEqual([]);
  });

  it("sets rules first, on a fresh host, and switches on last", () => {
    const blank = stateOf({ enabled: "no", added: ["(None)"], loaded: 0 });
    expect(planFirewall(blank, wanted)).toEqual([...added, "ufw --force enable"]);
  });

  it("opens the ways out before it closes the rest", () => {
    const open = stateOf({
      output: '"ACCEPT"',
      added: [],
      kernel4: accepting("ufw-"),
      kernel6: accepting("ufw6-"),
    });
    expect(planFirewall(open, wanted)).toEqual([...added, "ufw default reject outgoing"]);
    const blank = stateOf({ output: '"ACCEPT"', enabled: "no", added: [], loaded: 0 });
    expect(planFirewall(blank, wanted)).toEqual([
      ...added,
      "ufw default reject outgoing",
      "ufw --force enable",
    ]);
  });

  it("takes back a way out that nobody declared", () => {
    const { [ruleName(bucket)]: _, ...rules } = wanted.rules;
    expect(planFirewall(stateOf(), { ...wanted, rules })).toEqual([
      "ufw --force delete allow out proto tcp from any to 10.77.0.15 port 5000",
    ]);
  });

  it("opens what is missing before it closes what is too much", () => {
    const moved: Wanted = { ...wanted, rules: named(rule(22, "fd77::1"), database, bucket, anybody) };
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
    const other = { ...wanted, rules: named({ ...ssh, comment: "who else" }, database, bucket, anybody) };
    expect(planFirewall(stateOf(), other)).toEqual([
      "ufw allow proto tcp from 10.77.0.1 to any port 22 comment 'who else'",
    ]);
  });

  it("has the kernel's chains in place before it adds a rule to them", () => {
    expect(planFirewall(stateOf({ loaded: 0, added: [] }), wanted)).toEqual([
      expect.stringMatching(/INPUT DROP.* \| \$tables-restore/),
      "ufw reload",
      ...added,
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
