import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ContextKeyring } from "../../../components/context-keys";
import { MariadbDatabase } from "../../../components/mariadb-database";
import type { PasswordGeneration } from "../../../components/passwords";
import { PostgresDatabase } from "../../../components/postgres-database";
import { RedisUser } from "../../../components/redis-user";
import { createServers } from "../../../components/servers";
import { databases as catalogue, redisUsers } from "../../../estate/catalogue";
import { checkEstate } from "../../../estate/check";
import { readAllMigrations } from "../../../estate/migrations/read";
import { databaseSecrets } from "../../../estate/published";
import { rowSecurity, rowSecurityOf } from "../../../estate/row-security";
import type { DatabaseEntry, Estate } from "../../../estate/types";
import { openTexts, type Recorded, record, unseal } from "../../support/record";

const config = {
  servers: {
    plesk: {
      host: "127.0.0.1",
      ssh: { host: "192.0.2.11" },
      certificatePath: "/etc/mysql/tls/c.pem",
      certificateName: "web.test",
    },
    mariadb: {
      host: "mariadb.test",
      ssh: { host: "192.0.2.12", user: "estate" },
      listen: "192.0.2.12",
      memoryMiB: 1024,
    },
    postgres: { host: "postgres.test", ssh: { host: "192.0.2.13" }, listen: "192.0.2.13", memoryMiB: 1024 },
    redis: { host: "redis.test", ssh: { host: "192.0.2.14" }, listen: "192.0.2.14", memoryMiB: 512 },
  },
  access: { pleskAddress: "192.0.2.11", operators: ["192.0.2.1/32"] },
  rotation: { days: 90, anchor: "2026-01-01" },
  backup: {
    bucket: "backups",
    recipients: [`age1${"q".repeat(58)}`],
    region: "eu-central-1",
    retention: { archive: { years: 7, reason: "a law for this test" } },
  },
  tags: { owner: "platform", "data-protection-contact": "dpo@web.test" },
};

function estateOf(databases: readonly DatabaseEntry[]): Estate {
  return checkEstate({ stack: "test", config, databases, redisUsers });
}

/** The whole estate as the program builds it. */
function build(estate: Estate, generation?: PasswordGeneration): void {
  const servers = createServers(estate);
  const migrations = readAllMigrations(estate.databases, join(__dirname, "../../.."));
  const keyring = new ContextKeyring("context-keys");
  for (const entry of estate.databases) {
    if (entry.engine === "postgres")
      new PostgresDatabase(entry.name, {
        entry,
        server: servers.postgres,
        migrations: migrations[entry.name],
        rowSecurity: rowSecured(entry.name, keyring),
        ...(generation && { generation }),
      });
    else
      new MariadbDatabase(entry.name, {
        entry,
        server: servers[entry.server],
        migrations: migrations[entry.name],
        ...(generation && { generation }),
      });
  }
  for (const entry of estate.redisUsers) {
    if (servers.redis)
      new RedisUser(`redis-${entry.name}`, {
        entry,
        server: servers.redis,
        ...(generation && { generation }),
      });
  }
}

function rowSecured(name: string, keyring: ContextKeyring) {
  const declaration = rowSecurityOf(name);
  return declaration && { declaration, keyring };
}

/** Resources of one database: its component and whatever carries its name. */
function ofDatabase(resources: readonly Recorded[], name: string): Recorded[] {
  return resources.filter((resource) => resource.name === name || resource.name.startsWith(`${name}-`));
}

function find(resources: readonly Recorded[], name: string): Recorded {
  const found = resources.find((resource) => resource.name === name);
  if (!found)
    throw new Error(
      `no resource ${name}; there are ${resources.map((resource) => resource.name).join(", ")}`,
    );
  return found;
}

const adminPassword = "a password only the environment knows";

beforeAll(() => {
  vi.stubEnv("PLESK_DB_ADMIN_PASSWORD", adminPassword);
  vi.stubEnv("SSH_PRIVATE_KEY", "a private key only the environment knows");
  return () => vi.unstubAllEnvs();
});

describe("the whole estate", () => {
  let resources: Recorded[];
  beforeAll(async () => {
    resources = await record(() => build(estateOf(catalogue)));
  });

  it("registers every database, account and login once", () => {
    const count = (type: string) => resources.filter((resource) => resource.type === type).length;
    expect(count("estate:mariadb:Database")).toBe(14);
    expect(count("estate:mariadb:Account")).toBe(14);
    expect(count("estate:postgres:Database")).toBe(6);
    expect(count("estate:postgres:Login")).toBe(6);
    expect(count("estate:postgres:Access")).toBe(6 + 2);
    expect(count("estate:redis:User")).toBe(6);
  });

  it("gives every resource a name of its own", () => {
    const names = resources.map(({ type, name }) => `${type} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("stays within 12 resources a PostgreSQL database and 8 a MariaDB one, secrets at GitHub included", () => {
    for (const entry of catalogue) {
      const { name, engine } = entry;
      const own = ofDatabase(resources, name).length + Object.keys(databaseSecrets(entry)).length;
      expect(own, name).toBeLessThanOrEqual(engine === "postgres" ? 12 : 8);
    }
  });

  it("secures the rows of every platform database before its service is let in", () => {
    const secured = resources.filter(({ type }) => type === "estate:postgres:RowSecurity");
    expect(secured.map(({ name }) => name).sort()).toEqual(
      rowSecurity.map(({ database }) => `${database}-row-security`).sort(),
    );
    for (const { database } of rowSecurity) {
      const { inputs } = find(resources, `${database}-row-security`);
      expect(openTexts(inputs.keys)).toEqual([]);
      expect(unseal(inputs.keys)).toEqual({ k1: expect.stringMatching(/^[\w-]{43}$/) });
      // What is granted inside is the one's, what is granted on the database the other's.
      const access = find(resources, `${database}-access`).inputs;
      expect([access.schemas, access.defaultGrants]).toEqual([[], {}]);
      expect(Object.keys(access.grants as object).every((key) => key.endsWith(" on database"))).toBe(true);
    }
    const keys = secured.map(({ inputs }) => JSON.stringify(unseal(inputs.keys)));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("shows no secret in the clear, in no input of no resource", () => {
    const open = resources.flatMap((resource) =>
      openTexts(resource.inputs).map((text) => ({ resource, text })),
    );
    const leaks = open.filter(({ text }) => /clear text of|only the environment knows/.test(text));
    expect(leaks.map(({ resource }) => resource.name)).toEqual([]);
    expect(open.length).toBeGreaterThan(200);
  });

  it("keeps passwords, hashes and verifiers out of command lines and environments", () => {
    const commands = resources.filter(({ type }) => type === "command:remote:Command");
    expect(commands).toHaveLength(7);
    for (const { name, inputs } of commands) {
      expect(String(unseal(inputs.create)), name).not.toMatch(
        /clear text of|SCRAM-SHA-256\$|\*[0-9A-F]{40}|#[0-9a-f]{64}/,
      );
      expect(inputs.environment, name).toBeUndefined();
      expect(inputs.logging, name).toBe("none");
      expect(inputs.triggers, name).toEqual([expect.stringMatching(/^identity of /)]);
    }
  });

  it("sends the admins' passwords as hashes, sealed, through standard input", () => {
    const stdin = (name: string) => String(unseal(find(resources, name).inputs.stdin));
    for (const name of ["mariadb-server", "postgres-server", "redis-server"]) {
      expect(openTexts(find(resources, name).inputs.stdin), name).toEqual([]);
      expect(stdin(name), name).not.toMatch(/clear text of/);
    }
    expect(stdin("mariadb-server")).toMatch(
      /'estate_admin'@'192\.0\.2\.11' .*USING '\*[0-9A-F]{40}' REQUIRE SSL/,
    );
    expect(stdin("postgres-server")).toMatch(/SUPERUSER PASSWORD 'SCRAM-SHA-256\$4096:/);
    expect(stdin("redis-server")).toMatch(/^user default off/);
  });

  it("names each server in a certificate of its own, and tells Redis alone how to log in for a new one", () => {
    const certificates = resources.filter(({ type }) => type === "estate:host:Certificate");
    expect(certificates.map(({ inputs }) => String(inputs.name)).sort()).toEqual([
      "mariadb.test",
      "postgres.test",
      "redis.test",
    ]);
    for (const { inputs } of certificates) {
      expect(inputs.renewBefore).toBe(60);
      expect(openTexts(inputs.admin)).toEqual([]);
      expect(inputs.admin !== undefined).toBe(inputs.engine === "redis");
    }
  });

  it("becomes root through sudo where the SSH user is another", () => {
    const line = (name: string) => String(find(resources, name).inputs.create);
    expect(line("mariadb-packages")).toMatch(/^sudo -n env LC_ALL=C.UTF-8 bash -euo pipefail -c '/);
    expect(line("postgres-packages")).toMatch(/^env LC_ALL=C.UTF-8 bash -euo pipefail -c '/);
  });

  it("ties everything on a server to the server's machine", () => {
    const onServers = resources.filter(({ type }) => /^estate:(mariadb|postgres|redis):/.test(type));
    expect(onServers.length).toBeGreaterThan(50);
    const onHosts = resources.filter(({ type }) =>
      /^estate:host:(Firewall|Certificate|ServerSettings)$/.test(type),
    );
    expect(onHosts).toHaveLength(9);
    for (const { name, inputs } of [...onServers, ...onHosts])
      expect(inputs.machine, name).toMatch(/^identity of (plesk|mariadb|postgres|redis)-machine$/);
    expect(find(resources, "mo_main-database").inputs.machine).toBe("identity of plesk-machine");
    expect(find(resources, "ncy8-service").inputs.machine).toBe("identity of postgres-machine");
  });

  it("closes postgres and template1 to everybody", () => {
    for (const database of ["postgres", "template1"]) {
      expect(find(resources, `postgres-${database}-access`).inputs).toMatchObject({
        database,
        grants: {},
        owners: [],
      });
    }
  });

  it("separates owner and service where the program migrates, and only there", () => {
    expect(find(resources, "mcp_portal-owner").inputs).toMatchObject({ name: "mcp_admin" });
    expect(find(resources, "mcp_portal-service").inputs).toMatchObject({ name: "svc_mcp_portal" });
    expect(
      ofDatabase(resources, "mo_idp").filter(({ type }) => type === "estate:postgres:Role"),
    ).toHaveLength(1);
  });

  it("allows Redis users their own keys and channels alone", () => {
    expect(find(resources, "redis-svc_crm-user").inputs).toMatchObject({
      keys: ["crm:*"],
      channels: ["crm:*"],
    });
  });
});

describe("a retired database", () => {
  const retire = (name: string) =>
    catalogue.map((entry) => (entry.name === name ? { ...entry, state: "retired" as const } : entry));

  it.each([
    "mo_crm",
    "mo_idp",
    "mcp_portal",
  ])("%s keeps its data and loses everybody who could reach it", async (name) => {
    const resources = await record(() => build(estateOf(retire(name))));
    const own = ofDatabase(resources, name);
    expect(own.map((resource) => resource.name).sort()).toEqual([name, `${name}-database`]);
  });

  it("belongs to the admin, closed to everybody else, and leaves pg_hba.conf", async () => {
    const resources = await record(() => build(estateOf(retire("mo_idp"))));
    expect(find(resources, "mo_idp-database").inputs).toMatchObject({
      owner: "estate_admin",
      connectionLimit: 0,
    });
    expect(String(find(resources, "postgres-server").inputs.create)).not.toContain("svc_idp");
  });
});

describe("a rotation", () => {
  const generator = (resources: readonly Recorded[], name: string) => unseal(find(resources, name).inputs);

  it("makes a password of its own for each generation, and keeps the former one", async () => {
    const resources = await record(() => build(estateOf(catalogue), { generation: 2, leaked: false }));
    for (const name of ["mo_crm", "mo_idp", "redis-svc_crm"]) {
      expect(generator(resources, `${name}-password`)).toMatchObject({ keepers: { generation: "2" } });
    }
    for (const name of ["mo_crm-account", "mo_idp-login", "redis-svc_crm-user"]) {
      expect(find(resources, name).inputs.formerPassword, name).toBe("keep");
    }
  });

  it("after a leak refuses the former password", async () => {
    const resources = await record(() => build(estateOf(catalogue), { generation: 2, leaked: true }));
    for (const name of ["mo_crm-account", "mo_idp-login", "redis-svc_crm-user"]) {
      expect(find(resources, name).inputs.formerPassword, name).toBe("refuse");
    }
  });

  it("touches no grant: both slots may connect, whichever is in use", async () => {
    const resources = await record(() => build(estateOf(catalogue)));
    expect(find(resources, "mo_idp-access").inputs.grants).toMatchObject({
      "svc_idp_a on database": ["CONNECT"],
      "svc_idp_b on database": ["CONNECT"],
    });
  });

  it("tries every password in the service's own database", async () => {
    const resources = await record(() => build(estateOf(catalogue)));
    expect(find(resources, "mo_crm-account").inputs.probe).toBe("mo_crm");
    expect(find(resources, "mo_idp-login").inputs.probe).toBe("mo_idp");
  });
});

describe("a preview without secrets", () => {
  it("runs to the end; an update says what is missing", async () => {
    vi.stubEnv("PLESK_DB_ADMIN_PASSWORD", "");
    vi.stubEnv("SSH_PRIVATE_KEY", "");
    try {
      const resources = await record(() => build(estateOf(catalogue)), { preview: true });
      expect(resources.length).toBeGreaterThan(100);
      await expect(record(() => build(estateOf(catalogue)))).rejects.toThrow(/set PLESK_DB_ADMIN_PASSWORD/);
    } finally {
      vi.stubEnv("PLESK_DB_ADMIN_PASSWORD", adminPassword);
      vi.stubEnv("SSH_PRIVATE_KEY", "a private key only the environment knows");
    }
  });
});
