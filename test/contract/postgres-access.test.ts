import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AccessInputs } from "../../provider/kinds/postgres/access";
import type { LoginState } from "../../provider/kinds/postgres/login";
import { postgresAccess } from "../../provider/kinds/postgres-access";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;
const ROWS = ["SELECT", "INSERT", "UPDATE", "DELETE"];

describe.each(["16", "17"] as const)("postgres:Access on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let access: Driven<AccessInputs>;
  let login: Driven<LoginState>;
  let database: string;
  let count = 0;
  const password = "a-password-of-enough-characters";

  beforeAll(async () => {
    bench = await postgresBench(version);
    access = bench.drive(postgresAccess);
    login = bench.drive(postgresLogin);
    for (const role of ["owner_x", "svc_x", "svc_y", "mallory"]) await bench.sql(`CREATE ROLE ${role}`);
    await login.create({ worksAs: "svc_x", password, connectionLimit: 5 });
    await login.create({ worksAs: "svc_y", password, connectionLimit: 5 });
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  /** A database of its own for each test, with tables, a sequence, a function, an extension. */
  beforeEach(async () => {
    database = `shop_${++count}`;
    await bench.sql(`CREATE DATABASE ${database} OWNER owner_x`);
    await bench.sql("CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_stat_statements", database);
    await asOwner(
      "CREATE TABLE users (id serial PRIMARY KEY, email text)",
      'CREATE TABLE "Odd name" (id int)',
      "CREATE TABLE audit (id int)",
      "CREATE FUNCTION pay(a integer, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
      "CREATE TYPE mood AS ENUM ('up', 'down')",
    );
  });

  const asOwner = (...statements: string[]) =>
    bench.sql(["SET ROLE owner_x", ...statements].join("; "), database);

  const declared = () => ({
    database,
    owners: ["owner_x"],
    grants: {
      "svc_x_a on database": ["CONNECT"],
      "svc_x on schema public": ["USAGE"],
      "svc_x on tables in public": ROWS,
      "svc_x on sequences in public": ["USAGE", "SELECT"],
      "svc_x on functions in public": ["EXECUTE"],
    },
    defaultGrants: {
      "svc_x on tables by owner_x in public": ROWS,
      "svc_x on sequences by owner_x in public": ["USAGE", "SELECT"],
    },
  });

  const again = async (old: AccessInputs): Promise<AccessInputs> => {
    const found = await access.read(old.database, old);
    if (!found) throw new Error("the database is gone");
    return found;
  };

  /** Changes something by hand: read names it (twice the same), an update mends it. */
  const mends = async (byHand: string[], grants: object, defaultGrants: object = {}) => {
    const state = await access.create(declared());
    expect(await again(state)).toEqual(state);
    for (const statement of byHand) await bench.sql(statement, database);
    const drifted = await again(state);
    expect(drifted).toEqual(withChanges(state, grants, defaultGrants));
    expect(await again(drifted)).toEqual(drifted);
    await access.update(database, drifted, declared());
    expect(await again(state)).toEqual(state);
  };

  /** undefined takes a line out. */
  const withChanges = (state: AccessInputs, grants: object, defaultGrants: object) =>
    JSON.parse(
      JSON.stringify({
        ...state,
        grants: { ...state.grants, ...grants },
        defaultGrants: { ...state.defaultGrants, ...defaultGrants },
      }),
    );

  const asService = (...statements: string[]) => bench.sqlAs("svc_x_a", password, database, ...statements);

  test("gives the service what is declared and no more", async () => {
    await access.create(declared());
    await asService(
      "INSERT INTO users (email) VALUES ('a@b.c')",
      "SELECT pay(1, 'x')",
      "SELECT gen_random_uuid()",
    );
    await expect(asService("CREATE TABLE t (id int)")).rejects.toThrow(/permission denied for schema public/);
    await expect(asService("TRUNCATE users")).rejects.toThrow(/permission denied/);
    await expect(asService("CREATE TEMP TABLE t (id int)")).rejects.toThrow(/temporary/);
    await expect(asService("SET ROLE NONE", "SELECT * FROM public.users")).rejects.toThrow(
      /permission denied for schema public/,
    );
    await expect(bench.sqlAs("svc_y_a", password, database, "SELECT 1")).rejects.toThrow(
      /permission denied for database/,
    );
  });

  test("tables to come are the service's too, functions to come nobody's", async () => {
    await access.create(declared());
    await asOwner(
      "CREATE TABLE later (id serial)",
      "CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    await asService("INSERT INTO later DEFAULT VALUES");
    await expect(asService("SELECT later()")).rejects.toThrow(/permission denied for function later/);
  });

  test("PUBLIC has nothing", async () => {
    await access.create({ ...declared(), grants: {} });
    const everybody = await bench.sql(
      `SELECT 'database' AS what FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
         WHERE datname = current_database() AND a.grantee = 0
       UNION ALL SELECT nspname FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
         WHERE nspname = 'public' AND a.grantee = 0
       UNION ALL SELECT proname FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
         WHERE pronamespace = 'public'::regnamespace AND a.grantee = 0
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
      database,
    );
    expect(everybody).toEqual([]);
  });

  test("reads what it made: nothing to do afterwards", async () => {
    const state = await access.create(declared());
    expect(await again(state)).toEqual(state);
    const before = bench.engine.log().length;
    await access.update(database, state, declared());
    expect(bench.engine.log().slice(before)).not.toMatch(/statement: (ALTER|GRANT|REVOKE)/);
  });

  test("an empty schema is no drift", async () => {
    await bench.sql(`CREATE DATABASE bare_${version} OWNER owner_x`);
    const state = await access.create({ ...declared(), database: `bare_${version}` });
    expect(await again(state)).toEqual(state);
  });

  test("takes over what an interrupted run left", async () => {
    await bench.sql("GRANT SELECT ON users TO svc_x; REVOKE ALL ON SCHEMA public FROM PUBLIC", database);
    const state = await access.create(declared());
    expect(await again(state)).toEqual(state);
    expect(await access.create(declared())).toEqual(state);
  });

  test("a grant revoked on one table", () =>
    mends(["REVOKE INSERT, SELECT ON users FROM svc_x"], {
      "svc_x on table public.users": ["lacks INSERT", "lacks SELECT"],
    }));

  test("a grant revoked on all tables", () =>
    mends(["REVOKE DELETE ON ALL TABLES IN SCHEMA public FROM svc_x"], {
      "svc_x on tables in public": ["SELECT", "INSERT", "UPDATE"],
    }));

  test("grants added on one table, to a role and to PUBLIC", () =>
    mends(['GRANT SELECT, TRUNCATE ON users TO svc_y; GRANT SELECT ON "Odd name" TO PUBLIC'], {
      "svc_y on table public.users": ["SELECT", "TRUNCATE"],
      'public on table public."Odd name"': ["SELECT"],
    }));

  test("a grant added on every table", () =>
    mends(["GRANT SELECT ON ALL TABLES IN SCHEMA public TO svc_y"], {
      "svc_y on tables in public": ["SELECT"],
    }));

  test("a grant on a column", () =>
    mends(["GRANT UPDATE (email) ON users TO svc_y"], { "svc_y on table public.users": ["UPDATE (email)"] }));

  test("a grant option, and what was passed on with it", () =>
    mends(
      [
        "GRANT SELECT ON users TO svc_x WITH GRANT OPTION",
        "SET ROLE svc_x; GRANT SELECT ON users TO mallory",
      ],
      {
        "svc_x on table public.users": ["SELECT WITH GRANT OPTION"],
        "mallory on table public.users": ["SELECT GRANTED BY svc_x"],
      },
    ));

  test("CONNECT given back to PUBLIC, the service's taken", () =>
    mends(
      [
        `GRANT CONNECT, TEMP ON DATABASE ${database} TO PUBLIC; REVOKE CONNECT ON DATABASE ${database} FROM svc_x_a`,
      ],
      {
        "public on database": ["CONNECT", "TEMPORARY"],
        "svc_x_a on database": undefined,
      },
    ));

  test("a privilege on the schema, on a sequence, a function, a type", () =>
    mends(
      [
        "GRANT CREATE ON SCHEMA public TO svc_x; GRANT UPDATE ON SEQUENCE users_id_seq TO svc_y",
        "GRANT EXECUTE ON FUNCTION pay TO PUBLIC; GRANT USAGE ON TYPE mood TO mallory",
      ],
      {
        "svc_x on schema public": ["USAGE", "CREATE"],
        "svc_y on sequence public.users_id_seq": ["UPDATE"],
        "public on function public.pay(integer, text)": ["EXECUTE"],
        "mallory on type public.mood": ["USAGE"],
      },
    ));

  test("default privileges dropped, added, given to PUBLIC", () =>
    mends(
      [
        "ALTER DEFAULT PRIVILEGES FOR ROLE owner_x IN SCHEMA public REVOKE ALL ON SEQUENCES FROM svc_x",
        "ALTER DEFAULT PRIVILEGES FOR ROLE owner_x IN SCHEMA public GRANT TRUNCATE ON TABLES TO svc_x WITH GRANT OPTION",
        "ALTER DEFAULT PRIVILEGES FOR ROLE owner_x GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
      ],
      {},
      {
        "svc_x on sequences by owner_x in public": undefined,
        "svc_x on tables by owner_x in public": [...ROWS, "TRUNCATE", "TRUNCATE WITH GRANT OPTION"],
        "public on functions by owner_x": ["EXECUTE"],
      },
    ));

  test("ALL is everything this version has", async () => {
    const all = { ...declared(), grants: { "svc_y on tables in public": ["ALL"] } };
    const state = await access.create(all);
    expect(await again(state)).toEqual(state);
    const [row] = await bench.sql(
      "SELECT relacl::text AS acl FROM pg_class WHERE relname = 'audit'",
      database,
    );
    expect(row?.acl).toContain(version === "17" ? "svc_y=arwdDxtm/owner_x" : "svc_y=arwdDxt/owner_x");
    await bench.sql("REVOKE TRIGGER ON audit FROM svc_y", database);
    expect((await again(state)).grants).toEqual({
      "svc_y on tables in public": ["ALL"],
      "svc_y on table public.audit": ["lacks TRIGGER"],
    });
  });

  test("a line for one table, one column, one function", async () => {
    const narrow = {
      ...declared(),
      grants: {
        "svc_y on table public.users": ["SELECT (email)", "INSERT"],
        'svc_y on table public."Odd name"': ["SELECT"],
        "svc_y on function public.pay(integer, text)": ["EXECUTE"],
      },
    };
    const state = await access.create(narrow);
    expect(await again(state)).toEqual(state);
    // A table-wide REVOKE takes the column's along: the declared one must survive it.
    await bench.sql("GRANT SELECT ON users TO svc_y", database);
    const drifted = await again(state);
    expect(drifted.grants["svc_y on table public.users"]).toEqual(["SELECT", "SELECT (email)", "INSERT"]);
    await access.update(database, drifted, narrow);
    expect(await again(state)).toEqual(state);
  });

  test("what is missing is named, all at once", async () => {
    const faulty = {
      ...declared(),
      schemas: ["public", "nowhere"],
      owners: ["owner_x", "owner_nobody"],
      grants: {
        "svc_nobody on database": ["CONNECT"],
        "svc_x on table public.missing": ["SELECT"],
        ...(version === "16" ? { "svc_x on tables in public": ["MAINTAIN"] } : {}),
      },
    };
    const message = await access.create(faulty).then(
      () => "",
      (error: Error) => error.message,
    );
    const parts = [
      /"nowhere"/,
      /"owner_nobody"/,
      /"svc_nobody" does not exist/,
      /public\.missing does not exist/,
    ];
    if (version === "16") parts.push(/MAINTAIN needs PostgreSQL 17/);
    for (const part of parts) expect(message).toMatch(part);
    await expect(access.create({ ...declared(), database: "no_such" })).rejects.toThrow(
      /"no_such" does not exist/,
    );
  });

  test("an admin without the right is told what had no effect", async () => {
    const password = "weak-weak-weak-weak";
    await bench.sql(`CREATE ROLE weak_admin LOGIN CREATEROLE PASSWORD '${password}'`);
    const weak = bench.drive(postgresAccess, bench.serverAs("weak_admin", password));
    const attempt = weak.create({ database, grants: {} });
    await expect(attempt).rejects.toThrow(
      /had no effect: .*CONNECT of public on database.*must be a superuser/s,
    );
  });

  test("an import declares what is there", async () => {
    const state = await access.create(declared());
    const imported = await access.read(database, undefined);
    // Of a kind that has one object in the schema, an import cannot tell "all" from "one".
    const {
      "svc_x on sequences in public": sequences,
      "svc_x on functions in public": functions,
      ...others
    } = state.grants;
    expect(imported).toEqual({
      ...state,
      grants: {
        ...others,
        "svc_x on sequence public.users_id_seq": sequences,
        "svc_x on function public.pay(integer, text)": functions,
      },
    });
    await access.update(database, state, imported ?? {});
    expect(await again(state)).toEqual(state);
    expect(await access.read("no_such", undefined)).toBeUndefined();
  });

  test("closes postgres and template1", async () => {
    for (const shared of ["postgres", "template1"]) {
      const state = await access.create({ database: shared, grants: {} });
      expect(await access.read(shared, state)).toEqual(state);
      await expect(bench.sqlAs("svc_x_a", password, shared, "SELECT 1")).rejects.toThrow(
        /permission denied for database/,
      );
    }
    // While a session is there, template1 cannot be copied.
    expect(await bench.sql("SELECT pid FROM pg_stat_activity WHERE datname = 'template1'")).toEqual([]);
  });

  test("deletion leaves nothing of the roles in this database and everything in others", async () => {
    for (const role of ["gone_owner", "gone_svc"]) await bench.sql(`CREATE ROLE ${role}`);
    await bench.sql(`ALTER DATABASE ${database} OWNER TO gone_owner`);
    await bench.sql(`CREATE DATABASE other_${count} OWNER gone_owner`);
    await bench.sql(`GRANT CONNECT ON DATABASE other_${count} TO gone_svc`);
    await bench.sql(
      "ALTER TABLE users OWNER TO gone_owner; ALTER SCHEMA public OWNER TO gone_owner",
      database,
    );
    const state = await access.create({
      database,
      owners: ["gone_owner"],
      grants: { "gone_svc on database": ["CONNECT"], "gone_svc on tables in public": ROWS },
      defaultGrants: { "gone_svc on tables by gone_owner in public": ROWS },
    });
    const acl = () =>
      bench.sql(
        `SELECT datacl::text, datdba::regrole::text AS owner FROM pg_database WHERE datname = 'other_${count}'`,
      );
    const before = await acl();
    await access.delete(database, state);
    await access.delete(database, state);
    const traces = await bench.sql(
      `SELECT s.* FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
       WHERE rolname LIKE 'gone_%' AND (dbid = (SELECT oid FROM pg_database WHERE datname = '${database}')
         OR objid = (SELECT oid FROM pg_database WHERE datname = '${database}'))`,
    );
    expect(traces).toEqual([]);
    expect(await acl()).toEqual(before);
    const [kept] = await bench.sql(
      "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'users'",
      database,
    );
    expect(kept).toEqual({ owner: bench.engine.admin.user });
    await bench.sql(`DROP DATABASE other_${count}`);
    await bench.sql("DROP ROLE gone_svc; DROP ROLE gone_owner");
    await bench.sql(`DROP DATABASE ${database} WITH (FORCE)`);
    await access.delete(database, state);
    expect(await access.read(database, state)).toBeUndefined();
  });
});
