import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectMariadb } from "../../../connect/mariadb";
import { connectPostgres } from "../../../connect/postgres";
import { connectRedis } from "../../../connect/redis";
import { checkAll } from "../../../ops/reach/check";
import { connectAs } from "../../../ops/reach/connectors";
import type { Target } from "../../../ops/reach/targets";
import { type MariadbEngine, startMariadb } from "../../support/engines-mariadb";
import { type PostgresEngine, startPostgres } from "../../support/engines-postgres";
import { type RedisEngine, startRedis } from "../../support/engines-redis";

const STARTUP_MS = 180_000;
const password = "correct-horse-battery-staple-0001";

async function check(target: Target) {
  const [result] = await checkAll([target], { connect: connectAs({}), timeoutMs: 10_000, parallel: 1 });
  if (!result) throw new Error("nothing was checked");
  expect(JSON.stringify(result)).not.toContain(target.password);
  return result;
}

describe("PostgreSQL", () => {
  let server: PostgresEngine;
  let slot: Target;
  beforeAll(async () => {
    server = await startPostgres("17");
    const { host, port, caCertificate, admin } = server;
    const connection = await connectPostgres({ host, port }, { caCertificate }, admin);
    for (const statement of [
      "CREATE ROLE svc_idp NOLOGIN",
      `CREATE ROLE svc_idp_a LOGIN PASSWORD '${password}'`,
      `CREATE ROLE svc_idp_b LOGIN PASSWORD '${password}'`,
      "GRANT svc_idp TO svc_idp_a WITH INHERIT FALSE, SET TRUE",
      "ALTER ROLE svc_idp_a SET role = svc_idp",
      "CREATE DATABASE mo_idp",
    ]) {
      await connection.query(statement);
    }
    await connection.close();
    slot = {
      kind: "database",
      name: "mo_idp",
      server: "postgres",
      engine: "postgres",
      endpoint: { host, port },
      trust: { caCertificate },
      password,
      expected: { loggedInAs: "svc_idp_a", workingAs: "svc_idp", database: "mo_idp" },
    };
  }, STARTUP_MS);
  afterAll(() => server?.stop());

  it("is reachable when the slot works as its service", async () => {
    const result = await check(slot);
    expect(result).toMatchObject({
      reachable: true,
      version: expect.stringMatching(/^17\.\d+$/),
      tlsProtocol: "TLSv1.3",
    });
    expect(result.reason).toBeUndefined();
    expect(result.latencyMs).toBeGreaterThan(0);
    expect(result.loginMs).toBeGreaterThan(result.latencyMs ?? 0);
  });

  it("is not when the slot works as itself", async () => {
    const result = await check({ ...slot, expected: { ...slot.expected, loggedInAs: "svc_idp_b" } });
    expect(result).toMatchObject({ reachable: false, reason: "works as svc_idp_b, not as svc_idp" });
  });

  it("is not with a wrong password", async () => {
    const result = await check({ ...slot, password: "wrong-password-wrong-password-01" });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("Wrong password") });
  });

  it("is not when the certificate carries another name", async () => {
    const result = await check({ ...slot, trust: { ...slot.trust, serverName: "elsewhere.example" } });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("elsewhere.example") });
  });
});

describe("MariaDB", () => {
  let server: MariadbEngine;
  let account: Target;
  beforeAll(async () => {
    server = await startMariadb("11.8");
    const { host, port, caCertificate, admin } = server;
    const connection = await connectMariadb({ host, port }, { caCertificate }, admin);
    for (const statement of [
      "CREATE DATABASE mo_crm",
      `CREATE USER svc_crm@'127.0.0.1' IDENTIFIED BY '${password}' REQUIRE SSL`,
      "GRANT SELECT ON mo_crm.* TO svc_crm@'127.0.0.1'",
    ]) {
      await connection.query(statement);
    }
    await connection.close();
    account = {
      kind: "database",
      name: "mo_crm",
      server: "mariadb",
      engine: "mariadb",
      endpoint: { host, port },
      trust: { caCertificate },
      password,
      expected: { loggedInAs: "svc_crm", workingAs: "svc_crm", database: "mo_crm" },
    };
  }, STARTUP_MS);
  afterAll(() => server?.stop());

  it("is reachable as the account, in its database", async () => {
    const result = await check(account);
    expect(result).toMatchObject({
      reachable: true,
      version: expect.stringMatching(/^11\.8\.\d+$/),
      tlsProtocol: "TLSv1.3",
    });
  });

  it("is not without a grant on the database", async () => {
    const result = await check({ ...account, expected: { ...account.expected, database: "mysql" } });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("Access denied") });
  });

  it("is not with a wrong password", async () => {
    const result = await check({ ...account, password: "wrong-password-wrong-password-01" });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("Wrong password") });
  });
});

describe("Redis", () => {
  let server: RedisEngine;
  let user: Target;
  beforeAll(async () => {
    server = await startRedis("8.0");
    const { host, port, caCertificate, admin } = server;
    const connection = await connectRedis({ host, port }, { caCertificate }, admin);
    const rights = ["+@read", "+@write", "+@connection", "-@dangerous"];
    await connection.call("ACL", "SETUSER", "svc_crm", "on", `>${password}`, "~crm:*", "-@all", ...rights);
    await connection.close();
    user = {
      kind: "redis",
      name: "svc_crm",
      server: "redis",
      engine: "redis",
      endpoint: { host, port },
      trust: { caCertificate },
      password,
      keyPrefix: "crm:",
      expected: { loggedInAs: "svc_crm", workingAs: "svc_crm", database: undefined },
    };
  }, STARTUP_MS);
  afterAll(() => server?.stop());

  it("is reachable as the user, with its own keys", async () => {
    const result = await check(user);
    expect(result).toMatchObject({
      reachable: true,
      version: expect.stringMatching(/^8\.0/),
      tlsProtocol: "TLSv1.3",
    });
  });

  it("is not when the user may not touch the service's keys", async () => {
    const result = await check({ ...user, keyPrefix: "n8n:" });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("NOPERM") });
  });

  it("is not with a wrong password", async () => {
    const result = await check({ ...user, password: "wrong-password-wrong-password-01" });
    expect(result).toMatchObject({ reachable: false, reason: expect.stringContaining("WRONGPASS") });
  });
});
