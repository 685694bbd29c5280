import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { asService, makeDatabase } from "../../../support/postgres-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { succeed } from "../../../support/run";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
const CANARY = "canary-7f3a@example.org";

/** Tries to rise, by every way that a function has, with whatever the caller may do; never fails itself. */
const RISE = `DECLARE way text;
BEGIN
  RAISE LOG 'called: % %', current_user, session_user;
  FOREACH way IN ARRAY ARRAY['ALTER ROLE svc_discourse SUPERUSER', 'RESET ROLE; ALTER ROLE svc_discourse SUPERUSER',
    'RESET SESSION AUTHORIZATION; ALTER ROLE svc_discourse SUPERUSER', 'SET ROLE postgres; ALTER ROLE svc_discourse SUPERUSER',
    'COPY (SELECT 1) TO PROGRAM ''touch /tmp/risen''', 'CREATE ROLE risen', 'GRANT pg_read_all_data TO svc_discourse',
    'ALTER ROLE svc_discourse BYPASSRLS', 'INSERT INTO public.risen VALUES (current_user || session_user)',
    'SET default_transaction_read_only = off; SET transaction_read_only = off; INSERT INTO public.risen VALUES (1)']
  LOOP
    BEGIN
      EXECUTE way;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;`;

/** Where a service's function can come to be called. */
const TRAPS = [
  "CREATE TABLE risen (who text)",
  `CREATE FUNCTION format(text, name, name) RETURNS text LANGUAGE plpgsql AS $f$ ${RISE} RETURN pg_catalog.format($1, $2, $3); END $f$`,
  `CREATE FUNCTION ok(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $f$ ${RISE} RETURN true; END $f$`,
  `CREATE FUNCTION same(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ ${RISE} RETURN $1; END $f$`,
  `CREATE FUNCTION leak(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ ${RISE} RETURN $1; END $f$`,
  `CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS $f$ ${RISE} RETURN NEW; END $f$`,
  "CREATE FUNCTION name_is(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.ok($1) AND $1::text = $2'",
  "CREATE OPERATOR = (LEFTARG = name, RIGHTARG = text, FUNCTION = name_is)",
  "CREATE DOMAIN trap AS int CHECK (ok(VALUE))",
  'CREATE TABLE pg_class (relname name, relkind "char")',
  "CREATE TABLE t (a int CHECK (ok(a)), b int DEFAULT same(1), c int GENERATED ALWAYS AS (same(a)) STORED, d trap, e serial)",
  "CREATE INDEX ON t (same(a)) WHERE ok(a)",
  // Called with a constant, whoever plans a query on the table.
  "CREATE INDEX ON t ((leak(1)), a)",
  "CREATE STATISTICS constant ON (leak(2)), a FROM t",
  "CREATE VIEW v AS SELECT same(a) AS a FROM t",
  "CREATE MATERIALIZED VIEW m AS SELECT same(a) AS a, ok(b) AS b FROM t",
  "CREATE TABLE p (a int, b int) PARTITION BY RANGE (same(a))",
  "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100)",
  "CREATE STATISTICS s ON same(a), same(b) FROM t",
  "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION on_row()",
  "ALTER TABLE t ENABLE ALWAYS TRIGGER tr",
  "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
  "CREATE POLICY pol ON t USING (ok(a)) WITH CHECK (ok(a))",
  "ALTER TABLE t FORCE ROW LEVEL SECURITY",
  "INSERT INTO t (a, d) VALUES (1, 1), (2, 2)",
  "INSERT INTO p VALUES (1, 2)",
  "CREATE SCHEMA context",
  "CREATE TABLE context.keys (id text, inner_pad bytea, outer_pad bytea)",
  "CREATE TRIGGER tr BEFORE INSERT ON context.keys FOR EACH ROW EXECUTE FUNCTION on_row()",
  "INSERT INTO context.keys VALUES ('mine', '', '')",
  "DELETE FROM risen",
];

/** Roles that the traps were called by: the current and the session's own. */
const calledBy = (log: string) => [
  ...new Set([...log.matchAll(/LOG: {2}called: (\S+ \S+)/g)].map(([, who]) => who ?? "")),
];

/** A setting that is a statement where it is put into one. */
const SETTING = [
  "SELECT set_config('search_path', 'x;ALTER/**/ROLE/**/svc_discourse/**/SUPERUSER;--', false)",
  "ALTER DATABASE mo_discourse SET search_path FROM CURRENT",
];

describe.each([
  "16",
  "17",
] as const)("PostgreSQL %s: nobody rises through a backup or a restore", (version) => {
  let host: PostgresHost;
  let bench: RestoreBench;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    for (const trap of TRAPS) await session.query(trap);
    await session.close();
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });

  const roles = () =>
    host.sql(`SELECT rolname, rolsuper, rolbypassrls, rolreplication, rolcreaterole, (SELECT string_agg(roleid::regrole::text, ',' ORDER BY 1)
      FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r ORDER BY 1`);
  const inside = (text: string) => {
    const [first = "", ...rest] = [...host.inside, "bash", "-c", text];
    return succeed(first, rest);
  };

  it("a backup, a restore in place and one into another name: functions, operators, settings, schema context of a service", async () => {
    const was = await roles();
    await bench.backUp("20260101T020000Z");
    const session = await asService(host, entry);
    for (const statement of SETTING) await session.query(statement);
    await session.close();
    const backup = await bench.backUp("20260102T020000Z");
    expect(calledBy(host.log()).filter((caller) => !caller.endsWith("svc_discourse_a"))).toEqual([]);
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect((await bench.restore({ backup, into: "forum_copy" })).fault).toBeUndefined();
    expect(await roles()).toBe(was);
    expect(await inside("ls /tmp")).not.toContain("risen");
    // What ran while it was loaded ran as the owner, in a session of nobody else's.
    for (const caller of calledBy(host.log())) {
      expect(caller).toMatch(/^svc_discourse (estate_restore_[0-9a-f]+|svc_discourse_a)$/);
    }
    expect(
      await host.sql(
        "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = 'mo_discourse'",
      ),
    ).toContain("ALTER/**/ROLE");
    await host.sql("DROP DATABASE forum_copy");
  });

  it("while it is loaded nobody but the restore enters the scratch database; the login is gone afterwards, also of a killed one", async () => {
    await inside("runuser -u estate-backup -- true");
    const backup = await bench.backUp("20260103T020000Z");
    bench.host.breakAt("load ", true);
    await bench.restore({ backup }).finally(() => bench.host.breakAt(undefined));
    await host.sql("CREATE ROLE estate_restore_0123456789ab LOGIN");
    await host.sql("DROP ROLE estate_restore_0123456789ab");
    expect(await host.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^estate_restore'")).toBe("");
    expect(await host.sql("SELECT datname FROM pg_database WHERE datname ~ '__restoring$'")).toBe("");
  });

  it("another service's grant to the restore's role stops no restore, and the role that stays can do nothing", async () => {
    const scratch = `${entry.name}__restoring`;
    const loader = `estate_restore_${createHash("md5").update(scratch).digest("hex").slice(0, 12)}`;
    await host.sql(`CREATE ROLE ${loader} LOGIN PASSWORD 'known'; GRANT pg_read_all_data TO ${loader}`);
    await host.sql("CREATE ROLE svc_beside; CREATE DATABASE beside OWNER svc_beside");
    await host.sql(`SET ROLE svc_beside; CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO ${loader}`, "beside");
    const backup = await bench.backUp("20260106T020000Z");
    const role = () =>
      host.sql(
        `SELECT rolcanlogin, rolpassword, (SELECT count(*) FROM pg_auth_members WHERE member = a.oid) FROM pg_authid a WHERE rolname = '${loader}'`,
      );
    for (const into of [undefined, "forum_copy"]) {
      expect((await bench.restore({ backup, into })).fault).toBeUndefined();
      if (!into) expect(await role()).toBe("f||0\n");
    }
    // A restore that is killed leaves it as it was while it was loaded.
    await host.sql(
      `ALTER ROLE ${loader} LOGIN; GRANT svc_discourse TO ${loader}; CREATE DATABASE ${scratch}`,
    );
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    expect(await role()).toBe("f||0\n");
    await host.sql("DROP DATABASE forum_copy");
    await host.sql("DROP DATABASE beside");
    await host.sql(`DROP ROLE svc_beside, ${loader}`);
  });

  it("what was replaced is the administrator's at once: its service cannot drop it, nor whom it gave its grants to", async () => {
    await host.sql("CREATE DATABASE beside; GRANT CONNECT ON DATABASE beside TO svc_discourse_a");
    const inLive = await asService(host, entry);
    await inLive.query("GRANT CONNECT ON DATABASE mo_discourse TO svc_discourse_a WITH GRANT OPTION");
    await inLive.query(
      "RESET ROLE; SET ROLE svc_discourse_a; GRANT CONNECT ON DATABASE mo_discourse TO svc_discourse_b; RESET ROLE",
    );
    const backup = await bench.backUp("20260107T020000Z");
    await inLive.close();
    const session = await asService(host, { ...entry, name: "beside" });
    let over = false;
    const dropping = (async () => {
      for (; !over; ) {
        const found = (await session.query(
          "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '__replaced_' LIMIT 1",
        )) as { datname: string }[];
        for (const { datname } of found)
          await session.query(`DROP DATABASE ${datname} WITH (FORCE)`).catch(() => undefined);
      }
    })();
    const { fault } = await bench.restore({ backup });
    over = true;
    await dropping;
    await session.close();
    expect(fault).toBeUndefined();
    expect(
      await host.sql(
        "SELECT pg_get_userbyid(datdba), datconnlimit, datacl FROM pg_database WHERE datname ~ '__replaced_'",
      ),
    ).toMatch(/^postgres\|0\|\{postgres=CTc\/postgres\}\n$/);
    await host.sql("DROP DATABASE beside");
  });

  it.each([
    ["estate-backup", "estate_backup", true],
    ["estate-backup", "postgres", false],
    ["estate-restore", "estate_backup", false],
    ["estate-restore", "svc_discourse_a", false],
    ["postgres", "estate_backup", false],
  ])("%s as %s over the socket: %s", async (user, role, may) => {
    const bin = `/usr/lib/postgresql/${version}/bin`;
    const said = inside(
      `cd /; runuser -u ${user} -- ${bin}/psql -h /run/postgresql -p ${host.port} -U ${role} -d mo_discourse -Atc 'SELECT 1'`,
    ).then(
      () => true,
      () => false,
    );
    expect(await said).toBe(may);
  });

  afterEach(async () => {
    const kept = (await host.sql("SELECT datname FROM pg_database WHERE datname ~ '__replaced_'"))
      .trim()
      .split("\n")
      .filter(Boolean);
    for (const name of kept) await host.sql(`DROP DATABASE ${name}`);
  });

  it("the backup's login reads, and can do nothing else", async () => {
    const bin = `/usr/lib/postgresql/${version}/bin`;
    const as = (text: string) =>
      inside(
        `cd /; runuser -u estate-backup -- ${bin}/psql -h /run/postgresql -p ${host.port} -U estate_backup -d mo_discourse -v ON_ERROR_STOP=1 -Atc "${text}"`,
      ).then(
        (said) => said.trim(),
        () => "refused",
      );
    expect(await as("SELECT count(*) FROM public.t")).toBe("2");
    for (const text of [
      ...[
        "CREATE TABLE x (a int)",

        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
      ],
      ...[
        "SET default_transaction_read_only = off; DELETE FROM public.t",
        "SET default_transaction_read_only = off; CREATE ROLE x",
        "CREATE DATABASE x",
      ],
      ...[
        "SET ROLE svc_discourse",
        "SELECT pg_create_physical_replication_slot('x')",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "SELECT pg_reload_conf()",
      ],
    ]) {
      expect([text, await as(text)]).toEqual([text, "refused"]);
    }
  });

  it("a refused row is in no message", async () => {
    const backup = await bench.backUp("20260104T020000Z");
    const session = await asService(host, entry);
    await session.query(
      `CREATE TABLE public.members (email text CHECK (email <> '${CANARY}' OR coalesce(pg_catalog.current_setting('app.let', true) = 'in', false)))`,
    );
    await session.query("SET app.let = 'in'");
    await session.query(`INSERT INTO public.members VALUES ('${CANARY}')`).finally(() => session.close());
    const refused = await bench.restore({ backup: await bench.backUp("20260105T020000Z") });
    expect(refused.fault?.live).toBe("untouched");
    expect(refused.fault?.reason).toMatch(/violates check constraint "members_email_check"/);
    expect(refused.fault?.reason).toMatch(/COPY members, line 1/);
    expect(`${refused.fault?.reason} ${bench.said.join(" ")}`).not.toContain("canary");
    expect((await bench.restore({ backup })).fault).toBeUndefined();
  });
});
