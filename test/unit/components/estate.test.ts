import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ClientCertificates } from "../../../components/client-certificates";
import { FIRST_GENERATION, type PasswordGeneration } from "../../../components/passwords";
import { createServers } from "../../../components/servers";
import { createDatabases, createRedisUsers } from "../../../components/services";
import { databases as catalogue, redisUsers } from "../../../estate/catalogue";
import { checkEstate } from "../../../estate/check";
import { readAllMigrations } from "../../../estate/migrations/read";
import { databaseSecrets } from "../../../estate/published";
import { rowSecurity } from "../../../estate/row-security";
import type { DatabaseEntry, Estate } from "../../../estate/types";
import { live } from "../../support/declared";
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
  access: {
    pleskAddress: "192.0.2.11",
    operators: ["192.0.2.1/32"],
    outgoing: [{ purpose: "backup bucket", to: "any", ports: [443], reason: "its addresses change" }],
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

function estateOf(databases: readonly DatabaseEntry[]): Estate {
  return checkEstate({ stack: "test", config, databases, redisUsers });
}

/** The whole estate as the program builds it. */
function build(estate: Estate, generation?: PasswordGeneration): void {
  const at = pulumi.output(generation ?? FIRST_GENERATION);
  const certificates = new ClientCertificates(estate, () => at);
  const servers = createServers(estate, certificates);
  const migrations = readAllMigrations(estate.databases, join(__dirname, "../../.."));
  const rotation = { generationOf: () => at };
  createDatabases(estate, { servers, rotation, certificates, migrations });
  createRedisUsers(estate, servers.redis, rotation, certificates);
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
    expect(count("estate:mariadb:Database")).toBe(live.mariadb);
    expect(count("estate:mariadb:Account")).toBe(live.mariadb);
    expect(count("estate:postgres:Database")).toBe(live.postgres);
    expect(count("estate:postgres:Login")).toBe(live.postgres);
    expect(count("estate:postgres:Access")).toBe(live.postgres + 2);
    expect(count("estate:redis:User")).toBe(live.redis);
  });

  it("lets the hosts out to what the stack names alone, and keeps them from being cut off from their bucket", () => {
    for (const name of ["mariadb-firewall", "postgres-firewall", "redis-firewall"]) {
      const { inputs } = resources.find(
        (one) => one.type === "estate:host:Firewall" && one.name === name,
      ) as Recorded;
      const ways = Object.keys(inputs.rules as object).filter((rule) => rule.includes(" to "));
      expect(ways).toEqual(["tcp 443 to any"]);
      expect(inputs.needs).toEqual([{ host: "backups.s3.eu-central-1.amazonaws.com", port: 443 }]);
    }
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
    expect(commands).toHaveLength(6);
    for (const { name, inputs, options } of commands) {
      expect(options.additionalSecretOutputs, name).toEqual(expect.arrayContaining(["stdout", "stderr"]));
      expect(inputs.addPreviousOutputInEnv, name).toBe(false);
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
    for (const name of ["mariadb-server", "postgres-server"]) {
      expect(openTexts(find(resources, name).inputs.stdin), name).toEqual([]);
      expect(stdin(name), name).not.toMatch(/clear text of/);
    }
    expect(stdin("mariadb-server")).toMatch(
      /'estate_admin'@'192\.0\.2\.11' .*USING '\*[0-9A-F]{40}' REQUIRE SSL/,
    );
    expect(stdin("postgres-server")).toMatch(/SUPERUSER PASSWORD 'SCRAM-SHA-256\$4096:/);
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
      /^estate:host:(Firewall|Certificate|ServerSettings|Sshd|RedisInstance)$/.test(type),
    );
    expect(onHosts).toHaveLength(3 + 3 + 3 + 2 + 6);
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

  it("gives each service on Redis an instance of its own, and takes its user to it", () => {
    const instances = resources.filter(({ type }) => type === "estate:host:RedisInstance");
    const of = (field: string) => instances.map(({ inputs }) => inputs[field]);
    expect(of("name")).toEqual(["main", "crm", "n8n", "nextcloud", "discourse", "mcp_portal"]);
    expect(of("port")).toEqual([6380, 6381, 6382, 6383, 6384, 6385]);
    for (const { inputs } of instances) expect(openTexts(inputs.admin)).toEqual([]);
    const memory = instances.map(({ inputs }) => (inputs.limits as { process: number }).process);
    expect(memory.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(512 * 0.9);
    for (const { name, port } of redisUsers)
      expect(find(resources, `redis-${name}-user`).inputs.port).toBe(port);
    expect(find(resources, "redis-certificate").inputs.instances).toMatchObject({ crm: 6381, n8n: 6382 });
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
    // On PostgreSQL the backup's login still gets in.
    const access = name === "mo_crm" ? [] : [`${name}-access`];
    expect(own.map((resource) => resource.name).sort()).toEqual([name, ...access, `${name}-database`]);
  });

  it("belongs to the admin, closed to everybody else, and leaves pg_hba.conf", async () => {
    const resources = await record(() => build(estateOf(retire("mo_idp"))));
    expect(find(resources, "mo_idp-database").inputs).toMatchObject({
      owner: "estate_admin",
      connectionLimit: 4,
    });
    expect(find(resources, "mo_idp-access").inputs).toMatchObject({
      owners: [],
      grants: { "estate_backup on database": ["CONNECT"] },
      defaultGrants: {},
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

describe("a service that shows a certificate of its own", () => {
  const declared = (use: "optional" | "required") =>
    catalogue.map((entry) =>
      ["mo_crm", "mo_hooks", "mo_idp"].includes(entry.name) ? { ...entry, clientCertificate: use } : entry,
    );
  const built = (use: "optional" | "required") => record(() => build(estateOf(declared(use))));
  const textOf = (resources: readonly Recorded[], name: string, property: string) =>
    String(unseal(find(resources, name).inputs[property]));

  it("is bound to it, by name and authority, on MariaDB, and at each slot on PostgreSQL", async () => {
    const resources = await built("required");
    const account = find(resources, "mo_crm-account").inputs;
    expect(account.require).toEqual({ subject: "/CN=svc_crm", issuer: "/CN=clients of svc_crm" });
    expect(unseal(account.clientCertificate)).toBe("clear text of a key of svc_crm");
    const login = find(resources, "mo_idp-login").inputs;
    expect(login.requireClientCertificate).toBe(true);
    expect(Object.keys(unseal(login.clientCertificates) as object)).toEqual(["svc_idp_a", "svc_idp_b"]);
    const asked = textOf(resources, "postgres-settings", "hba").match(/^.*clientcert=verify-full$/gm);
    expect(asked).toEqual([
      expect.stringMatching(
        /^hostssl +mo_idp +svc_idp_a,svc_idp_b +192\.0\.2\.11\/32 +scram-sha-256 clientcert=/,
      ),
    ]);
    // The others as before.
    expect(find(resources, "mo_n8n-account").inputs.require).toBe("SSL");
    expect(find(resources, "mo_grafana-login").inputs.requireClientCertificate).toBe(false);
  });

  it("is asked for nothing while it is optional, but tried", async () => {
    const resources = await built("optional");
    expect(find(resources, "mo_crm-account").inputs).toMatchObject({ require: "SSL" });
    expect(unseal(find(resources, "mo_crm-account").inputs.clientCertificate)).toMatch(/svc_crm$/);
    expect(find(resources, "mo_idp-login").inputs.requireClientCertificate).toBe(false);
    expect(textOf(resources, "postgres-settings", "hba")).not.toContain("clientcert");
  });

  it("is trusted by its own server alone, before it logs in there", async () => {
    const resources = await built("optional");
    const trusted = (server: string) => find(resources, `${server}-certificate`).inputs.clientAuthorities;
    expect(trusted("mariadb")).toBe(
      "authority of mo_crm-client-certificate\nauthority of mo_hooks-client-certificate\n",
    );
    expect(trusted("postgres")).toBe("authority of mo_idp-client-certificate\n");
    expect(trusted("redis")).toBeUndefined();
    expect(textOf(resources, "mariadb-settings", "configuration")).toContain(
      "ssl_ca = /etc/mysql/tls/clients.crt",
    );
    expect(textOf(resources, "postgres-settings", "configuration")).toContain(
      "ssl_ca_file = '/etc/postgresql/tls/clients.crt'",
    );
    expect(find(resources, "postgres-settings").inputs.effective).toMatchObject({
      ssl_ca_file: "/etc/postgresql/tls/clients.crt",
    });
  });

  it("is asked for by its own instance of Redis, which trusts its service and the admin of this instance", async () => {
    const users = redisUsers.map((entry) =>
      entry.name === "svc_crm" ? { ...entry, clientCertificate: "required" as const } : entry,
    );
    const resources = await record(() => build({ ...estateOf(catalogue), redisUsers: users }));
    const instance = find(resources, "redis-svc_crm-instance").inputs;
    expect(instance.clientAuthorities).toBe(
      "authority of redis-svc_crm-client-certificate\nauthority of redis-svc_crm-admin-certificate\n",
    );
    expect(String(instance.configuration)).toContain("tls-auth-clients yes");
    expect(instance.effective).toMatchObject({ "tls-auth-clients": "yes" });
    const user = find(resources, "redis-svc_crm-user").inputs;
    expect(user.requireClientCertificate).toBe(true);
    expect(unseal(user.clientCertificate)).toBe("clear text of a key of svc_crm");
    const provider = resources.find(
      ({ type, name }) => type === "pulumi:providers:estate" && name === "redis",
    );
    const { clientCertificates } = JSON.parse(String(unseal(provider?.inputs.redis)));
    expect(clientCertificates).toEqual({ "6381": "clear text of a key of estate_admin" });
    // Another generation of the service's password makes no other certificate of the admin.
    expect(find(resources, "redis-svc_crm-admin-certificate").inputs.generation).toBe(1);
    // The others as before.
    const other = find(resources, "redis-svc_n8n-instance").inputs;
    expect(other.clientAuthorities).toBeUndefined();
    expect(String(other.configuration)).toContain("tls-auth-clients no");
    expect(find(resources, "redis-svc_n8n-user").inputs.clientCertificate).toBeUndefined();
    const open = resources
      .filter(({ type }) => type !== "estate:tls:ClientCertificate")
      .flatMap(({ inputs }) => openTexts(inputs));
    expect(open.filter((text) => /clear text of/.test(text))).toEqual([]);
  });

  it("goes with a retired service on Redis; the admin's stays, for its user is still to be taken away", async () => {
    const users = redisUsers.map((entry) =>
      entry.name === "svc_crm"
        ? { ...entry, state: "retired" as const, clientCertificate: "required" as const }
        : entry,
    );
    const resources = await record(() => build({ ...estateOf(catalogue), redisUsers: users }));
    const left = resources.flatMap(({ name }) => (name.startsWith("redis-svc_crm") ? [name] : []));
    expect(left).toEqual(["redis-svc_crm-admin-certificate"]);
    const provider = resources.find(
      ({ type, name }) => type === "pulumi:providers:estate" && name === "redis",
    );
    const { clientCertificates } = JSON.parse(String(unseal(provider?.inputs.redis)));
    expect(Object.keys(clientCertificates)).toEqual(["6381"]);
  });

  it("shows no key in the clear", async () => {
    const resources = await built("required");
    const open = resources
      .filter(({ type }) => type !== "estate:tls:ClientCertificate")
      .flatMap(({ inputs }) => openTexts(inputs));
    expect(open.filter((text) => /clear text of/.test(text))).toEqual([]);
  });

  it("makes nothing where none is declared, and changes no server's configuration", async () => {
    const resources = await record(() => build(estateOf(catalogue)));
    expect(resources.filter(({ type }) => type === "estate:tls:ClientCertificate")).toEqual([]);
    for (const server of ["mariadb", "postgres"]) {
      expect(find(resources, `${server}-certificate`).inputs.clientAuthorities).toBeUndefined();
      expect(textOf(resources, `${server}-settings`, "configuration")).not.toMatch(/clients\.crt/);
    }
  });

  it("is none on the web host, whose server is its panel's", () => {
    const entries = catalogue.map((entry) =>
      entry.name === "mo_main" ? { ...entry, clientCertificate: "required" as const } : entry,
    );
    expect(() => estateOf(entries)).toThrow(/databases\.mo_main\.clientCertificate/);
  });

  it("says how far it is, and nothing else", () => {
    const entries = catalogue.map((entry) =>
      entry.name === "mo_crm" ? { ...entry, clientCertificate: true as unknown as "required" } : entry,
    );
    expect(() => estateOf(entries)).toThrow(/say optional, and required once its application shows one/);
  });
});
