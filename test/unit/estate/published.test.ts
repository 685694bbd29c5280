import { describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { checkStackConfig } from "../../../estate/check";
import type { FaultyEstate } from "../../../estate/faults";
import { loadStackConfig } from "../../../estate/load";
import { expectedSecrets, secretNameFaults } from "../../../estate/published";
import { rowSecurityOf } from "../../../estate/row-security";
import { secretName } from "../../../estate/schema";
import type { DatabaseEntry, Estate, RedisUserEntry } from "../../../estate/types";
import { projectDirectory } from "../../support/run";

const servers = { plesk: {}, mariadb: {}, postgres: {}, redis: {} };
const estate = { stack: "test", config: { servers }, databases, redisUsers } as unknown as Estate;
const names = (of: Estate) => expectedSecrets(of).map(({ name }) => name);

describe("the secrets of the estate", () => {
  it("have the names that applications read", () => {
    expect(names(estate)).toEqual(
      expect.arrayContaining(
        [
          "SSH_HOST SSH_PORT SSH_USER SSH_PRIVATE_KEY PLESK_API_KEY MYSQL_HOST PG_HOST REDIS_HOST REDIS_PASSWORD",
          "MO_MAIN_DB_PASS MO_VOTES_DB_PASS MO_SUPPORT_DB_PASS MO_NEWSLETTER_DB_PASS MO_FORUM_DB_PASS",
          "MO_CRM_DB_PASS MO_N8N_DB_PASS MO_HOOKS_DB_PASS MO_CONSENT_DB_PASS MO_GAMES_DB_PASS",
          "MO_ANALYTICS_DB_PASS MO_API_STG_DB_PASS MO_ADMIN_STG_DB_PASS MO_NEXTCLOUD_DB_PASS",
          "PG_IDP_DB_PASS PG_GRAFANA_DB_PASS PG_DISCOURSE_DB_PASS",
          "MO_CRM_DATABASE_URL MO_IDP_DATABASE_URL MCP_PORTAL_DATABASE_URL NCY8_DATABASE_URL",
          "REDIS_URL REDIS_CRM_URL",
        ].flatMap((line) => line.split(" ")),
      ),
    );
  });

  it("are unique, valid at GitHub, and fit into one environment", () => {
    const all = names(estate);
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(secretName.safeParse(name).success, name).toBe(true);
    expect(all.length).toBeLessThanOrEqual(100);
  });

  it("have one more for a service with a certificate of its own, whose key goes with it", () => {
    const some = databases.map((entry): DatabaseEntry => ({ ...entry, clientCertificate: "optional" }));
    const more = names({ ...estate, databases: some }).filter((name) => !names(estate).includes(name));
    expect(more).toContain("MO_CRM_CLIENT_CERTIFICATE");
    expect(more).toHaveLength(databases.length);
    const users = redisUsers.map((entry): RedisUserEntry => ({ ...entry, clientCertificate: "required" }));
    const all = names({ ...estate, databases: some, redisUsers: users });
    expect(all).toContain("REDIS_CLIENT_CERTIFICATE");
    expect(all).toContain("REDIS_CRM_CLIENT_CERTIFICATE");
    expect(all).toHaveLength(names(estate).length + databases.length + redisUsers.length);
    expect(all.length).toBeLessThanOrEqual(100);
  });

  it("are two for each live service, three with row security, and the operator's own are only looked for", () => {
    const kept = expectedSecrets(estate);
    for (const { name } of [...databases, ...redisUsers]) {
      expect(
        kept.filter(({ about }) => about === name),
        name,
      ).toHaveLength(rowSecurityOf(name) ? 3 : 2);
    }
    const operators = kept.filter(({ keptBy }) => keptBy === "operator").map(({ name }) => name);
    expect(operators).toEqual(["SSH_HOST", "SSH_PORT", "SSH_USER", "SSH_PRIVATE_KEY", "PLESK_API_KEY"]);
  });

  it("go with a retired database, and with Redis", () => {
    const retired = databases.map((entry) =>
      entry.name === "mo_crm" ? { ...entry, state: "retired" as const } : entry,
    );
    expect(names({ ...estate, databases: retired }).filter((name) => name.startsWith("MO_CRM"))).toEqual([]);
    const withoutRedis = {
      ...estate,
      redisUsers: [],
      config: { servers: { ...servers, redis: undefined } } as unknown as Estate["config"],
    };
    expect(names(withoutRedis).filter((name) => name.startsWith("REDIS"))).toEqual([]);
  });
});

describe("a name that something else has", () => {
  const database = (name: string, secret: string) => ({ name, secret }) as DatabaseEntry;
  const redis = (name: string, secret: string) => ({ name, secret }) as RedisUserEntry;
  const certified = <Entry>(entry: Entry): Entry => ({ ...entry, clientCertificate: "optional" });

  it.each([
    [[database("a", "SSH_HOST")], [], "databases.a.secret", /it is the operator's/],
    [[database("a", "PG_HOST")], [], "databases.a.secret", /about the server postgres/],
    [
      [database("a", "B_DATABASE_URL"), database("b", "B")],
      [],
      "databases.a.secret",
      /the URL of databases\.b/,
    ],
    [
      [certified(database("a", "A_DB_PASS"))],
      [certified(redis("b", "A_PASSWORD"))],
      "redisUsers.b.secret",
      /published as A_CLIENT_CERTIFICATE, and the client certificate of databases\.a/,
    ],
    [
      [certified(database("a", "A_DB_PASS"))],
      [redis("b", "A_CLIENT_CERTIFICATE")],
      "redisUsers.b.secret",
      /the client certificate of databases\.a/,
    ],
    [[database("a", "PG_CA_CERTIFICATE")], [], "databases.a.secret", /about the server postgres/],
    [[], [redis("a", "PG_CA_CERTIFICATE")], "redisUsers.a.secret", /about the server postgres/],
    [
      [{ ...database("a", "A_DB_PASS"), engine: "postgres", rowSecurity: {} } as DatabaseEntry],
      [redis("b", "A_CONTEXT_KEY")],
      "redisUsers.b.secret",
      /the key of contexts of databases\.a/,
    ],
    [[], [redis("a", "R_PASSWORD"), redis("b", "R")], "redisUsers.b.secret", /the URL of redisUsers\.a/],
  ])("is a fault %#", (databases, redisUsers, path, fix) => {
    const faults = secretNameFaults(databases, redisUsers);
    expect(faults.map((fault) => fault.path)).toEqual([path]);
    expect(faults[0]?.fix).toMatch(fix);
  });

  it("is none in the catalogue", () => {
    expect(secretNameFaults(databases, redisUsers)).toEqual([]);
  });
});

describe("where they go", () => {
  const declared = loadStackConfig("prod", projectDirectory);
  const faults = (github: unknown) => {
    try {
      checkStackConfig({ ...declared, github });
      return [];
    } catch (error) {
      return (error as FaultyEstate).faults.map(({ path, fix }) => `${path}: ${fix}`);
    }
  };

  it("is declared by every stack, or by none", () => {
    expect(loadStackConfig("local", projectDirectory).github?.environment).toBe("staging");
    expect(loadStackConfig("staging", projectDirectory).github?.environment).toBe("staging");
    expect(declared.github?.environment).toBe("production");
    expect(faults(undefined)).toEqual([]);
  });

  it.each([
    [
      "a repository without its owner",
      { repository: "applications" },
      /^github\.repository: give owner\/name/,
    ],
    ["an address", { repository: "https://github.com/o/r" }, /^github\.repository: give owner\/name/],
    ["a path", { repository: "o/.." }, /^github\.repository: give owner\/name/],
    ["an environment with a slash", { environment: "a/b" }, /^github\.environment: name an environment/],
    ["a server without TLS", { baseUrl: "http://github.test/" }, /^github\.baseUrl: give the https URL/],
    [
      "a token in the file",
      { token: "x" },
      /^github\.token: no such key; known here: repository, environment/,
    ],
  ])("is not %s", (_what, change, fault) => {
    const found = faults({ repository: "o/r", environment: "production", ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(fault);
  });
});
