import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PostgresServer } from "../../../../connect/postgres-server";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { RestoreSteps } from "../../../../ops/restore/host";
import { postgresRowSecurity } from "../../../../provider/kinds/postgres-row-security";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { allOf, asService, makeDatabase, SERVICE_PASSWORD } from "../../../support/postgres-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { declared, ids, key, LIBRARY_SQL, tokenOf } from "../../../support/row-security";
import { succeed } from "../../../support/run";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
const { schema: program } = databases.find(({ name }) => name === "ncy8") as PostgresEntry;
const library = {
  ...entry,
  name: "library",
  owner: "library_owner",
  service: "svc_library",
  extensions: [],
  schema: program,
};

describe.each(["16", "17"] as const)("PostgreSQL %s: what is seldom in a database", (version) => {
  let host: PostgresHost;
  let bench: RestoreBench;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });
  afterEach(async () => {
    const kept = (await host.sql("SELECT datname FROM pg_database WHERE datname ~ '__replaced_'")).trim();
    for (const name of kept.split("\n").filter(Boolean)) await host.sql(`DROP DATABASE ${name}`);
  });

  const inService = async (...statements: string[]) => {
    const session = await asService(host, entry);
    for (const statement of statements) await session.query(statement);
    await session.close();
  };

  it("nothing at all", async () => {
    const before = await allOf(host, entry.name);
    const result = await bench.restore({ backup: await bench.backUp("20260101T020000Z") });
    expect(result.fault).toBeUndefined();
    expect(await allOf(host, entry.name)).toBe(before);
  });

  it("a database that its owner made a template is replaced, and dropped", async () => {
    await inService(`ALTER DATABASE ${entry.name} IS_TEMPLATE true`);
    expect((await bench.restore({ backup: await bench.backUp("20260101T021500Z") })).fault).toBeUndefined();
    const steps = new RestoreSteps(
      await bench.host.open("postgres"),
      entry,
      { scratch: "", replaced: "" },
      host.port,
    );
    expect(await steps.dropReplaced()).toEqual([expect.stringMatching(/^mo_discourse__replaced_/)]);
    steps.close();
  });

  it("names with a dot in them are counted apart", async () => {
    await inService(
      'CREATE SCHEMA a; CREATE SCHEMA "a.b"; CREATE TABLE "a.b".c AS SELECT 1; CREATE TABLE a."b.c" AS SELECT generate_series(1, 2)',
    );
    const backup = await bench.backUp("20260101T030000Z");
    expect(backup.rows).toEqual({ '"a.b".c': 1, 'a."b.c"': 2 });
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    await inService('DROP SCHEMA a, "a.b" CASCADE');
  });

  it("parts by the hash of an enum, whose labels are numbered anew", async () => {
    await inService(
      `CREATE TYPE state AS ENUM (${Array.from({ length: 16 }, (_, n) => `'s${n}'`).join(", ")})`,
      "CREATE TABLE hashed (s state, n int) PARTITION BY RANGE (n)",
      "CREATE TABLE hashed_low PARTITION OF hashed FOR VALUES FROM (0) TO (1000) PARTITION BY HASH (s)",
      ...[0, 1, 2, 3].map(
        (n) =>
          `CREATE TABLE hashed_${n} PARTITION OF hashed_low FOR VALUES WITH (MODULUS 4, REMAINDER ${n})${n === 3 ? " PARTITION BY LIST (n)" : ""}`,
      ),
      "CREATE TABLE hashed_rest PARTITION OF hashed_3 DEFAULT; CREATE TABLE hashed_high PARTITION OF hashed DEFAULT",
      "INSERT INTO hashed SELECT (enum_range(NULL::state))[1 + n % 16], n FROM generate_series(1, 1100) n",
    );
    const backup = await bench.backUp("20260101T034000Z");
    expect(backup.rows).toEqual({ "public.hashed_low": 999, "public.hashed_high": 101 });
    const md5 = () =>
      host.sql("SELECT count(*), md5(string_agg(h::text, ',' ORDER BY n)) FROM hashed h", entry.name);
    const before = await md5();
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    expect(await md5()).toBe(before);
    await inService("DROP TABLE hashed; DROP TYPE state");
  });

  it.each([
    ["a table with its rows", "CREATE TABLE held AS SELECT 1 AS a", "TABLE held", "table public.held"],
    [
      "a function",
      "CREATE FUNCTION held() RETURNS int RETURN 1",
      "FUNCTION held()",
      "function public.held()",
    ],
    [
      "a schema, but not what is in it",
      "CREATE SCHEMA held; CREATE TABLE held.a ()",
      "SCHEMA held",
      "schema held",
    ],
    ["a type", "CREATE TYPE \"he\nld\" AS ENUM ('a')", 'TYPE "he\nld"', 'type public."he ld"'],
  ])("%s, made a part of an extension: no dump holds it, and none is called a backup", async (_what, made, added, told) => {
    await inService("CREATE EXTENSION dict_int", `${made}; ALTER EXTENSION dict_int ADD ${added}`);
    await expect(bench.backUp("20260101T023000Z")).rejects.toThrow(
      `no dump holds what a service made a part of an extension: ${told}`,
    );
    await inService("DROP EXTENSION dict_int CASCADE; DROP SCHEMA IF EXISTS held CASCADE");
    // What the extension's own script makes is no fault.
    await inService("CREATE EXTENSION dict_int");
    await bench.backUp("20260101T023000Z");
    await inService("DROP EXTENSION dict_int");
  });

  it("rows are counted whatever is in them, and in whatever bytes", async () => {
    await inService(
      "CREATE TABLE texts (a text); CREATE TABLE bare (); CREATE TABLE parent (a text); CREATE TABLE child () INHERITS (parent)",
      'CREATE TABLE "new\nline ""quoted"" \\: ~" AS SELECT 1 AS a; CREATE TABLE "~" AS SELECT 1 AS a WHERE false',
      String.raw`INSERT INTO texts VALUES ('\:'), ('\:~'), (E'\n\\:"x.y"\n'), ('~'), (''), (NULL), (E'\\'), ('\.'), (E'\r\n'), (':')`,
      "INSERT INTO texts SELECT repeat(E'\\n\\\\:', n) FROM generate_series(1, 40000, 397) n",
      "INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES",
      "INSERT INTO child SELECT n::text FROM generate_series(1, 300000) n; INSERT INTO parent VALUES ('x')",
    );
    const backup = await bench.backUp("20260101T033000Z");
    expect(backup.rows).toEqual({
      "public.texts": 111,
      "public.bare": 2,
      "public.parent": 1,
      "public.child": 300000,
      'public.new\nline "quoted" \\: ~': 1,
      "public.~": 0,
    });
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    await inService('DROP TABLE texts, bare, child, parent, "new\nline ""quoted"" \\: ~", "~"');
  });

  it("schemas that are called as the kinds of an archive's entries are", async () => {
    await inService(
      ...["DATA", "SET", "ATTACH", "OWNED BY", "ACL", "VIEW DATA"].flatMap((name) => [
        `CREATE SCHEMA "${name}"; CREATE TABLE "${name}".t (a serial PRIMARY KEY, b text DEFAULT 'x')`,
        `CREATE SEQUENCE "${name}".s; CREATE VIEW "${name}".v AS SELECT a FROM "${name}".t`,
        `CREATE MATERIALIZED VIEW "${name}".m AS SELECT a FROM "${name}".t`,
        `CREATE TABLE "${name}".context (a int); GRANT SELECT ON "${name}".t TO PUBLIC`,
        `INSERT INTO "${name}".t (b) VALUES ('y'), ('z'); INSERT INTO "${name}".context VALUES (1)`,
        `REFRESH MATERIALIZED VIEW "${name}".m`,
      ]),
    );
    const before = await allOf(host, entry.name);
    const result = await bench.restore({ backup: await bench.backUp("20260101T040000Z") });
    expect(result.fault).toBeUndefined();
    expect(await allOf(host, entry.name)).toBe(before);
    await inService('DROP SCHEMA "DATA", "SET", "ATTACH", "OWNED BY", "ACL", "VIEW DATA" CASCADE');
  });

  it("a materialized view whose function counts on the search path", async () => {
    await inService(
      "CREATE TABLE counted (a int); CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'",
      "CREATE MATERIALIZED VIEW seen AS SELECT how_many() AS n",
      // Version 17 fills one with no search path, an older one did not.
      "CREATE OR REPLACE FUNCTION how_many() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM counted); END'",
      "INSERT INTO counted VALUES (1), (2)",
    );
    const before = await allOf(host, entry.name);
    const result = await bench.restore({ backup: await bench.backUp("20260101T050000Z") });
    expect(result.fault).toBeUndefined();
    expect(await allOf(host, entry.name)).toBe(before);
    await inService("DROP MATERIALIZED VIEW seen; DROP FUNCTION how_many; DROP TABLE counted");
  });

  it("thousands of tables", async () => {
    await inService(
      `DO $$ BEGIN FOR n IN 1..2300 LOOP
        EXECUTE format('CREATE TABLE bug_%s_site_plugin_table_with_a_rather_long_name_xxxxx (id int PRIMARY KEY)', n); COMMIT; END LOOP; END $$`,
    );
    const backup = await bench.backUp("20260102T020000Z");
    expect(Object.keys(backup.rows)).toHaveLength(2300);
    await inService("DROP TABLE bug_7_site_plugin_table_with_a_rather_long_name_xxxxx");
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    await inService(
      "SELECT * FROM bug_7_site_plugin_table_with_a_rather_long_name_xxxxx",
      "DROP OWNED BY svc_discourse",
    );
    await host.sql(
      "GRANT CONNECT ON DATABASE mo_discourse TO svc_discourse_a; ALTER SCHEMA public OWNER TO pg_database_owner",
    );
  }, 300_000);

  it("a row of 300 MB", async () => {
    await inService("CREATE TABLE big (a text)", "INSERT INTO big VALUES (repeat('0123456789', 30000000))");
    const result = await bench.restore({ backup: await bench.backUp("20260103T020000Z") });
    expect(result.fault).toBeUndefined();
    expect(
      await host.sql("SELECT length(a), md5(a) = md5(repeat('0123456789', 30000000)) FROM big", entry.name),
    ).toBe("300000000|t\n");
    await inService("DROP TABLE big");
  }, 300_000);

  it("a table that somebody keeps locked: the dump ends in the stated time", async () => {
    await inService("CREATE TABLE locked (a int)");
    const session = await asService(host, entry);
    await session.query("BEGIN");
    await session.query("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE");
    const [first = "", ...rest] = [...host.inside, "bash", "-euo", "pipefail", "-c"];
    const began = Date.now();
    const dumping = succeed(first, [
      ...rest,
      `lib=/usr/local/lib/estate-backup work=/tmp state=/tmp LOCAL=/tmp PORT=${host.port} LOCK_WAIT=2s
       source $lib/bounds.sh; source $lib/errors.sh; source $lib/common.sh; source $lib/postgres.sh; dump mo_discourse /tmp/rows.json >/tmp/dumped`,
    ]);
    await expect(dumping).rejects.toThrow(/lock timeout/);
    expect(Date.now() - began).toBeLessThan(20_000);
    await session.close();
    await inService("DROP TABLE locked");
  });

  it("row security of the program: no drift after a restore, today's keys, and nothing of it from the backup", async () => {
    for (const role of [
      "library_owner",
      "svc_library",
      "library_reader",
      "library_librarian",
      "library_auditor",
    ]) {
      await host.sql(`CREATE ROLE ${role} NOLOGIN`).catch(() => undefined);
    }
    await host.sql(`CREATE ROLE svc_library_a LOGIN PASSWORD '${SERVICE_PASSWORD}' IN ROLE svc_library`);
    await host.sql("CREATE DATABASE library OWNER library_owner");
    await host.sql(
      "REVOKE ALL ON DATABASE library FROM PUBLIC; GRANT CONNECT ON DATABASE library TO svc_library_a, estate_backup",
    );
    await host.sql(
      `SET ROLE library_owner;\n${LIBRARY_SQL};\nINSERT INTO branches VALUES ('${ids.north}', 'north'), ('${ids.south}', 'south')`,
      "library",
    );
    // No schema of the program's: a table of that name in another.
    await host.sql(
      'SET ROLE library_owner; CREATE SCHEMA "DATA"; CREATE TABLE "DATA".context AS SELECT 1 AS a',
      "library",
    );
    const server = new PostgresServer(host, host, host.admin);
    const call = {
      config: { postgres: server },
      urn: "urn:pulumi:t::t::t::t",
      signal: new AbortController().signal,
    };
    const first = key();
    const inputsOf = (keys: Record<string, string>) =>
      postgresRowSecurity.check(declared("library", keys) as never, undefined, call).inputs as never;
    const { id, state } = await postgresRowSecurity.create(call, inputsOf({ k1: first }));
    const { sealed, rows } = await bench.host.backUp("library", bench.store.recipient);
    const backup = await bench.stored("20260105T020000Z", sealed, rows);
    // Since then: another key.
    const second = key();
    const now = await postgresRowSecurity.update(
      call,
      id,
      { inputs: state, state } as never,
      inputsOf({ k2: second }),
    );
    // How many keys were ever taken away is for contexts that sessions hold, and a restore ends every session.
    const all = async () =>
      (await allOf(host, "library")).replace(/^.*setval\('context\.keys_withdrawn'.*$/m, "");
    const before = await all();
    const result = await bench.restore({ backup, entry: library });
    expect(result.fault).toBeUndefined();
    expect(await all()).toBe(before);
    const read = await postgresRowSecurity.read(call, id, { inputs: now, state: now } as never);
    expect(read?.inputs).toEqual(now);
    const names = (secret: string, keyId: string) =>
      host.sql(
        `SET ROLE library_reader; SELECT set_config('app.context', '${tokenOf({ identity: "reader", tenant: ids.north }, secret, keyId)}', false) \\g /dev/null\nSELECT name FROM branches`,
        "library",
      );
    expect(await names(second, "k2")).toBe("north\n");
    expect(await names(first, "k1")).toBe("");
    await server.close();
  });
});
