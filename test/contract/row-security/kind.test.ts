import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { postgresAccess } from "../../../provider/kinds/postgres-access";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { NOT_OURS, type RowSecurityInputs } from "../../../provider/kinds/row-security/inputs";
import { diffInputs } from "../../../provider/wire/diff";
import type { Properties } from "../../../provider/wire/kind";
import { type Driven, type PostgresBench, postgresBench } from "../../support/postgres-kinds";
import { declared, key, LIBRARY_SQL } from "../../support/row-security";

const minutes = 60_000;
const TEMPLATE = "library_template";

describe.each(["16", "17"] as const)("postgres:RowSecurity on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let kind: Driven<RowSecurityInputs>;
  let database: string;
  let count = 0;
  const keys = { k1: key() };

  beforeAll(async () => {
    bench = await postgresBench(version);
    kind = bench.drive(postgresRowSecurity);
    for (const role of ["library_owner", "svc_library", "mallory"]) await bench.sql(`CREATE ROLE ${role}`);
    await bench.sql(`CREATE DATABASE ${TEMPLATE} OWNER library_owner`);
    await bench.sql(`SET ROLE library_owner; ${LIBRARY_SQL}`, TEMPLATE);
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  beforeEach(async () => {
    database = `library_${++count}`;
    await bench.sql(`CREATE DATABASE ${database} TEMPLATE ${TEMPLATE} OWNER library_owner`);
  });

  afterEach(() => bench.sql(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));

  const found = async (state: RowSecurityInputs): Promise<RowSecurityInputs> => {
    const inputs = await kind.read(database, state);
    if (!inputs) throw new Error("the database is gone");
    return inputs;
  };
  /** What a preview names after a refresh: paths of fields, added (+), updated (~) or deleted (-) by the next up. */
  const drift = async (state: RowSecurityInputs) =>
    diffInputs(
      (await found(state)) as unknown as Properties,
      kind.checked(declared(database, keys)) as unknown as Properties,
    )
      .map(({ path, kind: what }) => `${{ add: "+", update: "~", delete: "-" }[what]} ${path}`)
      .sort();

  /** Changes something by hand: a refresh names it (twice the same), an update mends it. */
  const mends = async (byHand: string[], paths: string[]) => {
    const state = await kind.create(declared(database, keys));
    expect(await drift(state)).toEqual([]);
    for (const statement of byHand) await bench.sql(statement, database);
    expect(await drift(state)).toEqual([...paths].sort());
    const drifted = await found(state);
    expect(await found(drifted)).toEqual(drifted);
    await kind.update(database, drifted, declared(database, keys));
    expect(await drift(state)).toEqual([]);
  };

  test("reads what it made: nothing to do afterwards", async () => {
    const state = await kind.create(declared(database, keys));
    expect(await found(state)).toEqual(state);
    const before = bench.engine.log().length;
    await kind.update(database, state, declared(database, keys));
    const log = bench.engine.log().slice(before);
    expect(log).not.toMatch(/statement: (ALTER|GRANT|REVOKE|INSERT|CREATE (?!TEMPORARY))/);
    expect(log).toMatch(/CREATE TEMPORARY TABLE/);
  });

  test("leaves nothing of its looking behind", async () => {
    const state = await kind.create(declared(database, keys));
    await found(state);
    expect(
      await bench.sql("SELECT relname FROM pg_class WHERE relname LIKE 'estate_scratch%'", database),
    ).toEqual([]);
  });

  describe("finds and mends", () => {
    test("a policy that was dropped", () =>
      mends(["DROP POLICY reader_select ON loans"], ['+ policies["loans.reader.select"]']));

    test("a policy that was loosened", () =>
      mends(
        [
          "ALTER POLICY librarian_select ON loans USING (branch_id = (SELECT context.tenant('library_librarian')) OR true)",
          "ALTER POLICY librarian_update ON loans WITH CHECK (true)",
        ],
        ['~ policies["loans.librarian.select"].using', '~ policies["loans.librarian.update"].withCheck'],
      ));

    test("a policy that was given to more roles, or made for another command", () =>
      mends(
        [
          "ALTER POLICY reader_select ON branches TO library_reader, mallory",
          "ALTER POLICY librarian_select ON branches TO PUBLIC",
          "DROP POLICY auditor_select ON branches",
          "CREATE POLICY auditor_select ON branches FOR ALL TO library_auditor USING ((SELECT context.verified('library_auditor')))",
        ],
        [
          '- policies["branches.reader.select"].to[1]',
          '~ policies["branches.librarian.select"].to[0]',
          '~ policies["branches.auditor.select"].for',
        ],
      ));

    test("a policy that was added, on a partition too", () =>
      mends(
        [
          "CREATE POLICY everything ON loans USING (true)",
          "CREATE POLICY never ON languages AS RESTRICTIVE USING (false)",
          "CREATE POLICY anybody ON log_default TO svc_library USING (true)",
        ],
        [
          '- policies["loans.everything"]',
          '- policies["languages.never"]',
          '- policies["log_default.anybody"]',
        ],
      ));

    test("row security that was switched off, or does not bind the owner", () =>
      mends(
        [
          "ALTER TABLE loans DISABLE ROW LEVEL SECURITY",
          "ALTER TABLE branches NO FORCE ROW LEVEL SECURITY",
          "ALTER TABLE languages ENABLE ROW LEVEL SECURITY",
        ],
        ["~ tables.loans", "~ tables.branches", "~ tables.languages"],
      ));

    test("a context function that was replaced, taken over, added", () =>
      mends(
        [
          "CREATE OR REPLACE FUNCTION context.tenant() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT gen_random_uuid()'",
          "ALTER FUNCTION context.subject() OWNER TO mallory",
          "CREATE FUNCTION context.tenant(anybody uuid) RETURNS uuid LANGUAGE sql AS 'SELECT anybody'",
          "ALTER FUNCTION context.verified() RESET ALL",
        ],
        [
          '~ context["tenant()"]',
          '~ context["subject()"]',
          '- context["tenant(uuid)"]',
          '~ context["verified()"]',
          // What a hand makes is PUBLIC's to execute, and no identity's.
          ...["public", "library_auditor", "library_librarian", "library_reader", "svc_library"].map(
            (role) => `- grants["${role} on function context.tenant(uuid)"]`,
          ),
        ],
      ));

    test("a context that is not held while a table is written", () =>
      mends(
        [
          "ALTER TABLE loans DISABLE TRIGGER context_hold",
          "DROP TRIGGER context_kept ON branches",
          "CREATE OR REPLACE TRIGGER context_hold BEFORE INSERT ON notices FOR EACH STATEMENT EXECUTE FUNCTION context.hold()",
          "CREATE TRIGGER again AFTER INSERT ON languages FOR EACH STATEMENT EXECUTE FUNCTION context.kept()",
        ],
        ["~ tables.loans", "~ tables.branches", "~ tables.notices", "~ tables.languages"],
      ));

    test("what holds it that was changed, taken over, added", () =>
      mends(
        [
          "ALTER SEQUENCE context.held_digest CYCLE",
          "ALTER SEQUENCE context.held_transaction OWNER TO mallory",
          "CREATE SEQUENCE context.more",
          "GRANT UPDATE ON SEQUENCE context.held_digest TO svc_library",
        ],
        [
          '~ context["sequence held_digest"]',
          '~ context["sequence held_transaction"]',
          '- context["sequence more"]',
          '- grants["svc_library on sequence context.held_digest"]',
        ],
      ));

    test("a function of large objects that was given back to everybody", () =>
      mends(
        ["GRANT EXECUTE ON FUNCTION lo_create(oid), lo_get(oid) TO PUBLIC"],
        ["- largeObjects[0]", "- largeObjects[1]"],
      ));

    test("an advisory lock that was given back to everybody", () =>
      mends(
        [
          "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_try_advisory_xact_lock_shared(int, int) TO PUBLIC",
        ],
        ["- advisoryLocks[0]", "- advisoryLocks[1]"],
      ));

    test("what is kept of the values of all", () =>
      mends(
        [
          "INSERT INTO branches SELECT gen_random_uuid(), 'a name that repeats' FROM generate_series(1, 10)",
          "CREATE INDEX ON loans (lower(title))",
          "ALTER TABLE branches ALTER COLUMN name SET STATISTICS 10",
          "ANALYZE branches",
          "ALTER TABLE branches ALTER COLUMN name SET STATISTICS 0",
          "ALTER TABLE loans ALTER COLUMN title SET STATISTICS -1",
        ],
        ["- statistics[0]", "- statistics[1]", "- statistics[2]"],
      ));

    test("a key that was added, and one that was replaced", () =>
      mends(
        [
          "INSERT INTO context.keys VALUES ('k9', '\\x00', '\\x00')",
          "UPDATE context.keys SET inner_pad = '\\x00' WHERE id = 'k1'",
        ],
        ["- keys.k9", "~ keys.k1"],
      ));

    test("a key that is marked as one that was deleted, by a lock alone", () =>
      mends(["SELECT FROM context.keys WHERE id = 'k1' FOR UPDATE"], ["~ keys.k1"]));

    test("a schema of the context that is gone altogether", () =>
      mends(
        ["DROP SCHEMA context CASCADE"],
        [
          "+ context.keys",
          "+ context.schema",
          ...["hold", "kept", "role", "subject", "tenant", "verified"].map(
            (name) => `+ context["${name}()"]`,
          ),
          ...["subject", "tenant", "verified"].map((name) => `+ context["${name}(text)"]`),
          ...["held_digest", "held_nonce", "held_transaction", "held_withdrawn", "keys_withdrawn"].map(
            (name) => `+ context["sequence ${name}"]`,
          ),
          '+ context["refuse(boolean)"]',
          // Nobody writes the others.
          ...["branches", "loans"].map((table) => `~ tables.${table}`),
          "+ keys.k1",
          ...["branches", "loans"].flatMap((table) =>
            Object.keys(declared("", {}).policies)
              .filter((policy) => policy.startsWith(`${table}.`))
              .map((policy) => `+ policies["${policy}"]`),
          ),
          '+ policies["notices.reader.select"]',
          '+ policies["log.auditor.select"]',
          ...["library_reader", "library_librarian", "library_auditor", "svc_library"].flatMap((role) => [
            `+ grants["${role} on functions in context"]`,
            `+ grants["${role} on schema context"]`,
          ]),
        ],
      ));

    test("a grant that was added, on a column and a partition too", () =>
      mends(
        [
          "GRANT SELECT, TRUNCATE ON loans TO library_reader",
          "GRANT SELECT (reader_id) ON loans TO library_auditor",
          "GRANT SELECT ON log_default TO library_auditor",
          "GRANT EXECUTE ON FUNCTION open_loans TO PUBLIC",
          "GRANT SELECT ON context.keys TO svc_library",
          "GRANT CREATE ON SCHEMA public TO svc_library",
        ],
        [
          '- grants["library_reader on table public.loans"][5]',
          '~ grants["library_auditor on table public.loans"][2]',
          '- grants["library_auditor on table public.loans"][3]',
          '- grants["library_auditor on table public.log_default"]',
          '- grants["public on function public.open_loans(uuid)"]',
          '- grants["svc_library on table context.keys"]',
          '- grants["svc_library on schema public"][1]',
        ],
      ));

    test("a grant that was taken away", () =>
      mends(
        [
          "REVOKE SELECT ON loans FROM library_reader",
          "REVOKE EXECUTE ON FUNCTION open_loans FROM library_librarian",
        ],
        [
          // Privileges are a sorted list: SELECT is its first.
          ...[0, 1, 2, 3].map((at) => `~ grants["library_reader on table public.loans"][${at}]`),
          '+ grants["library_reader on table public.loans"][4]',
          '+ grants["library_librarian on function public.open_loans(uuid)"]',
        ],
      ));

    test("a role membership that was added, changed, taken away", () =>
      mends(
        [
          "GRANT library_auditor TO mallory",
          "GRANT library_reader TO svc_library WITH INHERIT TRUE",
          "REVOKE library_librarian FROM svc_library",
          "GRANT library_owner TO svc_library",
          "GRANT pg_read_all_data TO library_reader",
          "ALTER ROLE library_auditor BYPASSRLS LOGIN",
        ],
        [
          "~ identities.library_auditor.members[0]",
          "- identities.library_auditor.members[1]",
          "~ identities.library_reader.members[0]",
          "+ identities.library_librarian.members[0]",
          "- ownerMembers[0]",
          "- serviceMemberOf[0]",
          "- identities.library_reader.memberOf[0]",
          "- identities.library_auditor.attributes[0]",
          "- identities.library_auditor.attributes[1]",
        ],
      ));

    test("an index that a policy needs", () =>
      mends(["DROP INDEX loans_branch_id_policy"], ["+ indexes.loans[0]"]));

    test("a view with the rights of its owner", () =>
      mends(["ALTER VIEW wanted_loans SET (security_invoker = false)"], ["~ views.wanted_loans"]));
  });

  test("an index that serves is taken, and one that does not is not", async () => {
    await bench.sql(
      "CREATE INDEX ours ON loans (branch_id, title); CREATE INDEX part ON notices (branch_id) WHERE words <> ''",
      database,
    );
    await kind.create({
      ...declared(database, keys),
      indexes: { loans: ["branch_id"], notices: ["branch_id | id"], log: ["who"] },
    });
    const names = await bench.sql<{ name: string }>(
      "SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE '%policy' ORDER BY 1",
      database,
    );
    // notices_pkey leads with id; log is partitioned, so each partition has its own.
    expect(names.map(({ name }) => name)).toEqual(["log_default_who_policy", "log_who_policy"]);
    expect(await bench.sql("SELECT indexrelid FROM pg_index WHERE NOT indisvalid", database)).toEqual([]);
  });

  test("an invalid index of an interrupted run is made again", async () => {
    const state = await kind.create(declared(database, keys));
    await bench.sql(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'loans_branch_id_policy'::regclass",
      database,
    );
    expect(await drift(state)).toEqual(["+ indexes.loans[0]"]);
    await kind.update(database, state, declared(database, keys));
    expect(await drift(state)).toEqual([]);
  });

  test("converges from whatever an interrupted run left", async () => {
    await kind.create(declared(database, keys));
    const halves = [
      "DROP POLICY reader_select ON loans; ALTER TABLE branches NO FORCE ROW LEVEL SECURITY",
      "DELETE FROM context.keys; DROP FUNCTION context.role()",
      "DROP INDEX loans_branch_id_policy; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM library_reader",
      "ALTER ROLE library_reader LOGIN; REVOKE library_reader FROM svc_library",
      "DROP TABLE context.keys",
    ];
    for (const half of halves) {
      await bench.sql(half, database);
      const state = await kind.create(declared(database, keys));
      expect(await drift(state)).toEqual([]);
    }
  });

  test("is one transaction: what fails at its end has done nothing at its beginning", async () => {
    const wanted = declared(database, keys);
    const faulty = {
      ...wanted,
      grants: { ...wanted.grants, "library_reader on function public.absent(integer)": ["EXECUTE"] },
    };
    await expect(kind.create(faulty)).rejects.toThrow(/function public\.absent\(integer\) does not exist/);
    const [row] = await bench.sql(
      "SELECT to_regnamespace('context') AS context, (SELECT count(*) FROM pg_policy) AS policies",
      database,
    );
    expect(row).toEqual({ context: null, policies: "0" });
  });

  test("a run that is killed in its middle leaves the tables as they were, and the next one goes on", async () => {
    const state = await kind.create(declared(database, keys));
    await bench.sql(
      "ALTER TABLE loans DISABLE ROW LEVEL SECURITY; DROP POLICY reader_select ON branches",
      database,
    );
    // Somebody reads a table that the run has to change: it waits there, in the middle.
    const attempt = bench.server.withConnection(database, async (reader) => {
      await reader.query("BEGIN; LOCK TABLE public.loans IN ACCESS SHARE MODE");
      const update = kind.update(database, state, declared(database, keys)).then(
        () => "done",
        (error: Error) => error.message,
      );
      const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = '${database}' AND wait_event_type = 'Lock'`;
      let pids = await bench.sql<{ pid: number }>(waiting);
      for (let attempts = 0; pids.length === 0 && attempts < 100; attempts++) pids = await bench.sql(waiting);
      await bench.sql(`SELECT pg_terminate_backend(${pids[0]?.pid})`);
      const outcome = await update;
      await reader.query("COMMIT");
      return outcome;
    });
    expect(await attempt).toMatch(/terminating connection|Connection terminated/);
    expect(await drift(state)).toEqual(['+ policies["branches.reader.select"]', "~ tables.loans"]);
    await kind.update(database, state, declared(database, keys));
    expect(await drift(state)).toEqual([]);
  });

  test("a table that is off is written by nobody", () => {
    const wanted = declared(database, keys);
    for (const privilege of ["INSERT", "UPDATE (code)", "DELETE"]) {
      const grants = { ...wanted.grants, "svc_library on table public.languages": ["SELECT", privilege] };
      expect(() => kind.checked({ ...wanted, grants }), privilege).toThrow(/writes languages, which is off/);
    }
  });

  test("what is missing is named, all at once", async () => {
    const wanted = declared(database, keys);
    await expect(
      kind.create({
        ...wanted,
        owner: "nobody",
        policies: {},
        tables: { ...wanted.tables, books: "forced", shelves: "off" },
        exceptions: { ...wanted.exceptions, shelves: "the same for all" },
        views: { ...wanted.views, absent: "security_invoker" },
      }),
    ).rejects.toThrow(
      /owner "nobody" does not exist.*table public\.books.*table public\.shelves.*view public\.absent/s,
    );
  });

  test("an expression that the table cannot have is named with its policy", async () => {
    const wanted = declared(database, keys);
    const reader = wanted.policies["loans.reader.select"];
    if (!reader) throw new Error("the fixture has no such policy");
    const policies = {
      ...wanted.policies,
      "loans.reader.select": { ...reader, using: `"nowhere" = (SELECT context.tenant('library_reader'))` },
    };
    await expect(kind.create({ ...wanted, policies })).rejects.toThrow(
      /policies\["loans\.reader\.select"\]: column "nowhere" does not exist/,
    );
  });

  test("an Access of the same database leaves all this alone", async () => {
    const state = await kind.create(declared(database, keys));
    const access = bench.drive(postgresAccess);
    const ours = await access.create({
      database,
      schemas: [],
      owners: ["library_owner"],
      grants: {},
      defaultGrants: {},
    });
    expect(await drift(state)).toEqual([]);
    expect(await access.read(database, ours)).toEqual(ours);
    await bench.sql("GRANT SELECT ON loans TO mallory", database);
    expect(await access.read(database, ours)).toEqual(ours);
    expect(await drift(state)).toEqual(['- grants["mallory on table public.loans"]']);
  });

  test("an import declares what is there, keys and indexes apart", async () => {
    const state = await kind.create(declared(database, keys));
    const imported = await kind.read(database, undefined);
    const {
      tables,
      identities,
      service,
      owner,
      views,
      policies,
      keys: unknown,
    } = imported as RowSecurityInputs;
    expect({ tables, identities, service, owner, views }).toEqual({
      tables: { branches: "forced", languages: "off", loans: "forced", log: "forced", notices: "forced" },
      identities: state.identities,
      service: state.service,
      owner: state.owner,
      views: state.views,
    });
    expect(Object.keys(policies)).toHaveLength(Object.keys(state.policies).length);
    expect(unknown).toEqual({ k1: NOT_OURS });
    expect(await kind.read("no_such", undefined)).toBeUndefined();
  });

  test("deletion closes the database and leaves no trace of the identities", async () => {
    const state = await kind.create(declared(database, keys));
    await bench.sql("INSERT INTO branches VALUES (gen_random_uuid(), 'north')", database);
    await kind.delete(database, state);
    await kind.delete(database, state);
    const [row] = await bench.sql(
      `SELECT to_regnamespace('context') AS context, (SELECT count(*) FROM pg_policy) AS policies,
         (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'library\\_%' AND rolname <> 'library_owner') AS roles,
         has_table_privilege('svc_library', 'branches', 'SELECT') AS reads`,
      database,
    );
    expect(row).toEqual({ context: null, policies: "0", roles: "0", reads: false });
    // Row security stays: the owner too sees nothing.
    await bench.sql("SET ROLE library_owner; CREATE TABLE seen AS SELECT * FROM branches", database);
    expect(await bench.sql("SELECT * FROM seen", database)).toEqual([]);
    expect(await bench.sql("SELECT name FROM branches", database)).toEqual([{ name: "north" }]);
    await bench.sql(`DROP DATABASE ${database} WITH (FORCE)`);
    await kind.delete(database, state);
    expect(await kind.read(database, state)).toBeUndefined();
  });

  test("deletion keeps a context function that the application built upon, without a key", async () => {
    const state = await kind.create(declared(database, keys));
    await bench.sql("ALTER TABLE loans ALTER branch_id SET DEFAULT context.tenant()", database);
    await kind.delete(database, state);
    expect(await bench.sql("SELECT * FROM context.keys", database)).toEqual([]);
    const again = await kind.create(declared(database, keys));
    expect(await drift(again)).toEqual([]);
    await kind.delete(database, again);
  });
});
