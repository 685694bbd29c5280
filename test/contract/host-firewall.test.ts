import * as dgram from "node:dgram";
import * as net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EstateConfig } from "../../provider/config";
import { type FirewallInputs, firewallKind } from "../../provider/kinds/host-firewall";
import type { Call, Properties } from "../../provider/wire/kind";
import { type MachineNetwork, makeMachineNetwork } from "../support/machine-network";
import { bootMachine, type SystemdMachine } from "../support/systemd-machine";

/** What the packages' own scripts would have made of ufw and iptables. */
const CONFIGURED = `
for tables in iptables ip6tables; do
  for program in "" -save -restore; do ln -sf "$tables-nft$program" "/usr/sbin/$tables$program"; done
done
for name in before before6 after after6 user user6; do
  install -m 0640 "/usr/share/ufw/iptables/$name.rules" "/etc/ufw/$name.rules"
done
for name in before after; do install -m 0640 "/usr/share/ufw/$name.init" "/etc/ufw/$name.init"; done
install -m 0644 /usr/share/ufw/ufw.conf /etc/ufw/ufw.conf
`;

const BUCKET = 5000;
const MIRROR = 8080;

/** A host's firewall as the program declares it: ufw on a machine of its own, with this one as everybody else. */
describe("the firewall of a host", { timeout: 120_000 }, () => {
  const kind = firewallKind({ rollbackSeconds: 30 });
  let network: MachineNetwork;
  let machine: SystemdMachine;
  let call: Call<EstateConfig>;
  const listening: (() => void)[] = [];

  beforeAll(async () => {
    network = await makeMachineNetwork();
    machine = await bootMachine(["ufw", "hostname", "python3", "iputils-ping"], network);
    await machine.exec("bash", "-ec", CONFIGURED);
    call = { config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal };
    const { service, stranger } = network;
    for (const { ipv4, ipv6 } of [service, stranger]) {
      for (const address of [ipv4, ipv6]) {
        for (const port of [BUCKET, MIRROR, 443]) listening.push(await acceptAt(address, port));
      }
      listening.push(await answerNames(ipv4));
    }
  });

  afterAll(async () => {
    for (const close of listening) close();
    await machine?.stop();
    network?.remove();
  });

  const tcp = (port: number, to: string, comment: string) => ({ port, protocol: "tcp", to, comment });
  /** As components/firewall.ts declares it. */
  const declared = (change: { ways?: Properties[]; needs?: Properties[] } = {}): FirewallInputs => {
    const { operator, service, machine: host } = network;
    const {
      ways = [
        tcp(BUCKET, service.ipv4, "backup bucket"),
        tcp(BUCKET, service.ipv6, "backup bucket"),
        { port: 53, protocol: "udp", to: service.ipv4, comment: "DNS" },
      ],
      needs = [{ host: service.ipv4, port: BUCKET }],
    } = change;
    const comers = [operator.ipv4, operator.ipv6].map((from) => ({
      ...{ port: 22, protocol: "tcp", from, comment: "ssh from the operators" },
    }));
    const rules = Object.fromEntries([...comers, ...ways].map((rule, index) => [`${index}`, rule]));
    const { inputs, failures } = kind.check({ label: host.ipv4, rules, needs }, undefined, { urn: "" });
    expect(failures).toEqual([]);
    return inputs as unknown as FirewallInputs;
  };
  const old = (inputs: FirewallInputs) => ({ inputs, state: inputs });
  const update = (before: FirewallInputs, news: FirewallInputs) =>
    kind.update(call, before.label, old(before), news);
  const found = async () => (await kind.read(call, network.machine.ipv4, old(declared())))?.inputs;

  /** What becomes of a connection from the host. */
  const connects = (to: string, port: number) =>
    machine
      .exec(
        ...[
          "bash",
          "-c",
          'timeout 4 bash -c "exec 3<>/dev/tcp/$0/$1" 2>&1; echo "code $?"',
          to,
          String(port),
        ],
      )
      .then((said) => (/code 0$/m.test(said) ? "open" : /code 124$/m.test(said) ? "silent" : said.trim()));
  /** Whether a resolver at that address answers the host. */
  const resolves = (at: string) =>
    machine.exec(
      ...["bash", "-c", 'exec 3<>"/dev/udp/$0/53"; printf x >&3 && timeout 2 head -c 1 <&3; true', at],
    );
  const refused = /Connection refused/;

  test("is switched on at once on a blank host, and lets out what is declared and nothing else", async () => {
    const { service, stranger } = network;
    expect(await connects(stranger.ipv4, 443)).toBe("open");
    await kind.create(call, declared());
    // Nothing of the host's has tried to get out yet, and none of its answers to us was taken for that.
    const counted = await machine.exec(
      "iptables",
      "--numeric",
      "--verbose",
      "--exact",
      "--list",
      "ufw-reject-output",
    );
    expect(counted).toMatch(/^ *0 +0 REJECT /m);

    expect(await connects(service.ipv4, BUCKET)).toBe("open");
    expect(await connects(service.ipv6, BUCKET)).toBe("open");
    expect(await resolves(service.ipv4)).toBe("y");
    for (const address of [stranger.ipv4, stranger.ipv6]) {
      for (const port of [BUCKET, 443]) expect(await connects(address, port)).toMatch(refused);
    }
    expect(await connects(service.ipv4, MIRROR)).toMatch(refused);
    expect(await resolves(stranger.ipv4)).toBe("");
  });

  test("lets nobody ping out, for a ping carries whatever is written into it", async () => {
    const pings = async (to: string) =>
      machine.exec("bash", "-c", 'ping -c 1 -W 2 "$0" >/dev/null 2>&1 && echo yes || echo no', to);
    expect(await pings(network.stranger.ipv6)).toBe("no\n");
    expect(await pings(network.stranger.ipv4)).toBe("no\n");
  });

  test("reads back as it was declared, and has nothing more to do", async () => {
    expect(await found()).toEqual(declared());
    await update(declared(), declared());
    expect(await found()).toEqual(declared());
  });

  test("names ways out that were opened or closed by hand, one by one, and takes them back", async () => {
    const { service, stranger } = network;
    await machine.exec(
      "bash",
      "-ec",
      `ufw allow out to ${stranger.ipv4} port 443 proto tcp
       ufw allow out 8080
       ufw --force delete allow out to ${service.ipv6} port ${BUCKET} proto tcp
       iptables -I OUTPUT -d ${stranger.ipv4} -j ACCEPT`,
    );
    expect(await connects(stranger.ipv4, BUCKET)).toBe("open");
    const names = Object.keys(declared().rules);
    const now = await found();
    expect(Object.keys(now?.rules ?? {}).sort()).toEqual(
      [
        ...names.filter((name) => name !== `tcp ${BUCKET} to ${service.ipv6}`),
        `tcp 443 to ${stranger.ipv4}`,
        "ufw allow out 8080",
        `iptables -A OUTPUT -d ${stranger.ipv4}/32 -j ACCEPT`,
      ].sort(),
    );
    await update(now as FirewallInputs, declared());
    expect(await found()).toEqual(declared());
    expect(await connects(stranger.ipv4, 443)).toMatch(refused);
    expect(await connects(stranger.ipv4, MIRROR)).toMatch(refused);
  });

  test.each([
    ["an open default", "ufw default allow outgoing", { outgoing: "allow" }],
    [
      "a way out in one of ufw's own chains",
      "iptables -I ufw-reject-output -j ACCEPT",
      { inForce: "no: the kernel's IPv4 rules are not ufw's" },
    ],
    [
      "ways out of the kernel alone",
      "ip6tables -P OUTPUT ACCEPT; ip6tables -F OUTPUT",
      { inForce: "no: the kernel's IPv6 rules are not ufw's" },
    ],
    [
      "pings, by the frame of the package",
      "install -m 0640 /usr/share/ufw/iptables/before6.rules /etc/ufw/before6.rules; ufw reload",
      { inForce: "no: /etc/ufw was changed: before6.rules" },
    ],
  ])("shows %s, and mends it", async (_what, command, shown) => {
    await machine.exec("bash", "-ec", command);
    const now = await found();
    expect(now).toEqual({ ...declared(), ...shown });
    await update(now as FirewallInputs, declared());
    expect(await found()).toEqual(declared());
    expect(await connects(network.stranger.ipv4, 443)).toMatch(refused);
    expect(await connects(network.stranger.ipv6, 443)).toMatch(refused);
  });

  describe("a change that would cut the host off from what it needs", () => {
    const refuses = async (change: Parameters<typeof declared>[0], missing: string) => {
      await expect(update(declared(), declared(change))).rejects.toThrow(
        `changing the firewall ended with 1: the former rules are back, because the host would not reach any more what ` +
          `it needs: ${missing}. Add it to access.outgoing`,
      );
      expect(await found()).toEqual(declared());
      expect(await connects(network.service.ipv4, BUCKET)).toBe("open");
    };

    test("takes itself back: the bucket", async () => {
      await refuses({ ways: [tcp(443, "any", "anybody")] }, `${network.service.ipv4} port ${BUCKET}`);
    });

    test("takes itself back: a package mirror that the host is set to", async () => {
      const { service } = network;
      const mirrored = [...waysOf(), tcp(MIRROR, service.ipv4, "packages")];
      await update(declared(), declared({ ways: mirrored }));
      const source = `Types: deb\\nURIs: http://${service.ipv4}:${MIRROR}/debian\\n# http://unused.example/\\n`;
      const file = "/etc/apt/sources.list.d/debian.sources";
      await machine.exec("bash", "-ec", `mkdir -p $(dirname ${file}); printf '${source}' >${file}`);
      const before = declared({ ways: mirrored });
      await expect(update(before, declared())).rejects.toThrow(
        `it needs: ${service.ipv4} port ${MIRROR}. Add it to access.outgoing`,
      );
      expect(await connects(service.ipv4, MIRROR)).toBe("open");
      await machine.exec("rm", file);
      await update(before, declared());
    });

    test("takes itself back: a resolver that the host is set to", async () => {
      const { service } = network;
      await machine.exec("bash", "-ec", `echo nameserver ${service.ipv4} >/etc/resolv.conf`);
      await refuses({ ways: [tcp(BUCKET, service.ipv4, "backup bucket")] }, `${service.ipv4} port 53`);
      await machine.exec("rm", "/etc/resolv.conf");
    });

    test("goes on where the host did not reach it before either", async () => {
      const { stranger } = network;
      const needs = [{ host: stranger.ipv4, port: 443 }];
      const without = declared({ ways: [], needs });
      await update(declared(), without);
      expect(await connects(network.service.ipv4, BUCKET)).toMatch(refused);
      await update(without, declared());
      expect(await found()).toEqual(declared());
    });

    const waysOf = () => {
      const { service } = network;
      return [
        tcp(BUCKET, service.ipv4, "backup bucket"),
        tcp(BUCKET, service.ipv6, "backup bucket"),
        { port: 53, protocol: "udp", to: service.ipv4, comment: "DNS" },
      ];
    };
  });
});

/** Accepts connections and says nothing. */
function acceptAt(address: string, port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.on("error", () => undefined).end());
    server.once("error", reject);
    server.listen(port, address, () => resolve(() => server.close()));
  });
}

/** A resolver that answers whatever it is asked. */
function answerNames(address: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", reject);
    socket.on("message", (_question, { port, address: from }) => socket.send("y", port, from));
    socket.bind(53, address, () => resolve(() => socket.close()));
  });
}
