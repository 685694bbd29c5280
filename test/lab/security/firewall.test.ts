import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostKey } from "../../../components/plans/ssh";
import { openSsh } from "../../../connect/ssh";
import { redisUsers } from "../../../estate/catalogue";
import { cloudPort, githubPort } from "../../../lab/hosts";
import { firewallKind } from "../../../provider/kinds/host-firewall";
import { type Doors, openDoors, renderDoors, tryEveryDoor } from "../../support/doors";
import { onHost } from "../../support/lab";
import { type PlannedChange, plannedChanges, pulumi } from "../../support/project";

/** The hosts whose firewall is ours. */
const guarded = ["mariadb", "postgres", "redis"] as const;
/** Every host but the stranger and the spare one, whom nobody guards. The web host has its panel's firewall, `cloud` that of somebody else. */
const closed = ["plesk", ...guarded, "cloud"] as const;

/** All that may be open on the hosts that are ours. */
const declared = [
  ...guarded.flatMap((host) => [`operator -> ${host}:22`, `operator -> ${host}:22 on IPv6`]),
  "plesk -> mariadb:3306",
  "plesk -> postgres:5432",
  ...redisUsers.map(({ port }) => `plesk -> redis:${port}`),
].sort();

/** All that our hosts may connect to: the bucket. Packages and names are on the hosts themselves here. */
const ways = guarded.map((source) => `${source} -> cloud:${cloudPort}`);

/** All that may be open on the others: SSH for the operator, the cloud's services for those who use them. */
const others = [
  ...["plesk", "cloud"].flatMap((host) => [`operator -> ${host}:22`, `operator -> ${host}:22 on IPv6`]),
  ...["operator", "plesk", "spare"].flatMap((source) => [
    `${source} -> cloud:${cloudPort}`,
    `${source} -> cloud:${githubPort}`,
  ]),
  ...ways,
];

const onOneOf = (hosts: readonly string[]) => (door: string) =>
  hosts.some((host) => door.includes(`-> ${host}:`));
const onGuarded = onOneOf(guarded);
const fromGuarded = (door: string) => guarded.some((host) => door.startsWith(`${host} ->`));
const openOnGuarded = (doors: Doors) => openDoors(doors).filter(onGuarded);

/** What is open to those who may come, and to one who may not. */
const openNow = async () => openOnGuarded(await tryEveryDoor(["operator", "plesk", "stranger"]));

/** What a program of a host is told when it connects; nothing: it is connected. */
const connect = (host: (typeof guarded)[number], address: string, port: number) =>
  onHost(host, [
    ...["bash", "-c", 'timeout 5 bash -c "exec 3<>/dev/tcp/$0/$1" 2>&1 || echo "code $?"'],
    ...[address, String(port)],
  ]);

async function up(): Promise<void> {
  const finished = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
  expect(finished.code, finished.output).toBe(0);
}

async function refresh(): Promise<void> {
  const finished = await pulumi(["refresh", "--stack", "local", "--yes"]);
  expect(finished.code, finished.output).toBe(0);
}

describe("every port of every host, from every host", () => {
  let doors: Doors;
  beforeAll(async () => {
    doors = await tryEveryDoor();
    process.stdout.write(renderDoors(doors));
  });

  it("opens what the reachability table says, and nothing else", () => {
    expect(openOnGuarded(doors)).toEqual(declared);
    expect(openDoors(doors).filter(onOneOf(closed))).toEqual([...declared, ...others].sort());
  });

  it("does not even answer where nothing is open", () => {
    const answers = [...doors].filter(
      // A host tells its own programs at once what it does not let out.
      ([door]) => onOneOf(closed)(door) && !fromGuarded(door) && ![...declared, ...others].includes(door),
    );
    expect(answers.length).toBeGreaterThan(400);
    expect(answers.filter(([, answer]) => answer !== "silent")).toEqual([]);
  });

  it("lets a database host connect to the bucket and to nothing else, whoever would answer", () => {
    expect(openDoors(doors)).toEqual(
      expect.arrayContaining(["plesk -> stranger:22", "plesk -> stranger:22 on IPv6"]),
    );
    expect(openDoors(doors).filter(fromGuarded)).toEqual(ways);
  });

  it.each(guarded)("says so at once to a program of %s", async (host) => {
    expect(await connect(host, "10.77.0.66", 22)).toMatch(/Connection refused/);
    expect(await connect(host, "fd77::66", 22)).toMatch(/Connection refused/);
    expect(await connect(host, "10.77.0.15", cloudPort)).toBe("");
  });

  it("gives a stranger nothing: no port of any host that somebody guards", () => {
    const opened = openDoors(doors).filter(onOneOf(closed));
    expect(opened.filter((door) => /^(?:stranger ->|spare -> (?!cloud:))/.test(door))).toEqual([]);
  });
});

describe("what somebody changes on a firewall by hand", () => {
  let opened: string[];
  let wayOut: string;
  let planned: PlannedChange[];
  let mended = false;

  beforeAll(async () => {
    await onHost(
      "mariadb",
      ["bash", "-e"],
      `ufw allow 3306
       ufw allow proto tcp from 10.77.0.66 to any port 22
       ufw --force delete allow proto tcp from fd77::1 to any port 22
       ufw allow out proto tcp from any to 10.77.0.66 port 22`,
    );
    await onHost("postgres", ["ufw", "disable"]);
    const behindUfw = "iptables -I INPUT -p tcp --dport 6380 -j ACCEPT";
    await onHost("redis", ["bash", "-e"], `${behindUfw}; ${behindUfw}`);
    opened = await openNow();
    wayOut = await connect("mariadb", "10.77.0.66", 22);
    await refresh();
    planned = await plannedChanges();
  });
  afterAll(async () => {
    if (!mended) await up();
  });

  const fieldsOf = (host: string) =>
    planned.find(({ resource }) => resource === `estate:host:Firewall ${host}-firewall`)?.fields;

  it("opens doors, so that the test above can see one", () => {
    expect(opened).toEqual(
      expect.arrayContaining([
        "stranger -> mariadb:3306",
        "stranger -> postgres:5432",
        "stranger -> redis:6380",
      ]),
    );
    expect(opened).not.toContain("operator -> mariadb:22 on IPv6");
    expect(wayOut).toBe("");
  });

  it("is named rule by rule after a refresh", () => {
    expect(fieldsOf("mariadb")).toEqual(
      [
        ...['rules["ufw allow 3306"]', 'rules["tcp 22 from 10.77.0.66"]', 'rules["tcp 22 from fd77::1"]'],
        'rules["tcp 22 to 10.77.0.66"]',
      ].sort(),
    );
    expect(fieldsOf("postgres")).toEqual(["inForce"]);
    expect(fieldsOf("redis")).toEqual(['rules["iptables -A INPUT -p tcp -m tcp --dport 6380 -j ACCEPT"]']);
    expect(planned).toHaveLength(3);
  });

  it("is closed again by `up`", async () => {
    await up();
    expect(await openNow()).toEqual(declared);
    expect(await connect("mariadb", "10.77.0.66", 22)).toMatch(/Connection refused/);
    await refresh();
    expect(await plannedChanges()).toEqual([]);
    mended = true;
  });
});

describe("a rule set that locks the operator out", () => {
  const env = (name: string) => readFileSync(process.env[name] ?? "", "utf8");
  const target = { host: "10.77.0.14", port: 22, user: "root" };
  const kind = firewallKind({ rollbackSeconds: 10 });
  const elsewhere = {
    port: 22,
    protocol: "tcp",
    from: "192.0.2.1",
    comment: "ssh from another office",
  } as const;
  const inputs = {
    label: "redis",
    incoming: "deny",
    outgoing: "reject",
    sshPort: 22,
    needs: [],
    inForce: "yes",
    rules: { "tcp 22 from 192.0.2.1": elsewhere },
  } as const;

  it("takes itself back, says so, and leaves everything as it was", async () => {
    const ssh = {
      ...target,
      privateKey: env("SSH_PRIVATE_KEY_FILE"),
      hostKey: hostKey(env("SSH_KNOWN_HOSTS_FILE"), target),
    };
    const call = { config: { ssh }, urn: "", signal: new AbortController().signal };
    const before = await kind.read(call, "redis", undefined);
    expect(before?.inputs.inForce).toBe("yes");

    await expect(kind.create(call, inputs)).rejects.toThrow(
      /firewall "redis": these firewall rules lock us out of 10\.77\.0\.14.*taken its former rules back.*access\.operators/s,
    );

    const connection = await openSsh(ssh);
    connection.close();
    expect(await kind.read(call, "redis", undefined)).toEqual(before);
    expect(await openNow()).toEqual(declared);
  });
});
