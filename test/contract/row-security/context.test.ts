import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connectPostgres } from "../../../connect/postgres";
import { signContext } from "../../../estate/row-security/context-token";
import { type Attempt, expected, type Outcome, type Row } from "../../../estate/row-security/evaluate";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { CONTEXT_FUNCTIONS } from "../../../provider/kinds/row-security/context-functions";
import type { RowSecurityInputs } from "../../../provider/kinds/row-security/inputs";
import { findLeaks } from "../../support/leak";
import { type Driven, type PostgresBench, postgresBench } from "../../support/postgres-kinds";
import {
  declared,
  ids,
  inContext,
  key,
  LIBRARY_SQL,
  library,
  roleOfWho,
  tokenOf,
  type Who,
} from "../../support/row-security";
import { verbatim } from "../../support/verbatim";

const minutes = 60_000;
const database = "library";
const { north, south, ann, bob } = ids;

describe.each(["16", "17"] as const)("the signed context on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let kind: Driven<RowSecurityInputs>;
  const password = "a-password-of-enough-characters";
  const secret = key();

  beforeAll(async () => {
    bench = await postgresBench(version);
    kind = bench.drive(postgresRowSecurity);
    for (const role of ["library_owner", "svc_library"]) await bench.sql(`CREATE ROLE ${role}`);
    await bench.sql(`CREATE DATABASE ${database} OWNER library_owner`);
    await bench.drive(postgresLogin).create({ worksAs: "svc_library", password, connectionLimit: 5 });
    await bench.sql(`SET ROLE library_owner; ${LIBRARY_SQL}`, database);
    await kind.create(declared(database, { k1: secret }));
    await bench.sql(`INSERT INTO branches VALUES ('${north}', 'north'), ('${south}', 'south')`, database);
    await bench.sql("INSERT INTO languages VALUES ('de')", database);
    for (const branch of [north, south]) {
      for (const reader of [ann, bob]) {
        await bench.sql(
          `INSERT INTO loans (branch_id, reader_id, title) VALUES ('${branch}', '${reader}', 'a book')`,
          database,
        );
      }
    }
    await bench.sql(
      `INSERT INTO notices (branch_id, words) VALUES (NULL, 'all'), ('${south}', 'south')`,
      database,
    );
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  const as = <R extends Record<string, unknown>>(
    who: Who,
    token: string | undefined,
    ...statements: string[]
  ) => inContext<R>(bench, database, password, roleOfWho(who), token, ...statements);
  const reader = { identity: "reader", tenant: north, subject: ann } as const;

  describe("gives no row and no error for", () => {
    const valid = () => tokenOf(reader, secret);
    const resigned = (change: (parts: string[]) => void) => {
      const parts = valid().split(".").slice(0, -1);
      change(parts);
      // Signed with the right key, as an application with a fault would.
      const payload = parts.join(".");
      return `${payload}.${createHmac("sha256", secret).update(payload).digest("hex")}`;
    };
    const cases: [string, () => string | undefined][] = [
      ["no token", () => undefined],
      ["an empty one", () => ""],
      ["what is no token", () => "tenant"],
      ["dots alone", () => "......"],
      ["a json claim", () => '{"tenant": "x"}'],
      ["another version", () => valid().replace(/^v1/, "v2")],
      ["an unknown key", () => valid().replace(".k1.", ".k2.")],
      ["a token of another key", () => tokenOf(reader, key())],
      ["a token of another role", () => tokenOf({ ...reader, identity: "librarian" }, secret)],
      ["a token of the service", () => tokenOf({ identity: "service" }, secret)],
      ["one that has expired", () => tokenOf(reader, secret, "k1", -1)],
      ["another tenant under the same signature", () => valid().replace(north, south)],
      ["a later end under the same signature", () => valid().replace(/\.(\d+)\.(?=[^.]+$)/, ".99999999999.")],
      ["a signature cut short", () => valid().slice(0, -1)],
      ["a signature that goes on", () => `${valid()}0`],
      ["a signature in capitals", () => valid().replace(/[^.]+$/, (hex) => hex.toUpperCase())],
      ["a signature that is no hex", () => valid().replace(/[^.]+$/, "z".repeat(64))],
      ["an empty signature", () => valid().replace(/[^.]+$/, "")],
      ["a part too many", () => `${valid()}.x`],
      ["an empty part too many", () => `${valid()}.`],
      ["an eighth part after an empty one", () => `${valid()}..x`],
      ["a right signature over a part too many", () => resigned((parts) => parts.push("x"))],
      ["a right signature over a part too few", () => resigned((parts) => parts.pop())],
      ["a right signature twice", () => `${valid()}.${valid().split(".").at(-1)}`],
      ["other scripts", () => "v1.k1.уу.\u0001.é.١.ﬀ"],
      ["a right signature over an end that is no number", () => resigned((parts) => (parts[5] = "soon"))],
      [
        "a right signature over an end beyond any number",
        () => resigned((parts) => (parts[5] = "9".repeat(40))),
      ],
      ["a right signature over a tenant that is no uuid", () => resigned((parts) => (parts[3] = "north"))],
      ["a right signature over a subject that is no uuid", () => resigned((parts) => (parts[4] = "ann"))],
      ["a megabyte", () => `v1.k1.${"x".repeat(1_000_000)}`],
    ];

    test.each(cases)("%s", async (_title, token) => {
      const rows = await as(
        reader,
        token(),
        `SELECT (SELECT count(*) FROM loans) AS loans, (SELECT count(*) FROM branches) AS branches,
           (SELECT count(*) FROM notices) AS notices, context.tenant() AS tenant, context.subject() AS subject,
           context.role() AS role, context.verified() AS verified`,
      );
      const nothing = { tenant: null, subject: null, role: null, verified: false };
      expect(rows).toEqual([{ loans: "0", branches: "0", notices: "0", ...nothing }]);
    });

    test("and a valid one gives its rows", async () => {
      const rows = await as(
        reader,
        valid(),
        `SELECT (SELECT count(*) FROM loans) AS loans, (SELECT count(*) FROM branches) AS branches,
           (SELECT count(*) FROM notices) AS notices, context.tenant() AS tenant, context.subject() AS subject,
           context.role() AS role, context.verified() AS verified`,
      );
      const all = { tenant: north, subject: ann, role: "library_reader", verified: true };
      expect(rows).toEqual([{ loans: "1", branches: "1", notices: "1", ...all }]);
    });
  });

  test("ends with its transaction, and with its time inside of one", async () => {
    const token = tokenOf(reader, secret);
    const select = "SELECT count(*) FROM loans";
    expect(await as(reader, token, "COMMIT", "BEGIN", "SET LOCAL ROLE library_reader", select)).toEqual([
      { count: "0" },
    ]);
    const short = tokenOf(reader, secret, "k1", 1);
    const later = await as(reader, short, "SELECT pg_sleep(1.1)", select);
    expect(later).toEqual([{ count: "0" }]);
  });

  test("is asked once a query, and the index is used", async () => {
    const plan = await as<{ "QUERY PLAN": string }>(
      reader,
      tokenOf(reader, secret),
      "SET LOCAL enable_seqscan = off",
      "EXPLAIN SELECT * FROM loans",
    );
    const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
    expect(text).toMatch(/InitPlan 1/);
    expect(text).toMatch(/Index Cond: \(branch_id = \(?(InitPlan 1\)\.col1|\$0)/);
    expect(text.split("\n").filter((line) => /Filter: .*context\./.test(line))).toEqual([]);
  });

  test("a temporary table or function cannot stand in for what it calls", async () => {
    // The service has no TEMP and no CREATE; whoever had them still would not be called.
    await bench.sql(`GRANT TEMP ON DATABASE ${database} TO library_reader`);
    try {
      const rows = await as(
        reader,
        tokenOf(reader, key()),
        "CREATE TEMPORARY TABLE keys (id text, inner_pad bytea, outer_pad bytea)",
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''x''::bytea'",
        "SET LOCAL search_path = pg_temp, public, pg_catalog",
        "SELECT count(*) FROM public.loans",
      );
      expect(rows).toEqual([{ count: "0" }]);
    } finally {
      await bench.sql(`REVOKE TEMP ON DATABASE ${database} FROM library_reader`);
    }
  });

  test("two keys are valid at once, and one that is taken away no longer is", async () => {
    const count = async (token: string) =>
      (await as<{ count: string }>(reader, token, "SELECT count(*) FROM loans"))[0]?.count;
    const next = key();
    const [old, fresh] = [tokenOf(reader, secret), tokenOf(reader, next, "k2")];
    const state = await kind.create(declared(database, { k1: secret }));
    expect([await count(old), await count(fresh)]).toEqual(["1", "0"]);
    const both = await kind.update(database, state, declared(database, { k1: secret, k2: next }));
    expect([await count(old), await count(fresh)]).toEqual(["1", "1"]);
    const after = await kind.update(database, both, declared(database, { k2: next }));
    expect([await count(old), await count(fresh)]).toEqual(["0", "1"]);
    await kind.update(database, after, declared(database, { k1: secret }));
  });

  test("functions of another release are replaced under a transaction that holds its context, which goes on", async () => {
    const state = await kind.create(declared(database, { k1: secret }));
    const earlier = [...CONTEXT_FUNCTIONS.values()].map((each) =>
      each.replace("DECLARE", "DECLARE -- earlier"),
    );
    await bench.sql(earlier.join(";"), database);
    const user = { user: "svc_library_a", password, database };
    const session = verbatim(await connectPostgres(bench.engine, bench.engine, user));
    onTestFinished(() => session.close());
    const write = "UPDATE branches SET name = name";
    const librarian = { identity: "librarian", tenant: north, subject: bob } as const;
    for (const statement of [
      "BEGIN; SET LOCAL ROLE library_librarian",
      `SELECT set_config('app.context', '${tokenOf(librarian, secret)}', true)`,
      write,
    ])
      await session.query(statement);
    await kind.update(database, state, declared(database, { k1: secret }));
    const [{ text } = { text: "" }] = await bench.sql<{ text: string }>(
      "SELECT string_agg(prosrc, '') AS text FROM pg_proc WHERE pronamespace = 'context'::regnamespace",
      database,
    );
    expect(text).not.toMatch("earlier");
    await session.query(write);
    expect(await session.query("SELECT name FROM branches")).toEqual([{ name: "north" }]);
    await session.query("SELECT set_config('app.context', '', true)");
    await expect(session.query(write)).rejects.toMatchObject({
      message: expect.stringMatching("context was changed"),
    });
  });

  test("no key is readable for anybody, nor in a log, a statistic or an error", async () => {
    const canary = key();
    await bench.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", database);
    await kind.create(declared(database, { k1: secret, k2: canary }));
    await kind.create(declared(database, { k1: secret }));
    for (const role of ["library_reader", "library_auditor", "svc_library"]) {
      await expect(
        as({ identity: "service" }, undefined, `SET LOCAL ROLE ${role}`, "TABLE context.keys"),
      ).rejects.toThrow(/permission denied for table keys/);
    }
    const byte = (pad: number) =>
      Buffer.from([...Buffer.from(canary.padEnd(64, "\0"))].map((each) => each ^ pad));
    const secrets = new Map([
      ["key", canary],
      ["inner pad", byte(0x36).toString("hex")],
      ["outer pad", byte(0x5c).toString("hex")],
    ]);
    const places = [{ where: "server log", text: bench.engine.log() }];
    expect(places[0]?.text).toMatch(/INSERT INTO branches/);
    expect(findLeaks(places, secrets)).toEqual([]);
    // The same statement in an ordinary session would have been found.
    const [, inner] = [...secrets.values()];
    await bench.sql(`SELECT '\\x${inner}'::bytea`, database);
    expect(findLeaks([{ where: "server log", text: bench.engine.log() }], secrets)).toContain(
      "server log: inner pad (in clear)",
    );
  });

  test("an admin who may not silence the log sends no key", async () => {
    await bench.sql("CREATE ROLE weak_admin LOGIN CREATEROLE PASSWORD 'weak-weak-weak-weak'");
    const weak = bench.drive(postgresRowSecurity, bench.serverAs("weak_admin", "weak-weak-weak-weak"));
    const canary = key();
    await expect(weak.create(declared(database, { k1: canary }))).rejects.toThrow(
      /permission denied|must be|had no effect/,
    );
    expect(
      findLeaks([{ where: "server log", text: bench.engine.log() }], new Map([["key", canary]])),
    ).toEqual([]);
  });

  describe("what happens is what the declaration says of", () => {
    const everybody: Who[] = [
      reader,
      { identity: "reader", tenant: south, subject: bob },
      { identity: "librarian", tenant: north, subject: bob },
      { identity: "auditor" },
      { identity: "service" },
    ];
    const loan = (branch: string, person: string, more: Row = {}): Row => ({
      branch_id: branch,
      reader_id: person,
      title: "a book",
      state: "wanted",
      returned: false,
      ...more,
    });
    const literal = (value: unknown) => (typeof value === "string" ? `'${value}'` : String(value));
    const where = (row: Row) => `branch_id = '${row.branch_id}' AND reader_id = '${row.reader_id}'`;
    const rows = [north, south].flatMap((branch) => [ann, bob].map((person) => loan(branch, person)));

    /** What the server does with it, in the words of the oracle. */
    const outcome = async (who: Who, token: string | undefined, statement: string): Promise<Outcome> => {
      try {
        const [row] = await as<{ n: string }>(who, token, statement);
        return row?.n === "0" ? "hidden" : "allowed";
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        if (code !== "42501") throw error;
        return /violates row-level security/.test(message) ? "violates" : "denied";
      }
    };
    const check = async (attempt: Omit<Attempt, "identity" | "context" | "table">, sql: string) => {
      for (const who of everybody) {
        for (const valid of [true, false]) {
          const { identity, ...claims } = who;
          const context = valid ? claims : undefined;
          const token = valid ? tokenOf(who, secret) : tokenOf(who, key());
          const told = expected(library, { table: "loans", identity, context, ...attempt });
          const got = await outcome(who, token, sql);
          expect({ identity, claims, valid, sql, outcome: got }).toEqual({
            identity,
            claims,
            valid,
            sql,
            outcome: told,
          });
        }
      }
    };
    const counting = (change: string) =>
      `WITH changed AS (${change} RETURNING 1) SELECT count(*) AS n FROM changed`;

    test("SELECT", async () => {
      for (const row of rows) {
        await check(
          { command: "select", row, columns: ["branch_id"] },
          `SELECT count(*) AS n FROM loans WHERE branch_id = '${row.branch_id}' AND id = '${await idOf(row)}'`,
        );
        await check(
          { command: "select", row, columns: ["reader_id"] },
          `SELECT count(reader_id) AS n FROM loans WHERE id = '${await idOf(row)}'`,
        );
      }
    });

    test("INSERT", async () => {
      for (const row of [...rows, loan(north, ann, { state: "lent" })]) {
        const { returned: _default, ...given } = row;
        const columns = Object.keys(given);
        const sql = `INSERT INTO loans (${columns.join(", ")}) VALUES (${Object.values(given).map(literal).join(", ")})`;
        // Without RETURNING: no SELECT is asked for. No row comes back, which counts as allowed.
        await check({ command: "insert", row, columns }, sql);
      }
    });

    test("UPDATE, also one that moves a row", async () => {
      for (const row of rows) {
        for (const becomes of [
          { ...row, state: "lent" },
          { ...row, branch_id: south },
          { ...row, branch_id: north },
        ]) {
          const set = Object.entries(becomes).filter(([column, value]) => value !== row[column]);
          if (set.length === 0) continue;
          const assignments = set.map(([column, value]) => `${column} = ${literal(value)}`).join(", ");
          const sql = `UPDATE loans SET ${assignments} WHERE ${where(row)}`;
          await check(
            { command: "update", row, becomes, columns: set.map(([column]) => column) },
            counting(sql),
          );
        }
      }
    });

    test("DELETE", async () => {
      for (const row of rows)
        await check({ command: "delete", row }, counting(`DELETE FROM loans WHERE ${where(row)}`));
    });

    async function idOf(row: Row): Promise<string> {
      const [found] = await bench.sql<{ id: string }>(`SELECT id FROM loans WHERE ${where(row)}`, database);
      return found?.id ?? "";
    }
  });

  test("the owner's own functions do what is declared for them and no more", async () => {
    // The log's trigger writes as the owner, who reads nothing back.
    const added = `INSERT INTO loans (branch_id, reader_id, state) VALUES ('${north}', '${ann}', 'wanted')`;
    await as(reader, tokenOf(reader, secret), added, "COMMIT");
    const auditor = { identity: "auditor" } as const;
    const [row] = await as<{ who: string }>(
      auditor,
      tokenOf(auditor, secret),
      "SELECT who FROM log WHERE who IS NOT NULL",
    );
    expect(row).toEqual({ who: ann });
    await bench.sql("SET ROLE library_owner; CREATE TABLE seen AS SELECT * FROM log", database);
    expect(await bench.sql("SELECT * FROM seen", database)).toEqual([]);
    await bench.sql(`DROP TABLE seen; DELETE FROM loans WHERE title = ''`, database);
  });
});

test("applications may copy the signer: it imports nothing but Node", () => {
  const text = readFileSync(join(__dirname, "../../../estate/row-security/context-token.ts"), "utf8");
  expect([...text.matchAll(/from "([^"]+)"/g)].map(([, module]) => module)).toEqual(["node:crypto"]);
  expect(() => signContext({ id: "k1", secret: "short" }, { role: "r", expires: new Date() })).toThrow(
    /key\.secret/,
  );
});
