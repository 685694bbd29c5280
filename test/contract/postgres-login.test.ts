import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOT_OURS } from "../../provider/kinds/postgres/login";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;
type Inputs = ReturnType<Driven<Login>["checked"]>;
type Login = Parameters<NonNullable<(typeof postgresLogin)["create"]>>[1];

describe.each(["16", "17"] as const)("postgres:Login on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let login: Driven<Login>;
  const password = `canary-${version}-${"x".repeat(20)}7Q`;
  const declared = {
    role: "svc_idp_a",
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

  const again = async (old: Inputs): Promise<Inputs> => {
    const found = await login.read("svc_idp_a", old);
    if (!found) throw new Error("the role is gone");
    return found;
  };

  /** Changes something by hand: read names it (twice the same), an update mends it. */
  const mends = async (byHand: string[], expected: Partial<Inputs>) => {
    const state = await login.create(declared);
    expect(await again(state)).toEqual(state);
    for (const statement of byHand) await bench.sql(statement);
    const drifted = await again(state);
    expect(drifted).toEqual({ ...state, ...expected });
    expect(await again(drifted)).toEqual(drifted);
    await login.update("svc_idp_a", drifted, declared);
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
    await login.update("svc_idp_a", state, declared);
    expect(bench.engine.log().slice(before)).not.toMatch(/statement: (ALTER|GRANT|REVOKE|CREATE)/);
  });

  test("takes over what an interrupted run left", async () => {
    await bench.sql("DROP ROLE IF EXISTS svc_half_a");
    await bench.sql("CREATE ROLE svc_half_a NOLOGIN CREATEDB");
    const state = await login.create({ ...declared, role: "svc_half_a" });
    expect(await login.read("svc_half_a", state)).toEqual(state);
    expect((await login.create({ ...declared, role: "svc_half_a" })).role).toBe("svc_half_a");
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
      worksAs: "",
      memberships: ["svc_idp WITH INHERIT TRUE"],
    }));

  test("the own membership revoked", () => mends(["REVOKE svc_idp FROM svc_idp_a"], { worksAs: "" }));

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
          search_path: '"$user", app, public',
          statement_timeout: "1h",
          work_mem: "1GB",
          "statement_timeout in idp": "0",
        },
      },
    ));

  test("another role at login", () =>
    mends(["ALTER ROLE svc_idp_a SET role = 'other_role'"], {
      settings: { search_path: '"$user", app, public', statement_timeout: "60s", role: "other_role" },
    }));

  test("a password by hand", async () => {
    await mends(["ALTER ROLE svc_idp_a PASSWORD 'by-hand-by-hand-by-hand'"], { password: NOT_OURS });
    await bench.sqlAs("svc_idp_a", password, "idp", "SELECT 1");
  });

  test("a new password and NOLOGIN end no session", async () => {
    const state = await login.create(declared);
    const waiting = bench.sqlAs("svc_idp_a", password, "idp", "SELECT pg_sleep(1.5)", "SELECT 'alive' AS it");
    await new Promise((resolve) => setTimeout(resolve, 400));
    const next = await login.update("svc_idp_a", state, { ...declared, password: `${password}-next` });
    await login.update("svc_idp_a", next, { ...declared, password: `${password}-next`, login: false });
    expect(await waiting).toEqual([{ it: "alive" }]);
    await expect(bench.sqlAs("svc_idp_a", `${password}-next`, "idp", "SELECT 1")).rejects.toThrow(
      /not permitted to log in/,
    );
    await login.update("svc_idp_a", next, declared);
  });

  test("an import declares what is there", async () => {
    const state = await login.create(declared);
    expect(await login.read("svc_idp_a", undefined)).toEqual({ ...state, password: NOT_OURS });
    expect(await login.read("svc_nobody", undefined)).toBeUndefined();
  });

  test("a role that is no slot is refused", async () => {
    await bench.sql("CREATE ROLE second_admin LOGIN SUPERUSER PASSWORD 'second-second-second'");
    const second = bench.drive(postgresLogin, bench.serverAs("second_admin", "second-second-second"));
    const asItself = second.create({ ...declared, role: "second_admin" });
    await expect(asItself).rejects.toThrow(/"second_admin" is the admin this provider logs in as/);
    await expect(second.create({ ...declared, role: bench.engine.admin.user })).rejects.toThrow(
      /of PostgreSQL itself/,
    );
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
    await login.delete("svc_idp_a", state);
    await ended;
    expect(await login.read("svc_idp_a", state)).toBeUndefined();
    const [{ owner } = {}] = await bench.sql(
      "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'left_here'",
      "elsewhere",
    );
    expect(owner).toBe(bench.engine.admin.user);
    const dangling =
      "SELECT * FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid NOT IN (SELECT oid FROM pg_authid)";
    expect(await bench.sql(dangling)).toEqual([]);
    await login.delete("svc_idp_a", state);
  });

  test("a database that cannot be cleared is named", async () => {
    const state = await login.create(declared);
    await bench.sql("CREATE DATABASE closed");
    await bench.sql("CREATE TABLE kept (id int); ALTER TABLE kept OWNER TO svc_idp_a", "closed");
    await bench.sql("ALTER DATABASE closed ALLOW_CONNECTIONS false");
    await expect(login.delete("svc_idp_a", state)).rejects.toThrow(
      /role svc_idp_a owns .* in database closed, which cannot be cleared/,
    );
    await bench.sql("ALTER DATABASE closed ALLOW_CONNECTIONS true");
    await login.delete("svc_idp_a", state);
  });

  test("the password is in no log", () => {
    const log = bench.engine.log();
    expect(log).toContain("SCRAM-SHA-256$4096:");
    expect(log).not.toContain(password);
  });
});
