import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loginSettings } from "../../components/plans/privileges";
import { connectPostgres } from "../../connect/postgres";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { Accounts } from "../support/mariadb-accounts";
import { type PostgresBench, postgresBench } from "../support/postgres-kinds";

interface Session {
  query(statement: string): Promise<unknown>;
  close(): Promise<void>;
}

const LIMIT = 3;

/** As many sessions as the server gives, and why it gives no more. */
async function fill(open: () => Promise<Session>, sessions: Session[]): Promise<string> {
  for (let count = 0; count < 3 * LIMIT; count++) {
    try {
      sessions.push(await open());
    } catch (error) {
      return String(error);
    }
  }
  return "the server gives more";
}

/** A service that takes all that it can get, beside one that takes what it was given. */
describe.each(["10.11", "11.8"] as const)("a greedy service on MariaDB %s", {
  timeout: 60_000,
}, (version) => {
  let on: Accounts;
  const sessions: Session[] = [];

  beforeAll(async () => {
    on = await Accounts.start(version);
  }, 300_000);
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
  });
  afterAll(() => on?.stop());

  test("holds as many connections as it was given, and the other one gets its own", async () => {
    const [greedy, measured] = [
      (await on.created({ maxUserConnections: LIMIT })).inputs,
      (await on.created({ maxUserConnections: LIMIT })).inputs,
    ];
    const open = ({ user, passwords }: typeof greedy) => on.login(user, passwords[0] ?? "", "mo_crm");
    expect(await fill(() => open(greedy), sessions)).toMatch(/max_user_connections/);
    expect(sessions).toHaveLength(LIMIT);
    for (let count = 0; count < LIMIT; count++) sessions.push(await open(measured));
    await sessions.at(-1)?.query("INSERT INTO t VALUES (1, 2)");
  });

  test.each([
    "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
    "SET GLOBAL max_user_connections = 0",
    "SET SESSION max_user_connections = 0",
    "SET GLOBAL max_connections = 1",
  ])("does not give itself more: %s", async (statement) => {
    const { inputs } = await on.created({ maxUserConnections: LIMIT });
    const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    sessions.push(session);
    await expect(session.query(statement)).rejects.toThrow(/denied|read.only|GLOBAL/i);
  });
});

describe.each(["16", "17"] as const)("a greedy service on PostgreSQL %s", { timeout: 60_000 }, (version) => {
  let bench: PostgresBench;
  const sessions: Session[] = [];
  const password = `canary-${version}-${"x".repeat(20)}7Q`;
  // As the program declares them, but for the time that a test has.
  const settings = Object.fromEntries(Object.keys(loginSettings("program")).map((name) => [name, "1s"]));

  beforeAll(async () => {
    bench = await postgresBench(version);
    const login = bench.drive(postgresLogin);
    for (const service of ["svc_greedy", "svc_measured"]) {
      await bench.sql(`CREATE ROLE ${service}`);
      await bench.sql(`CREATE DATABASE ${service} OWNER ${service}`);
      await login.create({ worksAs: service, password, connectionLimit: LIMIT, settings });
    }
  }, 300_000);
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close().catch(() => undefined);
  });
  afterAll(() => bench?.stop());

  const open = (service: string) =>
    connectPostgres(bench.engine, bench.engine, { user: `${service}_a`, password, database: service });

  test("holds as many connections as it was given, and the other one gets its own", async () => {
    expect(await fill(() => open("svc_greedy"), sessions)).toMatch(/too many connections for role/);
    expect(sessions).toHaveLength(LIMIT);
    for (let count = 0; count < LIMIT; count++) sessions.push(await open("svc_measured"));
    await sessions.at(-1)?.query("CREATE TABLE mine (id int)");
  });

  test.each([
    "ALTER ROLE svc_greedy_a CONNECTION LIMIT -1",
    "ALTER SYSTEM SET max_connections = 1000",
  ])("does not give itself more: %s", async (statement) => {
    const session = await open("svc_greedy");
    sessions.push(session);
    await expect(session.query(statement)).rejects.toThrow(/permission denied/);
  });

  test("has a statement that runs too long ended, and a transaction that holds its locks and does nothing", async () => {
    const session = await open("svc_greedy");
    sessions.push(session);
    await expect(session.query("SELECT pg_sleep(20)")).rejects.toThrow(/statement timeout/);
    await session.query("CREATE TABLE IF NOT EXISTS held (id int)");
    await session.query("BEGIN");
    await session.query("LOCK TABLE held");
    await sleep(2_500);
    await expect(session.query("SELECT 1")).rejects.toThrow();
    const other = await open("svc_greedy");
    sessions.push(other);
    await other.query("DROP TABLE held");
  });

  test("may lift these two by itself: they are for mistakes", async () => {
    const session = await open("svc_greedy");
    sessions.push(session);
    await session.query("SET statement_timeout = 0");
    await session.query("SELECT pg_sleep(1.5)");
  });
});
