import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LoginState, NOT_OURS, type SlotDrift } from "../../provider/kinds/postgres/login";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;

describe.each(["16", "17"] as const)("postgres:Login on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let login: Driven<LoginState>;
  const password = `canary-${version}-${"x".repeat(20)}7Q`;
  const declared = {
    worksAs: "svc_idp",
    password,
    connectionLimit: 5,
    settings: { statement_timeout: "60s", search_path: '"$user", App,public' },
  };

  beforeAll(async () => {
    bench = await postgresBench(version);
    login = bench.drive(postgresLogin);
    await bench.sql("CREATE ROLE svc_idp");
    await bench.sql("CREATE ROLE other_role");
    await bench.sql("CREATE DATABASE idp OWNER svc_idp");
    await bench.sql("CREATE DATABASE elsewhere");
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  const again = async (old: LoginState): Promise<LoginState> => {
    const found = await login.read("svc_idp", old);
    if (!found) throw new Error("the slots are gone");
    return found;
  };

  /** Changes something by hand: read names it (twice the same), an update mends it. */
  const mends = async (byHand: string[], drift: SlotDrift, expected: Partial<LoginState> = {}) => {
    const state = await login.create(declared);
    expect(await again(state)).toEqual(state);
    for (const statement of byHand) await bench.sql(statement);
    const drifted = await again(state);
    const slots: Record<string, SlotDrift> = Object.keys(drift).length > 0 ? { svc_idp_a: drift } : {};
    expect(drifted).toEqual({ ...state, slots, ...expected });
    expect(await again(drifted)).toEqual(drifted);
    await login.update("svc_idp", drifted, declared);
    expect(await again(state)).toEqual(state);
  };

  test("logs in over SCRAM as the role it works as, with its settings", async () => {
    await login.create(declared);
    const [row] = await bench.sqlAs(
      "svc_idp_a",
      password,
      "idp",
      "SELECT current_user AS me, session_user AS slot, current_setting('statement_timeout') AS timeout, " +
        "current_setting('search_path') AS path",
    );
    expect(row).toEqual({ me: "svc_idp", slot: "svc_idp_a", timeout: "1min", path: '"$user", app, public' });
    await bench.sqlAs("svc_idp_a", password, "idp", "CREATE TABLE mine (id int)");
    const [owner] = await bench.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'", "idp");
    expect(owner).toEqual({ tableowner: "svc_idp" });
  });

  test("is powerless without the role", async () => {
    await login.create(declared);
    await bench.sqlAs("svc_idp_a", password, "idp", "CREATE TABLE IF NOT EXISTS secrets (id int)");
    const attempt = bench.sqlAs("svc_idp_a", password, "idp", "SET ROLE NONE", "SELECT * FROM secrets");
    await expect(attempt).rejects.toThrow(/permission denied for table secrets/);
  });

  test("reads what it made: nothing to do afterwards", async () => {
    const state = await login.create(declared);
    expect(state.settings).toEqual({ search_path: '"$user", app, public', statement_timeout: "60s" });
    expect(await again(state)).toEqual(state);
    const before = bench.engine.log().length;
    await login.update("svc_idp", state, declared);
    expect(bench.engine.log().slice(before)).not.toMatch(/statement: (ALTER|GRANT|REVOKE|CREATE)/);
  });

  test("takes over what an interrupted run left", async () => {
    await bench.sql("CREATE ROLE svc_half");
    await bench.sql("CREATE ROLE svc_half_a NOLOGIN CREATEDB");
    const state = await login.create({ ...declared, worksAs: "svc_half" });
    expect(await login.read("svc_half", state)).toEqual(state);
    expect((await login.create({ ...declared, worksAs: "svc_half" })).role).toBe("svc_half_a");
  });

  test("an attribute given by hand", () =>
    mends(["ALTER ROLE svc_idp_a SUPERUSER CREATEDB NOINHERIT"], {
      attributes: ["CREATEDB", "NOINHERIT", "SUPERUSER"],
    }));

  test("NOLOGIN and a limit by hand", () =>
    mends(["ALTER ROLE svc_idp_a NOLOGIN CONNECTION LIMIT -1"], { login: false, connectionLimit: -1 }));

  test("VALID UNTIL by hand", () =>
    mends(["ALTER ROLE svc_idp_a VALID UNTIL '2031-05-06 07:08:09+00'"], {
      validUntil: "2031-05-06T07:08:09Z",
    }));

  test("a membership by hand", () =>
    mends(["GRANT other_role TO svc_idp_a WITH ADMIN OPTION"], {
      memberships: ["other_role WITH ADMIN TRUE, INHERIT TRUE"],
    }));

  test("the own membership with other options", () =>
    mends(["GRANT svc_idp TO svc_idp_a WITH INHERIT TRUE"], {
      worksAs: "not as declared",
      memberships: ["svc_idp WITH INHERIT TRUE"],
    }));

  test("the own membership revoked", () =>
    mends(["REVOKE svc_idp FROM svc_idp_a"], { worksAs: "not as declared" }));

  test("a membership granted by somebody else", async () => {
    await bench.sql("CREATE ROLE giver");
    await bench.sql("GRANT other_role TO giver WITH ADMIN OPTION");
    await mends(["SET ROLE giver; GRANT other_role TO svc_idp_a"], {
      memberships: ["other_role WITH INHERIT TRUE"],
    });
  });

  test("a member of the slot", () =>
    mends(["GRANT svc_idp_a TO other_role"], { members: ["other_role WITH INHERIT TRUE"] }));

  test("settings by hand", () =>
    mends(
      [
        "ALTER ROLE svc_idp_a SET statement_timeout = '1h'",
        "ALTER ROLE svc_idp_a SET work_mem = '1GB'",
        "ALTER ROLE svc_idp_a IN DATABASE idp SET statement_timeout = 0",
      ],
      {
        settings: {
          statement_timeout: "1h",
          work_mem: "1GB",
          "statement_timeout in idp": "0",
        },
      },
    ));

  test("another role at login", () =>
    mends(["ALTER ROLE svc_idp_a SET role = 'other_role'"], {
      settings: { role: "other_role" },
    }));

  test("a password by hand", async () => {
    await mends(["ALTER ROLE svc_idp_a PASSWORD 'by-hand-by-hand-by-hand'"], {}, { password: NOT_OURS });
    await bench.sqlAs("svc_idp_a", password, "idp", "SELECT 1");
  });

  test("a closed slot opened by hand is closed again, and its sessions end", async () => {
    const state = await login.create(declared);
    const byHand = "by-hand-by-hand-by-hand";
    await bench.sql(`ALTER ROLE svc_idp_b LOGIN PASSWORD '${byHand}'`);
    const session = bench.sqlAs("svc_idp_b", byHand, "idp", "SELECT pg_sleep(30)");
    const ended = expect(session).rejects.toThrow(/terminat/i);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const drifted = await again(state);
    expect(drifted.slots).toEqual({ svc_idp_b: { login: true } });
    await login.update("svc_idp", drifted, declared);
    await ended;
    expect(await again(state)).toEqual(state);
  });

  test("a slot dropped by hand is made again; without both the login is gone", async () => {
    const state = await login.create(declared);
    await bench.sql("DROP OWNED BY svc_idp_b; DROP ROLE svc_idp_b");
    const drifted = await again(state);
    expect(drifted.slots).toEqual({ svc_idp_b: { missing: true } });
    await login.update("svc_idp", drifted, declared);
    expect(await again(state)).toEqual(state);
    await bench.sql("DROP OWNED BY svc_idp_a, svc_idp_b; DROP ROLE svc_idp_a, svc_idp_b");
    expect(await login.read("svc_idp", state)).toBeUndefined();
  });

  test("an import declares what is there", async () => {
    const state = await login.create(declared);
    expect(await login.read("svc_idp", undefined)).toEqual({ ...state, password: NOT_OURS });
    expect(await login.read("svc_nobody", undefined)).toBeUndefined();
  });

  test("a role that is no slot is refused", async () => {
    await bench.sql("CREATE ROLE admin_of_its_own_a LOGIN SUPERUSER PASSWORD 'second-second-second'");
    await bench.sql("CREATE ROLE admin_of_its_own");
    const as = bench.serverAs("admin_of_its_own_a", "second-second-second");
    const asItself = bench.drive(postgresLogin, as).create({ ...declared, worksAs: "admin_of_its_own" });
    await expect(asItself).rejects.toThrow(/"admin_of_its_own_a" is the admin this provider logs in as/);
    await expect(login.create({ ...declared, worksAs: "svc_missing" })).rejects.toThrow(
      /worksAs: .*does not exist.*Create it/,
    );
    await expect(login.create({ ...declared, worksAs: bench.engine.admin.user })).rejects.toThrow(
      /has .*SUPERUSER/,
    );
  });

  test("deletion leaves nothing behind, in any database", async () => {
    const state = await login.create(declared);
    await bench.sql("CREATE TABLE left_here (id int)", "elsewhere");
    await bench.sql("ALTER TABLE left_here OWNER TO svc_idp_a", "elsewhere");
    await bench.sql("GRANT CONNECT ON DATABASE elsewhere TO svc_idp_a");
    await bench.sql("ALTER DEFAULT PRIVILEGES FOR ROLE svc_idp GRANT SELECT ON TABLES TO svc_idp_a", "idp");
    const session = bench.sqlAs("svc_idp_a", password, "idp", "SELECT pg_sleep(30)");
    const ended = expect(session).rejects.toThrow(/terminat/i);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await login.delete("svc_idp", state);
    await ended;
    expect(await login.read("svc_idp", state)).toBeUndefined();
    const [{ owner } = {}] = await bench.sql(
      "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'left_here'",
      "elsewhere",
    );
    expect(owner).toBe(bench.engine.admin.user);
    const dangling =
      "SELECT * FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid NOT IN (SELECT oid FROM pg_authid)";
    expect(await bench.sql(dangling)).toEqual([]);
    await login.delete("svc_idp", state);
  });

  test("a database that cannot be cleared is named", async () => {
    const state = await login.create(declared);
    await bench.sql("CREATE DATABASE closed");
    await bench.sql("CREATE TABLE kept (id int); ALTER TABLE kept OWNER TO svc_idp_a", "closed");
    await bench.sql("ALTER DATABASE closed ALLOW_CONNECTIONS false");
    await expect(login.delete("svc_idp", state)).rejects.toThrow(
      /role svc_idp_a owns .* in database closed, which cannot be cleared/,
    );
    await bench.sql("ALTER DATABASE closed ALLOW_CONNECTIONS true");
    await login.delete("svc_idp", state);
  });

  test("the password is in no log", () => {
    const log = bench.engine.log();
    expect(log).toContain("SCRAM-SHA-256$4096:");
    expect(log).not.toContain(password);
  });
});
