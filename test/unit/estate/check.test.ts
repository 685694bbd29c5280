import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { checkEstate, checkStackConfig } from "../../../estate/check";
import { FaultyEstate } from "../../../estate/faults";
import { loadStackConfig } from "../../../estate/load";
import type { ProvisionedServer } from "../../../estate/types";

const project = join(__dirname, "../../..");
const config = loadStackConfig("local", project);
const named = (name: string) => databases.find((entry) => entry.name === name);
const good = { stack: "local", config, databases, redisUsers };

/** The faults of a declaration, as `path: fix`; fails the test when there is none. */
function faultsOf(declared: Parameters<typeof checkEstate>[0]): string[] {
  return faultsBy(() => checkEstate(declared));
}

function faultsBy(check: () => unknown): string[] {
  try {
    check();
  } catch (error) {
    if (error instanceof FaultyEstate) return error.faults.map(({ path, fix }) => `${path}: ${fix}`);
    throw error;
  }
  throw new Error("the declaration was accepted");
}

function withServer(server: "plesk" | "mariadb" | "postgres", change: Record<string, unknown>) {
  return {
    ...good,
    config: { ...config, servers: { ...config.servers, [server]: { ...config.servers[server], ...change } } },
  };
}

function withAccess(change: Record<string, unknown>) {
  return { ...good, config: { ...config, access: { ...config.access, ...change } } };
}

describe("checkEstate", () => {
  it("accepts the catalogue under every stack's configuration", () => {
    for (const stack of ["local", "staging", "prod"]) {
      const estate = checkEstate({ ...good, stack, config: loadStackConfig(stack, project) });
      expect(estate.databases).toEqual(databases);
    }
  });

  it("fills in ports, SSH users and version floors", () => {
    expect(checkEstate(good).config.servers).toMatchObject({
      plesk: {
        port: 3306,
        minimumVersion: "10.6",
        ssh: { port: 22, user: "root" },
        accountHost: "localhost",
      },
      redis: { minimumVersion: "7" },
    });
  });

  it("names each missing part of an empty configuration", () => {
    const paths = faultsOf({ ...good, config: {} }).map((fault) => fault.split(":")[0]);
    expect(paths).toEqual(["servers", "access", "rotation", "backup", "tags"]);
  });

  it("gathers faults of every sort in one run", () => {
    const extra = { ...databases[0], name: "mo_sixth", service: "svc_sixth", secret: "MO_VOTES_DB_PASS" };
    const faults = faultsOf({
      ...withServer("plesk", { accountHost: "%", port: "3306", colour: "red" }),
      databases: [...databases, extra],
    });
    expect(faults).toEqual([
      "servers.plesk.port: give a port number",
      "servers.plesk.accountHost: give a host name or an address, without a port or a wildcard",
      expect.stringMatching(/^servers\.plesk\.colour: no such key; known here: host, port, /),
      "databases and redisUsers.mo_sixth.secret: mo_votes has it already: every secret belongs to one entry",
      expect.stringMatching(/^databases\.mo_sixth\.server: plesk takes 5 databases and this is one more/),
    ]);
  });

  it.each([
    [
      "an address range that is too wide",
      withAccess({ operators: ["10.77.0.0/28"] }),
      /operators\.0: name a range no wider than \/29/,
    ],
    ["the whole internet", withAccess({ operators: ["0.0.0.0/0"] }), /operators\.0: name a range no wider/],
    [
      "the whole internet of IPv6",
      withAccess({ operators: ["::/0"] }),
      /operators\.0: name a range no wider than \/125/,
    ],
    ["no range", withAccess({ operators: ["office"] }), /operators\.0: give an address or a range/],
    [
      "a plesk address that is a range",
      withAccess({ pleskAddress: "10.77.0.8/29" }),
      /pleskAddress: give one IPv4/,
    ],
    [
      "a server listening everywhere",
      withServer("postgres", { listen: "0.0.0.0" }),
      /listen: name the one address/,
    ],
    [
      "an address that is none",
      withServer("plesk", { host: "10.77.0.999" }),
      /host: give an address of four numbers/,
    ],
    ["memory in bytes", withServer("postgres", { memoryMiB: 4 * 2 ** 30 }), /memoryMiB: give MiB, not bytes/],
    [
      "a path that is a command",
      withServer("plesk", { certificatePath: "/etc/$(id)" }),
      /certificatePath: give the absolute path/,
    ],
    [
      "an old server",
      withServer("mariadb", { minimumVersion: "10.6" }),
      /minimumVersion: ask for at least "10\.11"/,
    ],
    [
      "a version that is a number",
      withServer("mariadb", { minimumVersion: 10.11 }),
      /minimumVersion: write the version in quotes/,
    ],
    [
      "rotation after 90 days",
      { ...good, config: { ...config, rotation: { days: 91, anchor: "2026-01-01" } } },
      /at least every 90 days/,
    ],
    [
      "a region outside the EU",
      { ...good, config: { ...config, backup: { ...config.backup, region: "us-east-1" } } },
      /European Union/,
    ],
  ])("refuses %s", (_what, declared, message) => {
    const faults = faultsOf(declared);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  it.each([
    [
      "a second database of one name",
      { ...named("mo_votes"), secret: "OTHER" },
      /name: mo_votes has it already/,
    ],
    [
      "21 connections",
      { ...named("mo_votes"), connectionLimit: 21 },
      /connectionLimit: allow 1 to 20 connections/,
    ],
    ["an unknown engine", { ...named("mo_votes"), engine: "oracle" }, /engine: say mariadb or postgres/],
    [
      "PostgreSQL on a MariaDB server",
      { ...named("mo_idp"), server: "plesk" },
      /server: PostgreSQL databases live on postgres/,
    ],
    [
      "a service user of another name",
      { ...named("mo_votes"), service: "svc_ballots" },
      /service user follows from its name: svc_votes/,
    ],
    [
      "a service that owns guarded tables",
      { ...named("mcp_portal"), owner: "svc_mcp_portal" },
      /must not own its tables/,
    ],
    ["no object at all", null, new RegExp(`databases\\.${databases.length}: `)],
    [
      "row security of a database whose engine has none",
      { ...named("mo_votes"), rowSecurity: named("ncy8") },
      /databases\.mo_votes\.rowSecurity: no such key/,
    ],
    ["row security by name", { ...named("ncy8"), rowSecurity: "ncy8" }, /rowSecurity: give the rules/],
    [
      "a job that calls what it likes",
      { ...named("mcp_portal"), jobs: [{ name: "tidy", schedule: "0 2 * * *", call: "DROP TABLE users" }] },
      /jobs\.0\.call: call one function/,
    ],
    [
      "a job at any time",
      { ...named("mcp_portal"), jobs: [{ name: "tidy", schedule: "daily", call: "internal.tidy()" }] },
      /jobs\.0\.schedule: give five fields/,
    ],
    [
      "wrapping secrets that end before they begin",
      { ...named("mcp_portal"), wrappingSecrets: { oldest: 3, newest: 2 } },
      /wrappingSecrets: oldest is newest or before it/,
    ],
  ])("refuses %s", (_what, entry, message) => {
    expect(faultsOf({ ...good, databases: [...databases, entry] }).join("\n")).toMatch(message);
  });

  it("shows each fault with its value on a line of its own", () => {
    expect(() => checkEstate(withServer("plesk", { accountHost: "%" }))).toThrow(
      'the estate is not well declared: 1 fault\n  servers.plesk.accountHost is "%": give a host name',
    );
  });
});

describe("two servers on one machine", () => {
  const { mariadb, postgres } = config.servers as unknown as Record<string, ProvisionedServer>;
  if (!mariadb) throw new Error("no mariadb");
  const ssh = (change: object) => ({ ssh: { ...mariadb.ssh, ...change } });

  it.each([
    ["name", { host: mariadb.host }, "servers.postgres.host"],
    ["name in other letters", { host: mariadb.host.toUpperCase() }, "servers.postgres.host"],
    ["host behind SSH", ssh({}), "servers.postgres.ssh.host"],
    ["host behind SSH, by another user", ssh({ user: "estate" }), "servers.postgres.ssh.host"],
    ["address", { listen: mariadb.listen }, "servers.postgres.listen"],
  ])("are refused by %s, in a whole estate and in a stack file alone", (_what, change, path) => {
    const declared = withServer("postgres", { ...postgres, ...change });
    const fault = `${path}: mariadb is there already: every server has a machine of its own`;
    expect(faultsOf(declared)).toEqual([fault]);
    expect(faultsBy(() => checkStackConfig(declared.config))).toEqual([fault]);
  });

  it("are refused with their value, each part that they share", () => {
    const { listen, ssh, host } = mariadb;
    expect(() => checkEstate(withServer("postgres", { listen, ssh, host }))).toThrow(
      /3 faults\n {2}servers\.postgres\.host is "mariadb\.lab\.internal": mariadb is there/,
    );
  });

  it("are refused on the web host's address, however an address is written", () => {
    expect(faultsOf(withServer("mariadb", { listen: config.access.pleskAddress }))).toEqual([
      "servers.mariadb.listen: plesk is there already: every server has a machine of its own",
    ]);
    const addressed = (address: string) => withServer("mariadb", { listen: address }).config.servers.mariadb;
    const servers = {
      ...config.servers,
      mariadb: addressed("fd77::12"),
      postgres: { ...config.servers.postgres, listen: "FD77:0::0012" },
    };
    expect(faultsOf({ ...good, config: { ...config, servers } })).toHaveLength(1);
  });

  it("are two behind one address with a port each", () => {
    expect(() => checkEstate(withServer("postgres", ssh({ port: 2222 })))).not.toThrow();
  });
});

describe("a catalogue without a web host", () => {
  it("is a fault among the others, and no error of the code", async () => {
    vi.resetModules();
    vi.doMock("../../../estate/catalogue", async (original) => {
      const { servers, ...rest } = await original<typeof import("../../../estate/catalogue")>();
      const { plesk: _, ...others } = servers;
      return { ...rest, servers: others };
    });
    try {
      const fresh = await vi.importActual<typeof import("../../../estate/check")>("../../../estate/check");
      const { plesk: _, ...servers } = config.servers;
      const panelless = { ...config, servers };
      const message = /catalogue\.servers is \[\]: one server, and no more, belongs to the web host's panel/;
      expect(() => fresh.checkEstate({ ...good, config: panelless })).toThrow(message);
      expect(() => fresh.checkStackConfig(panelless)).toThrow(message);
    } finally {
      vi.doUnmock("../../../estate/catalogue");
      vi.resetModules();
    }
  });
});
