import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity, rowSecurityOf } from "../../../estate/row-security";
import { isInternal, roleOf } from "../../../estate/row-security/roles";
import { CONTEXT_FUNCTIONS } from "../../../provider/kinds/row-security/context-functions";
import { rowId } from "../../support/fixtures";
import { CHANGED } from "../../support/row-matrix/midway";
import {
  type Opened,
  type ServiceLogins,
  set,
  startServiceLogins,
  type Who,
} from "../../support/row-matrix/service";

const [ALPHA, BETA] = [rowId("a0"), rowId("b0")];
const [MEMBER, MANAGER, OWNER] = [rowId("a1"), rowId("a2"), rowId("a3")];
const ENDED = "the context ended in a transaction that writes";

/**
 * Transactions that write one row of theirs, `m`, and another context between what they ask first and last. Each works where nothing
 * holds the context. `touch` changes nothing in it.
 */
function carriers(
  { own, write, touch }: { own: string; write: string; touch: string },
  other: string,
): Record<string, string[]> {
  const given = (from: string) =>
    `${write} FROM (SELECT ${from} OFFSET 0) AS g (x) WHERE ${own} AND g.x IS NOT NULL`;
  const handled = (statement: string) => `BEGIN ${statement}; EXCEPTION WHEN OTHERS THEN NULL; END;`;
  return {
    "EXPLAIN ANALYZE": [`EXPLAIN (ANALYZE) ${given(other)}`],
    COPY: [`COPY (${given(other)} RETURNING 1) TO STDOUT`],
    "a limit": [
      `${write} WHERE ${own} AND EXISTS (SELECT FROM generate_series(1, 2) LIMIT CASE WHEN ${other} <> '' THEN 1 END)`,
    ],
    "what it is joined with": [given(other)],
    "a window": [given(`max(${other}) OVER ()`)],
    json: [
      `${write} FROM jsonb_to_recordset(jsonb_build_array(jsonb_build_object('x', ${other}))) AS g (x text) WHERE ${own}`,
    ],
    "an error that is handled": [`DO $$ BEGIN ${handled(given(other))} END $$`],
    "a statement after one that was handled": [
      `DO $$ BEGIN ${handled(given(other))} PERFORM ${other}; ${handled(`${write} WHERE ${own}`)} END $$`,
    ],
    "a loop over what was written": [
      `DO $$ DECLARE r record; BEGIN FOR r IN ${touch} RETURNING 1 LOOP PERFORM ${other}; END LOOP; ${write} WHERE ${own}; END $$`,
    ],
    "a savepoint, and held by its own word": [
      `SAVEPOINT one; ${touch}; ROLLBACK TO one`,
      `SELECT ${other}, set_config('context.held', txid_current()::text, true)`,
      `${write} WHERE ${own}`,
    ],
  };
}

/**
 * Statements that change their own context, by the application's own login, on the tables with their own triggers. The cells of the
 * matrix show the same of every table and write; here is what somebody would do it for.
 */
describe.each(["16", "17"] as const)("a context that changes midway on PostgreSQL %s", (version) => {
  let service: ServiceLogins;
  beforeAll(async () => {
    service = await startServiceLogins(version);
  });
  afterAll(() => service?.stop());

  const open = (database: string) => service.open(database);
  const token = (database: string, who: Who) => service.token(database, who);
  const roleFor = (database: string, who: Who) => service.roleFor(database, who);
  const work: ServiceLogins["work"] = (...all) => service.work(...all);
  const refused = (message: string | RegExp) => ({
    code: "42501",
    message: expect.stringMatching(message),
  });

  /** Another context that is as valid, or none: whatever the guard that follows would take for somebody else. */
  const changes = (database: string, who: Who): [string, string][] => [
    ["cleared", set("app.context", "")],
    ["ended", set("app.context", token(database, { ...who, seconds: -1 }))],
    ["somebody else's", set("app.context", token(database, { ...who, subject: OWNER }))],
    ["another role's", set("app.context", token(database, { identity: "service" }))],
    [
      "the service's, with its role",
      `${set("role", `svc_${database}`)} || ${set("app.context", token(database, { identity: "service" }))}`,
    ],
    ["a setting that says it is not held", `${set("context.held", "")} || ${set("app.context", "")}`],
  ];

  describe.each([
    { database: "ncy8", members: "organization_members", top: "OWNER", type: "org_role" },
    { database: "mcp_admin", members: "organization_memberships", top: "ADMIN", type: "membership_role" },
  ])("an admin of $database", ({ database, members, top, type }) => {
    const admin: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };
    let opened: Opened;
    beforeAll(async () => {
      opened = await open(database);
    });
    const roles = () =>
      opened.admin.query(
        `SELECT user_id, role FROM ${members} WHERE organization_id = '${ALPHA}' ORDER BY 1`,
      );
    /** In each row what comes after the change, so that policies have been asked by then. */
    const raise = (change: string, where: string) =>
      `UPDATE ${members} SET role = CASE WHEN (${change}) IS NOT NULL THEN '${top}' END::${type} WHERE ${where}`;

    test("does not become more, nor makes anybody less, with any other context", async () => {
      const before = await roles();
      for (const client of opened.ways) {
        for (const [name, change] of changes(database, admin)) {
          for (const where of [`user_id = '${MANAGER}'`, `organization_id = '${ALPHA}'`]) {
            expect(await work(client, database, admin, raise(change, where)), name).toMatchObject(
              refused(CHANGED),
            );
          }
        }
      }
      expect(await roles()).toEqual(before);
    });

    test("nor where nothing holds the context: the guard itself asks for one", async () => {
      const { admin: superuser } = opened;
      await superuser.query(
        `ALTER TABLE ${members} DISABLE TRIGGER context_hold, DISABLE TRIGGER context_kept`,
      );
      const cleared = raise(set("app.context", ""), `user_id = '${MANAGER}'`);
      const [client] = opened.ways as [PostgresConnection];
      expect(await work(client, database, admin, cleared)).toMatchObject(refused(/signed context alone/));
      await superuser.query(
        `ALTER TABLE ${members} ENABLE TRIGGER context_hold, ENABLE TRIGGER context_kept`,
      );
    });

    test("may still do what an admin may, and is named", async () => {
      const [client] = opened.ways as [PostgresConnection];
      const promote = `UPDATE ${members} SET role = 'ADMIN' WHERE user_id = '${MEMBER}' AND organization_id = '${ALPHA}' RETURNING 1 AS n`;
      expect(await work(client, database, admin, promote)).toEqual([{ n: 1 }]);
      const last = `SELECT user_id FROM audit_logs WHERE target_table = '${members}' AND action = 'UPDATE'`;
      expect(await opened.admin.query(last)).toEqual([{ user_id: MANAGER }]);
    });

    describe("with a change of the context that is carried by", () => {
      const own = `m.user_id = '${MANAGER}' AND m.organization_id = '${ALPHA}'`;
      const raised = `UPDATE ${members} AS m SET role = 'ADMIN'`;
      const touched = `UPDATE ${members} AS m SET role = role WHERE ${own}`;
      const carried = (other: string) => carriers({ own, write: raised, touch: touched }, other);
      const tried = async () => {
        const other = set("app.context", token(database, { ...admin, subject: OWNER }));
        const [client] = opened.ways as [PostgresConnection];
        const before = await roles();
        const more: string[] = [];
        for (const [name, statements] of Object.entries(carried(other))) {
          await work(client, database, admin, ...statements);
          if (JSON.stringify(await roles()) === JSON.stringify(before)) continue;
          more.push(name);
          await opened.admin.query(
            `UPDATE ${members} SET role = '${before.find((row) => row.user_id === MANAGER)?.role}' WHERE user_id = '${MANAGER}' AND organization_id = '${ALPHA}'`,
          );
        }
        return more;
      };
      const triggers = (change: "ENABLE" | "DISABLE") =>
        opened.admin.query(
          `ALTER TABLE ${members} ${change} TRIGGER context_hold, ${change} TRIGGER context_kept`,
        );

      test("whatever there is; it would be where nothing holds the context", async () => {
        expect(await tried()).toEqual([]);
        await triggers("DISABLE");
        const all = Object.keys(carried(""));
        expect(await tried()).toEqual(all);
        await triggers("ENABLE");
      });

      test("nothing: a cursor's row and a plan's argument are asked for anew", async () => {
        const before = await roles();
        const [client] = opened.ways as [PostgresConnection];
        const cursor = `DECLARE mine CURSOR FOR SELECT user_id FROM ${members} m WHERE ${own}`;
        const elsewhere = set("app.context", token(database, { ...admin, tenant: BETA, subject: OWNER }));
        const cleared = set("app.context", "");
        for (const statements of [
          [cursor, "FETCH mine", `SELECT ${elsewhere}`, `${raised} WHERE CURRENT OF mine RETURNING 1`],
          [
            `${cursor} FOR UPDATE`,
            "FETCH mine",
            `SELECT ${cleared}`,
            `${raised} WHERE CURRENT OF mine RETURNING 1`,
          ],
          [
            `PREPARE raised (text) AS ${raised} WHERE ${own} AND $1 IS NOT NULL RETURNING 1`,
            `EXECUTE raised (${cleared})`,
          ],
        ])
          expect(await work(client, database, admin, ...statements)).toEqual([]);
        expect(await roles()).toEqual(before);
      });
    });
  });

  test("ncy8: nobody takes a role of the platform", async () => {
    const { ways, admin } = await open("ncy8");
    const who: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };
    const mine = `SELECT role_id FROM user_roles WHERE user_id = '${MANAGER}'`;
    const before = await admin.query(mine);
    for (const client of ways) {
      for (const [name, change] of changes("ncy8", who)) {
        const take = `INSERT INTO user_roles (organization_id, user_id, role_id)
          SELECT '${ALPHA}', CASE WHEN (${change}) IS NOT NULL THEN '${MANAGER}' END::uuid, id FROM roles`;
        expect(await work(client, "ncy8", who, take), name).toMatchObject(refused(CHANGED));
      }
    }
    expect(await admin.query(mine)).toEqual(before);
  });

  describe("the audit of mcp_portal", () => {
    const member: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };
    let opened: Opened;
    beforeAll(async () => {
      opened = await open("mcp_portal");
    });
    const ABOUT =
      "SELECT actor_id, host(ip_address) AS address, user_agent FROM audit_logs WHERE action = 'user_updated'";
    const rename = (name: string, returning: string) =>
      `UPDATE users SET display_name = '${name}' WHERE id = '${MEMBER}' RETURNING ${returning}`;
    const client = `SELECT ${set("app.client_address", "10.0.0.1")}, ${set("app.user_agent", "Browser/1")}`;

    test("names who began the statement, and no change is made where it cannot", async () => {
      for (const session of opened.ways) {
        for (const change of [
          ...changes("mcp_portal", member).map(([, each]) => each),
          set("app.client_address", "8.8.8.8"),
          set("app.user_agent", "Robot/2"),
          set("app.session_id", rowId("da2")),
        ]) {
          const wanted = work(session, "mcp_portal", member, client, rename("Nobody", change));
          expect(await wanted, change).toMatchObject(refused(CHANGED));
        }
      }
      expect(await opened.admin.query(ABOUT)).toEqual([]);
      const [session] = opened.ways as [PostgresConnection];
      expect(await work(session, "mcp_portal", member, client, rename("Ada L.", "1 AS n"))).toEqual([
        { n: 1 },
      ]);
      expect(await opened.admin.query(ABOUT)).toEqual([
        { actor_id: MEMBER, address: "10.0.0.1", user_agent: "Browser/1" },
      ]);
    });

    test("nor by another address, whatever carries it; it would be where nothing holds the context", async () => {
      const { admin, ways } = await open("mcp_portal");
      const [session] = ways as [PostgresConnection];
      const all = carriers(
        {
          own: `m.id = '${MEMBER}'`,
          write: "UPDATE users AS m SET display_name = 'Nobody ' || random()",
          touch: `UPDATE users AS m SET display_name = display_name WHERE m.id = '${MEMBER}'`,
        },
        set("app.client_address", "8.8.8.8"),
      );
      const robots = "SELECT id FROM audit_logs WHERE ip_address = '8.8.8.8'";
      const tried = async () => {
        const written: string[] = [];
        for (const [name, statements] of Object.entries(all)) {
          const before = await admin.query(robots);
          await work(session, "mcp_portal", member, client, ...statements);
          if ((await admin.query(robots)).length > before.length) written.push(name);
        }
        return written;
      };
      expect(await tried()).toEqual([]);
      await admin.query("ALTER TABLE users DISABLE TRIGGER context_hold, DISABLE TRIGGER context_kept");
      expect(await tried()).toEqual(Object.keys(all));
    });

    test("nor through a second table that the same statement writes", async () => {
      const [session] = opened.ways as [PostgresConnection];
      const both = `WITH one AS (${rename("Nobody", `${set("app.context", "")} AS changed`)}),
        two AS (UPDATE user_server_configs SET enabled = false WHERE user_id = '${MEMBER}' RETURNING id)
        SELECT one.changed, two.id FROM one, two`;
      expect(await work(session, "mcp_portal", member, both)).toMatchObject(refused(CHANGED));
      const back = `WITH one AS (${rename("Nobody", `${set("app.context", token("mcp_portal", { ...member, subject: MANAGER }))} AS changed`)}),
        two AS (UPDATE user_server_configs SET enabled = false WHERE user_id = '${MEMBER}'
          RETURNING ${set("app.context", token("mcp_portal", member))} AS changed)
        SELECT one.changed, two.changed FROM one, two`;
      expect(await work(session, "mcp_portal", member, back)).toMatchObject(refused(CHANGED));
    });
  });

  describe("one transaction", () => {
    const admin: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };
    const other = () =>
      `SELECT ${set("app.context", token("ncy8", { ...admin, tenant: BETA, subject: OWNER }))}`;
    const write = "UPDATE organizations SET name = name";
    let opened: Opened;
    let client: PostgresConnection;
    beforeAll(async () => {
      opened = await open("ncy8");
      [client] = opened.ways as [PostgresConnection];
    });

    test("has one context once it writes, for its reads as well; the next one has its own", async () => {
      expect(await work(client, "ncy8", admin, other(), write)).toEqual([]);
      expect(await work(client, "ncy8", admin, write, other(), write)).toMatchObject(refused(CHANGED));
      expect(await work(client, "ncy8", admin, write, other(), "SELECT * FROM tasks")).toMatchObject(
        refused(CHANGED),
      );
      const undone = ["SAVEPOINT here", write, "ROLLBACK TO here", other(), write];
      expect(await work(client, "ncy8", admin, ...undone)).toMatchObject(refused(CHANGED));
      const away = [
        "SELECT set_config('test.token', current_setting('app.context'), true)",
        `SELECT ${set("app.context", "")}`,
      ];
      const back = "SELECT set_config('app.context', current_setting('test.token'), true)";
      expect(await work(client, "ncy8", admin, write, ...away, back, write)).toEqual([]);
    });

    test("which does not bind an operator, before or after what an identity writes", async () => {
      const { admin: superuser } = opened;
      await superuser.query("BEGIN");
      const become = [
        `SET LOCAL ROLE ${roleFor("ncy8", admin)}`,
        `SELECT ${set("app.context", token("ncy8", admin))}`,
      ];
      for (const statement of [write, ...become, write, "RESET ROLE", write])
        await superuser.query(statement);
      await superuser.query("ROLLBACK");
    });

    test("and what is held is nobody's to write", async () => {
      for (const [sql, expected] of [
        ["SELECT setval('context.held_transaction', 1)", /permission denied for sequence/],
        ["SELECT setval('context.held_withdrawn', 1)", /permission denied for sequence/],
        ["SELECT setval('context.keys_withdrawn', 1)", /permission denied for sequence/],
        ["SELECT nextval('context.held_digest')", /permission denied for sequence/],
        ["ALTER SEQUENCE context.held_digest RESTART", /must be owner/],
        ["SELECT last_value FROM context.held_digest", /permission denied for sequence/],
        ["SELECT context.hold()", /can only be called as triggers|permission denied/],
        ["ALTER TABLE organizations DISABLE TRIGGER context_hold", /must be owner/],
        ["DROP TRIGGER context_kept ON organizations", /must be owner/],
        ["SET LOCAL session_replication_role = replica", /permission denied to set parameter/],
      ] as const) {
        const answer = await work(client, "ncy8", admin, sql);
        expect((answer as PostgresError).message, sql).toMatch(expected);
      }
    });

    test("a session that forgets what was held can do no more in this transaction", async () => {
      const cleared = `SELECT ${set("context.held", "")}`;
      const forged = "SELECT set_config('context.held', txid_current()::text, true)";
      for (const statements of [
        [write, "DISCARD SEQUENCES", write],
        [write, "DISCARD SEQUENCES", cleared, write],
        [write, "DISCARD SEQUENCES", cleared, "SELECT * FROM tasks"],
        ["DISCARD SEQUENCES", forged, write],
      ])
        expect(await work(client, "ncy8", admin, ...statements)).toMatchObject({ code: "55000" });
      // The session is none the worse for it.
      expect(await work(client, "ncy8", admin, write)).toEqual([]);
    });

    test("rows that are locked first, and read by several processes at once, cost the transaction nothing", async () => {
      const parallel = ["parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"].map(
        (name) => `SET LOCAL ${name} = 0`,
      );
      const plan = "EXPLAIN (ANALYZE, COSTS off) SELECT count(*) FROM tasks";
      const plain = [
        "SET LOCAL enable_indexscan = off",
        "SET LOCAL enable_bitmapscan = off",
        "SET LOCAL enable_indexonlyscan = off",
      ];
      const lock = "SELECT id FROM organizations FOR UPDATE";
      for (const before of [[lock], [write], []]) {
        const rows = await work(client, "ncy8", admin, ...parallel, ...plain, ...before, plan);
        expect(JSON.stringify(rows), before.join()).toMatch(/Parallel Seq Scan on tasks/);
      }
      expect(await work(client, "ncy8", admin, lock, other(), lock, write)).toEqual([]);
    });

    test("a deferred trigger asks for the same context at the end", async () => {
      await opened.admin.query(`CREATE FUNCTION internal.ask_late() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN IF context.subject() = OLD.owner_id THEN RAISE EXCEPTION 'the owner'; END IF; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON organizations DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION internal.ask_late()`);
      const cleared = `SELECT ${set("app.context", "")}`;
      expect(await work(client, "ncy8", admin, write)).toEqual([]);
      expect(await work(client, "ncy8", { ...admin, subject: OWNER }, write, cleared)).toMatchObject(
        refused(CHANGED),
      );
      await opened.admin.query("DROP TRIGGER late ON organizations");
    });
  });

  describe("a guard that nobody thought about", () => {
    const manager: Who = { identity: "manager", tenant: ALPHA, subject: MANAGER };
    const take = () =>
      `UPDATE teams SET name = CASE WHEN ${set("app.context", token("ncy8", { ...manager, subject: OWNER }))} <> '' THEN 'mine' END`;
    let opened: Opened;
    let client: PostgresConnection;
    beforeAll(async () => {
      opened = await open("ncy8");
      [client] = opened.ways as [PostgresConnection];
      await opened.admin.query(`CREATE FUNCTION internal.naive() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN IF context.subject() = '${MANAGER}' THEN RAISE EXCEPTION 'not you'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER naive BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION internal.naive()`);
    });

    test("is asked in the context that began, or not at all", async () => {
      expect(await work(client, "ncy8", manager, "UPDATE teams SET name = 'mine'")).toMatchObject({
        message: expect.stringMatching("not you"),
      });
      expect(await work(client, "ncy8", manager, take())).toMatchObject(refused(CHANGED));
    });

    test("would let it pass without the triggers that hold the context", async () => {
      await opened.admin.query(
        "DROP TRIGGER context_hold ON teams; DROP TRIGGER context_kept ON teams; DROP TRIGGER teams_audit ON teams",
      );
      expect(await work(client, "ncy8", manager, `${take()} RETURNING name`)).toContainEqual({
        name: "mine",
      });
    });
  });

  describe("a role that is taken after a statement was planned", () => {
    const weak: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };
    const become = (database: string) =>
      `set_config('role', '${roleFor(database, weak)}', true), ${set("app.context", token(database, weak))}`;
    /** Planned as the strong role and without a context; run with the weak one's own. */
    const planned = (database: string, role: string, query: string) => [
      `SET LOCAL ROLE ${role}`,
      `DECLARE planned CURSOR FOR ${query}`,
      `SELECT ${become(database)}`,
      "FETCH ALL FROM planned",
    ];

    test.each(rowSecurity.map(({ database }) => database))("finds no row of %s for it", async (database) => {
      const declaration = rowSecurityOf(database);
      if (!declaration) throw new Error(`${database} has no row security`);
      const { ways } = await open(database);
      const others = Object.keys(declaration.identities).filter(
        (identity) => identity !== weak.identity && !isInternal(declaration, identity),
      );
      const seen: string[] = [];
      let tried = 0;
      for (const [table, { access }] of Object.entries(declaration.tables)) {
        for (const identity of others.filter((each) => access[each]?.select)) {
          const role = roleOf(declaration, identity);
          for (const session of ways) {
            const statements = planned(database, role, `SELECT count(*)::int AS n FROM ${table}`);
            expect(await work(session, database, undefined, ...statements), `${table} as ${role}`).toEqual([
              { n: 0 },
            ]);
          }
          const [session] = ways as [PostgresConnection];
          const atOnce = `WITH x AS MATERIALIZED (SELECT ${become(database).replace("true), ", "true) AS role, ")})
            SELECT t.* FROM x CROSS JOIN LATERAL (SELECT count(*)::int AS n FROM ${table} OFFSET 0) t`;
          const rows = await work(session, database, undefined, `SET LOCAL ROLE ${role}`, atOnce);
          if (!(rows instanceof PostgresError) && rows[0]?.n !== 0) seen.push(`${table} as ${role}`);
          tried++;
        }
      }
      expect(seen).toEqual([]);
      expect(tried).toBeGreaterThan(10);
    });

    test("writes nothing by the rights of the other", async () => {
      const { ways, admin } = await open("mcp_portal");
      const [session] = ways as [PostgresConnection];
      const roles = () => admin.query("SELECT id, role FROM users ORDER BY id");
      const before = await roles();
      await work(
        session,
        "mcp_portal",
        undefined,
        "SET LOCAL ROLE mcp_portal_superadmin",
        `WITH x AS MATERIALIZED (SELECT ${become("mcp_portal").replace("true), ", "true) AS role, ")} AS context),
           w AS (UPDATE users SET role = 'super_admin' RETURNING id)
         SELECT w.* FROM x, LATERAL (SELECT * FROM w WHERE x.role IS NOT NULL OFFSET 0) w`,
      );
      expect(await roles()).toEqual(before);
    });

    test.each(["all_server_usage", "team_server_usage"])("has nothing of %s()", async (name) => {
      const { ways, admin } = await open("mcp_portal");
      await admin.query("SELECT internal.refresh_server_usage()");
      const role = name === "all_server_usage" ? "mcp_portal_superadmin" : "mcp_portal_admin";
      const [session] = ways as [PostgresConnection];
      const statements = planned("mcp_portal", role, `SELECT count(*)::int AS n FROM ${name}()`);
      expect(await work(session, "mcp_portal", undefined, ...statements)).toEqual([{ n: 0 }]);
    });
  });

  describe("a context that ends", () => {
    const short: Who = { identity: "manager", tenant: ALPHA, subject: MANAGER, seconds: 2 };
    // When the row has been written and checked.
    const slow =
      "UPDATE teams SET name = name RETURNING 'done' AS state, pg_sleep(2.2 / (SELECT count(*) FROM teams))";
    let opened: Opened;
    let client: PostgresConnection;
    beforeAll(async () => {
      opened = await open("ncy8");
      [client] = opened.ways as [PostgresConnection];
    });

    test("ends within the statement that writes, and within a block of several", async () => {
      const block = `DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM tasks) THEN RAISE EXCEPTION 'nothing yet'; END IF;
        PERFORM pg_sleep(2.2);
        IF EXISTS (SELECT FROM tasks) THEN RAISE EXCEPTION 'still there'; END IF;
      END $$`;
      const [client_, other] = opened.ways as [PostgresConnection, PostgresConnection];
      const [written, read] = await Promise.all([
        work(client_, "ncy8", short, slow),
        work(other, "ncy8", short, block),
      ]);
      expect(written).toMatchObject(refused(ENDED));
      expect(read).toEqual([]);
    });

    test("would go on without the look at its end", async () => {
      const refuse = CONTEXT_FUNCTIONS.get("refuse(boolean)")?.replace("< 0 THEN", "< 0 OR true THEN");
      await opened.admin.query(`${refuse}; DROP TRIGGER teams_audit ON teams`);
      const rows = await work(client, "ncy8", short, slow);
      expect(rows).toContainEqual(expect.objectContaining({ state: "done" }));
    });
  });
});
