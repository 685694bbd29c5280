import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../../connect/postgres";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { CONTEXT_FUNCTIONS } from "../../../provider/kinds/row-security/context-functions";
import type { RowSecurityInputs } from "../../../provider/kinds/row-security/inputs";
import { type Driven, type PostgresBench, postgresBench } from "../../support/postgres-kinds";
import { declared, ids, key, LIBRARY_SQL, tokenOf } from "../../support/row-security";
import { verbatim } from "../../support/verbatim";

const minutes = 60_000;
const database = "library";
const password = "a-password-of-enough-characters";
const { north, ann } = ids;
const reader = { identity: "reader", tenant: north, subject: ann } as const;

/** A key that leaked is taken away while whoever has it is in the middle of a transaction, of any snapshot. */
describe.each(["16", "17"] as const)("a key that is taken away on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let kind: Driven<RowSecurityInputs>;
  const leaked = key();
  const next = key();

  beforeAll(async () => {
    bench = await postgresBench(version);
    kind = bench.drive(postgresRowSecurity);
    for (const role of ["library_owner", "svc_library"]) await bench.sql(`CREATE ROLE ${role}`);
    await bench.sql(`CREATE DATABASE ${database} OWNER library_owner`);
    await bench.drive(postgresLogin).create({ worksAs: "svc_library", password, connectionLimit: 20 });
    await bench.sql(`SET ROLE library_owner; ${LIBRARY_SQL}`, database);
    await kind.create(declared(database, { k1: leaked, k2: next }));
    await bench.sql(
      `INSERT INTO branches VALUES ('${north}', 'north');
       INSERT INTO loans (branch_id, reader_id, title) VALUES ('${north}', '${ann}', 'a book')`,
      database,
    );
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);
  beforeEach(async () => {
    await declare({ k1: leaked, k2: next });
  });

  const declare = async (keys: Record<string, string>) => void (await kind.create(declared(database, keys)));
  const TAKEN: [string, () => Promise<void>][] = [
    ["taken away", () => declare({ k2: next })],
    ["replaced under its id", () => declare({ k1: key(), k2: next })],
  ];
  /** A transaction of the service's that has its snapshot, in the reader's context. */
  const beginning = async (isolation: string, id: "k1" | "k2") => {
    const user = { user: "svc_library_a", password, database };
    const session = verbatim(await connectPostgres(bench.engine, bench.engine, user));
    onTestFinished(() => session.close());
    const token = tokenOf(reader, id === "k1" ? leaked : next, id);
    for (const statement of [
      `BEGIN ISOLATION LEVEL ${isolation}`,
      "SET LOCAL ROLE library_reader",
      "SELECT count(*) FROM languages",
      `SELECT set_config('app.context', '${token}', true)`,
    ])
      await session.query(statement);
    return session;
  };
  const loans = async (session: PostgresConnection) =>
    (await session.query<{ n: number }>("SELECT count(*)::int AS n FROM loans"))[0]?.n;
  const borrow = `INSERT INTO loans (branch_id, reader_id, title) VALUES ('${north}', '${ann}', 'another')`;
  const ENDED = { code: "42501", message: expect.stringMatching(/context ended in a transaction/) };
  const ISOLATIONS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

  describe.each(TAKEN)("%s", (_how, take) => {
    test.each(ISOLATIONS)("gives no row to a transaction that began before, %s", async (isolation) => {
      const [old, other] = [await beginning(isolation, "k1"), await beginning(isolation, "k2")];
      expect([await loans(old), await loans(other)]).toEqual([1, 1]);
      await take();
      expect([await loans(old), await loans(other)]).toEqual([0, 1]);
      const asked =
        "SELECT context.tenant() AS tenant, context.role() AS role, context.verified() AS verified";
      expect(await old.query(asked)).toEqual([{ tenant: null, role: null, verified: false }]);
      await expect(old.query(borrow)).rejects.toMatchObject({
        message: expect.stringMatching(/row-level security/),
      });
      await other.query(borrow);
      expect(await loans(other)).toBe(2);
    });

    test.each(ISOLATIONS)("lets none write that has written before, %s", async (isolation) => {
      for (const then of [borrow, "SELECT count(*) FROM loans", "SELECT context.role()"]) {
        const [old, other] = [await beginning(isolation, "k1"), await beginning(isolation, "k2")];
        await old.query(borrow);
        await other.query(borrow);
        await take();
        await expect(old.query(then), then).rejects.toMatchObject(ENDED);
        await other.query(then);
        expect(await loans(other)).toBe(then === borrow ? 3 : 2);
        await declare({ k1: leaked, k2: next });
      }
    });

    test("gives no row to a cursor that is read for the first time", async () => {
      const old = await beginning("READ COMMITTED", "k1");
      await old.query("DECLARE late CURSOR FOR SELECT title FROM loans");
      await take();
      expect(await old.query("FETCH ALL FROM late")).toEqual([]);
    });
  });

  test("does not undo what was written: a COMMIT asks for nothing, and an operator ends whoever has written", async () => {
    const written = async () =>
      (await bench.sql<{ n: number }>("SELECT count(*)::int AS n FROM loans", database))[0]?.n ?? 0;
    const before = await written();
    const writing = async () => {
      const old = await beginning("READ COMMITTED", "k1");
      await old.query("DECLARE begun CURSOR FOR SELECT title FROM loans");
      await old.query("FETCH begun");
      await old.query(borrow);
      return old;
    };
    const [old, ended] = [await writing(), await writing()];
    const reads = await beginning("READ COMMITTED", "k2");
    await declare({ k2: next });
    await old.query("FETCH ALL FROM begun");
    await old.query("COMMIT");
    expect(await written()).toBe(before + 1);
    await bench.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'context.held_transaction'::regclass",
      database,
    );
    await expect(ended.query("COMMIT")).rejects.toThrow();
    expect(await written()).toBe(before + 1);
    expect(await loans(reads)).toBe(before + 1);
    await bench.sql("DELETE FROM loans WHERE title = 'another'", database);
  });

  describe("would be believed", () => {
    /** The functions without a text, until they are declared anew. */
    const without = async (text: string) => {
      const changed = [...CONTEXT_FUNCTIONS.values()].filter((each) => each.includes(text));
      expect(changed.length).toBeGreaterThan(3);
      for (const each of changed) await bench.sql(each.replaceAll(text, ""), database);
    };
    /** As `up` does, but for the functions. */
    const take = () =>
      bench.sql(
        "DELETE FROM context.keys WHERE id = 'k1'; SELECT nextval('context.keys_withdrawn')",
        database,
      );

    test("by a snapshot, without the mark", async () => {
      const old = await beginning("REPEATABLE READ", "k1");
      await without(" AND k.xmax = 0");
      await take();
      expect(await loans(old)).toBe(1);
    });

    test("where it is held, without the count", async () => {
      await without(
        " AND currval('context.held_withdrawn') = coalesce(pg_sequence_last_value('context.keys_withdrawn'), 0)",
      );
      const old = await beginning("READ COMMITTED", "k1");
      await old.query(borrow);
      await take();
      await old.query(borrow);
      expect(await loans(old)).toBe(3);
    });
  });

  test("is believed again where that was undone and is declared anew; others are believed all the time", async () => {
    const admin = await connectPostgres(bench.engine, bench.engine, { ...bench.engine.admin, database });
    onTestFinished(() => admin.close());
    const sees = async (id: "k1" | "k2") => loans(await beginning("READ COMMITTED", id));
    await admin.query("BEGIN; DELETE FROM context.keys WHERE id = 'k1'");
    expect([await sees("k1"), await sees("k2")]).toEqual([0, 1]);
    await admin.query("ROLLBACK");
    expect([await sees("k1"), await sees("k2")]).toEqual([0, 1]);
    await declare({ k1: leaked, k2: next });
    expect([await sees("k1"), await sees("k2")]).toEqual([1, 1]);
  });
});
