import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { roleOf } from "../../../estate/row-security/roles";
import { commandRules } from "../../../estate/row-security/rules";
import { rowId } from "../../support/fixtures";
import { taken } from "../../support/row-matrix/real";
import {
  type Opened,
  type ServiceLogins,
  set,
  startServiceLogins,
  type Who,
} from "../../support/row-matrix/service";

const ALPHA = rowId("a0");
const [MEMBER, MANAGER, OWNER] = [rowId("a1"), rowId("a2"), rowId("a3")];

const SERVICE: Who = { identity: "service" };
const ADMIN: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };

/** So many levels around a number, as text of jsonb. */
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

/**
 * What somebody could do to the others, to the trail and to the daily upkeep where no policy is asked: by the application's own login,
 * on the tables as they are migrated.
 */
describe.each(["16", "17"] as const)("what row security bounds on PostgreSQL %s", (version) => {
  let service: ServiceLogins;
  beforeAll(async () => {
    service = await startServiceLogins(version);
  });
  afterAll(() => service?.stop());

  const refused = (code: string, message: string | RegExp = /./) => ({
    code,
    message: expect.stringMatching(message),
  });
  const work = (opened: Opened, who: Who | undefined, ...statements: string[]) =>
    service.work(opened.ways[0] as PostgresConnection, opened.database, who, ...statements);
  /** As the superuser, past every trigger: what was there before, or has become old. */
  const beforehand = async ({ admin }: Opened, ...statements: string[]) => {
    await admin.query("SET session_replication_role = replica");
    for (const statement of statements) await admin.query(statement);
    await admin.query("RESET session_replication_role");
  };
  /** Opens a transaction of the service's and leaves it open while others work. */
  const holding = async <T>(opened: Opened, who: Who, statement: string, meanwhile: () => Promise<T>) => {
    const holder = await service.again(opened);
    await holder.query("BEGIN");
    await holder.query(`SET LOCAL ROLE ${service.roleFor(opened.database, who)}`);
    await holder.query(`SELECT ${set("app.context", service.token(opened.database, who))}`);
    const held = await holder.query(statement);
    expect(held.length, statement).toBeGreaterThan(0);
    try {
      return await meanwhile();
    } finally {
      await holder.close();
    }
  };

  describe.each(rowSecurity)("in $database", (declaration) => {
    const { database, schema } = declaration;
    let opened: Opened;
    beforeAll(async () => {
      opened = await service.open(database);
    });

    test("nobody writes a table that is read without a context", async () => {
      const written = await opened.admin.query(
        `SELECT c.relname, r.rolname FROM pg_class c, pg_roles r WHERE c.relnamespace = $1::regnamespace AND NOT c.relrowsecurity
           AND c.relkind IN ('r', 'p') AND r.rolname = ANY ($2)
           AND (has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
             OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE'))`,
        [schema, taken(declaration).map((identity) => roleOf(declaration, identity))],
      );
      expect(written).toEqual([]);
    });

    test("no value of jsonb that the audit reads is nested deeper than 32 levels", async () => {
      const bounded = await opened.admin.query(
        `SELECT a.attrelid::regclass::text AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'jsonb'::regtype AND NOT a.attisdropped
           AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid IN (
             to_regproc('internal.write_audit'), to_regproc('internal.record_change')))
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND conkey = ARRAY[a.attnum]
             AND pg_get_constraintdef(oid) LIKE '%NOT jsonb_path_exists(' || quote_ident(a.attname) || ', ''$.**{33}''::jsonpath)%')`,
        [schema],
      );
      expect(bounded).toEqual([]);
    });

    test("when a row was deleted is nobody's to say, of any table", async () => {
      const unstamped = await opened.admin.query(
        `SELECT a.attrelid::regclass::text AS table FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'deleted_at'
           AND 2 <> (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgattr = ''::int2vector
             AND t.tgfoid = to_regproc('internal.stamp_deletion') AND t.tgenabled = 'O')`,
        [schema],
      );
      expect(unstamped).toEqual([]);
    });

    test("an audit's time is its own, and nobody writes one", async () => {
      const logs = await opened.admin.query(
        `SELECT c.relname AS table, pg_get_expr(d.adbin, d.adrelid) AS by_default,
           ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname = ANY ($1)
             AND has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')) AS writers
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('created_at', 'occurred_at')
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relname = 'audit_logs'`,
        [taken(declaration).map((identity) => roleOf(declaration, identity))],
      );
      expect(logs).toEqual([{ table: "audit_logs", by_default: "clock_timestamp()", writers: [] }]);
    });

    test("nobody takes an advisory lock; whoever ends a session lets go of all", async () => {
      const identities = [
        undefined,
        ...taken(declaration).map((identity): Who => ({ identity, tenant: ALPHA, subject: MEMBER })),
      ];
      for (const who of identities) {
        for (const call of ["lock(1)", "lock_shared(1, 1)", "xact_lock(1)", "xact_lock_shared(1)"]) {
          for (const name of [`pg_advisory_${call}`, `pg_try_advisory_${call}`])
            expect(await work(opened, who, `SELECT ${name}`), name).toMatchObject(
              refused("42501", /permission denied for function/),
            );
        }
        expect(await work(opened, who, "SELECT pg_advisory_unlock_all()")).not.toBeInstanceOf(PostgresError);
      }
    });

    test("locks a whole table against others only where it may delete of it, or update every column", async () => {
      for (const [table, { access }] of Object.entries(declaration.tables)) {
        for (const identity of taken(declaration)) {
          const rules = commandRules(access[identity] ?? {});
          const may = rules.some(
            ({ command, columns }) => command === "delete" || (command === "update" && !columns),
          );
          const answer = await work(
            opened,
            { identity },
            `LOCK TABLE ${schema}.${table} IN SHARE UPDATE EXCLUSIVE MODE`,
          );
          const expected = may ? [] : refused("42501", /permission denied for table/);
          expect(answer, `${table} as ${identity}`).toEqual(
            may ? expected : expect.objectContaining(expected),
          );
        }
      }
    });
  });

  describe.each([
    {
      database: "mcp_admin",
      write: "INSERT INTO mcp_servers (name, display_name) VALUES ('new', 'New')",
      change: "UPDATE mcp_servers SET display_name = 'mine'",
    },
    {
      database: "ncy8",
      write: "INSERT INTO backup_snapshots (path, size) VALUES ('new', 1)",
      change: "DELETE FROM backup_snapshots",
    },
  ])("a list of the platform in $database", ({ database, write, change }) => {
    test("is written in a context, and not without one", async () => {
      const opened = await service.openBriefly(database);
      expect(await work(opened, undefined, write)).toMatchObject(refused("42501", /row-level security/));
      const table = change.includes("mcp") ? "mcp_servers" : "backup_snapshots";
      const rows = () => opened.admin.query(`SELECT * FROM ${table} ORDER BY 1`);
      const were = await rows();
      expect(were.length).toBeGreaterThan(0);
      expect(await work(opened, undefined, change)).toEqual([]);
      expect(await rows()).toEqual(were);
      expect(await work(opened, { ...SERVICE, subject: MANAGER }, write)).toEqual([]);
      expect(await rows()).toHaveLength(were.length + 1);
    });
  });

  test("mcp_admin: who changes the registry is named in the audit", async () => {
    const opened = await service.openBriefly("mcp_admin");
    await work(
      opened,
      { ...SERVICE, subject: MANAGER },
      "UPDATE mcp_servers SET display_name = 'Other' WHERE id = " + `(SELECT id FROM mcp_servers LIMIT 1)`,
    );
    const logged = "SELECT user_id FROM audit_logs WHERE target_table = 'mcp_servers' AND action = 'UPDATE'";
    expect(await opened.admin.query(logged)).toEqual([{ user_id: MANAGER }]);
  });

  describe.each([
    { database: "mcp_admin", who: ADMIN, table: "organization_services", column: "configuration" },
    { database: "ncy8", who: ADMIN, table: "projects", column: "settings" },
    {
      database: "mcp_portal",
      who: { identity: "member", tenant: ALPHA, subject: MEMBER },
      table: "users",
      column: "metadata",
    },
  ])("a value that is nested deep in $database", ({ database, who, table, column }) => {
    test("is refused when it is written", async () => {
      const opened = await service.openBriefly(database);
      const write = (levels: number) => `UPDATE ${table} SET ${column} = '${nested(levels)}'`;
      expect(await work(opened, who, write(32))).toEqual([]);
      expect(await work(opened, who, write(33))).toMatchObject(
        refused("23514", new RegExp(`${table}_${column}_depth_check`)),
      );
    });

    test("that was there before stops no change of the row's others, and no deletion", async () => {
      const opened = await service.openBriefly(database);
      await opened.admin.query(`ALTER TABLE ${table} DROP CONSTRAINT ${table}_${column}_depth_check`);
      await beforehand(opened, `UPDATE ${table} SET ${column} = '${nested(3000)}'`);
      expect(await work(opened, who, `UPDATE ${table} SET ${column} = '{}'`)).toEqual([]);
      await beforehand(opened, `UPDATE ${table} SET ${column} = '${nested(3000)}'`);
      await opened.admin.query(
        database === "mcp_portal"
          ? `DELETE FROM ${table} WHERE id = '${rowId("c2")}'`
          : `DELETE FROM ${table}`,
      );
    });
  });

  describe.each([
    { database: "mcp_admin", table: "organizations", deep: "metadata" },
    { database: "ncy8", table: "tasks", deep: "metadata" },
  ])("the purge of $database", ({ database, table, deep }) => {
    const purged = (rows: PostgresError | Record<string, unknown>[]) =>
      rows instanceof PostgresError ? rows : rows.filter((row) => row.purged !== "0");

    test("is not stopped by a value that is nested deep", async () => {
      const opened = await service.openBriefly(database);
      await beforehand(opened, `ALTER TABLE ${table} DROP CONSTRAINT ${table}_${deep}_depth_check`);
      await beforehand(
        opened,
        `UPDATE ${table} SET ${deep} = '${nested(3000)}', deleted_at = now() - interval '8 years'
        WHERE id = (SELECT id FROM ${table} ORDER BY id LIMIT 1)`,
      );
      const rows = await work(opened, SERVICE, "SELECT * FROM purge_deleted()");
      expect(purged(rows)).toContainEqual({ table_name: table, purged: "1" });
      const [told] = await opened.admin.query<{ text: string }>(
        `SELECT old_value::text AS text FROM audit_logs WHERE target_table = '${table}' AND action = 'DELETE'`,
      );
      expect(told?.text).toContain("[too deep]");
    });

    test("leaves a row that somebody's transaction holds, and takes the others", async () => {
      const opened = await service.openBriefly(database);
      const old = "deleted_at = now() - interval '8 years'";
      await beforehand(opened, `UPDATE ${table} SET ${old}`);
      const [{ n } = { n: 0 }] = await opened.admin.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM ${table}`,
      );
      expect(n).toBeGreaterThan(1);
      const [{ id } = { id: "" }] = await opened.admin.query<{ id: string }>(
        `SELECT id FROM ${table} ORDER BY id LIMIT 1`,
      );
      const lock = `SELECT FROM ${table} WHERE id = '${id}' FOR UPDATE`;
      const rows = await holding(opened, SERVICE, lock, () =>
        work(opened, SERVICE, "SET LOCAL statement_timeout = '20s'", "SELECT * FROM purge_deleted()"),
      );
      expect(purged(rows)).toContainEqual({ table_name: table, purged: String(n - 1) });
      expect(await opened.admin.query(`SELECT id FROM ${table}`)).toEqual([{ id }]);
      expect(purged(await work(opened, SERVICE, "SELECT * FROM purge_deleted()"))).toContainEqual({
        table_name: table,
        purged: "1",
      });
    });
  });

  test("ncy8: the purge leaves what hangs on a row that somebody holds", async () => {
    const opened = await service.openBriefly("ncy8");
    await beforehand(opened, "UPDATE projects SET deleted_at = now() - interval '8 years'");
    const lock = `SELECT FROM tasks WHERE id = '${rowId("9a1")}' FOR UPDATE`;
    const rows = await holding(opened, SERVICE, lock, () =>
      work(opened, SERVICE, "SET LOCAL statement_timeout = '30s'", "SELECT * FROM purge_deleted()"),
    );
    expect(rows).not.toBeInstanceOf(PostgresError);
    expect(await opened.admin.query("SELECT id FROM projects")).toEqual([{ id: rowId("8a1") }]);
  });

  describe.each([
    { database: "mcp_admin", who: ADMIN, table: "organization_memberships" },
    { database: "ncy8", who: ADMIN, table: "organization_members" },
    { database: "ncy8", who: { identity: "manager", tenant: ALPHA, subject: MANAGER }, table: "tasks" },
  ])("the end of a row of $table in $database", ({ database, who, table }) => {
    let opened: Opened;
    const whose =
      table === "tasks" ? `id = '${rowId("9a1")}'` : `user_id = '${MEMBER}' AND organization_id = '${ALPHA}'`;
    beforeAll(async () => {
      opened = await service.open(database);
    });
    const end = (value: string) =>
      work(opened, who, `UPDATE ${table} SET deleted_at = ${value} WHERE ${whose}`);
    const ended = async () =>
      (
        await opened.admin.query<{ at: string | null; recent: boolean | null }>(
          `SELECT deleted_at::text AS at, deleted_at BETWEEN now() - interval '1 minute' AND now() AS recent FROM ${table} WHERE ${whose}`,
        )
      )[0];

    test("is when it was made, whatever is said, and stays", async () => {
      for (const value of ["'1990-01-01'", "'9999-01-01'", "'-infinity'"]) {
        expect(await end(value)).toEqual([]);
        const first = await ended();
        expect(first, value).toMatchObject({ recent: true });
        expect(await end("'2000-01-01'")).toEqual([]);
        expect(await ended()).toMatchObject({ at: first?.at });
        // Whoever may end it may take that back, and its time begins anew.
        expect(await end("NULL")).toEqual([]);
        expect(await ended()).toMatchObject({ at: null });
      }
    });

    test("and its return are told by the audit", async () => {
      const actions = await opened.admin.query<{ action: string }>(
        `SELECT action FROM audit_logs WHERE target_table = '${table}' AND action NOT IN ('INSERT', 'DELETE') ORDER BY created_at`,
      );
      expect(actions.map(({ action }) => action)).toEqual(Array(3).fill(["SOFT_DELETE", "RESTORE"]).flat());
    });

    test("is no older where it is born so", async () => {
      if (table !== "tasks") return;
      const insert = `INSERT INTO tasks (organization_id, project_id, title, deleted_at)
        VALUES ('${ALPHA}', '${rowId("8a1")}', 'born deleted', '1990-01-01')`;
      expect(await work(opened, SERVICE, insert)).toEqual([]);
      const made = `SELECT deleted_at > now() - interval '1 minute' AS recent FROM tasks WHERE title = 'born deleted'`;
      expect(await opened.admin.query(made)).toEqual([{ recent: true }]);
    });
  });

  test("mcp_admin: a key is revoked when it is, and for good", async () => {
    const opened = await service.openBriefly("mcp_admin");
    const revoke = (value: string) =>
      work(opened, ADMIN, `UPDATE api_keys SET revoked_at = ${value} WHERE id = '${rowId("ca1")}'`);
    expect(await revoke("'9999-01-01'")).toEqual([]);
    const at = `SELECT revoked_at <= now() AS past, revoked_at > now() - interval '1 minute' AS recent FROM api_keys WHERE id = '${rowId("ca1")}'`;
    expect(await opened.admin.query(at)).toEqual([{ past: true, recent: true }]);
    for (const value of ["NULL", "'9999-01-01'"])
      expect(await revoke(value)).toMatchObject(refused("42501", /stays revoked/));
    expect(
      await work(opened, ADMIN, `UPDATE api_keys SET name = 'old' WHERE id = '${rowId("ca1")}'`),
    ).toEqual([]);
  });

  describe("a membership", () => {
    const change = (table: string, values: string, user: string) =>
      `UPDATE ${table} SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'`;

    test("ncy8: of an owner is neither ended nor given by an admin", async () => {
      const opened = await service.openBriefly("ncy8");
      const members = "organization_members";
      const state = () => opened.admin.query(`SELECT user_id, role, deleted_at FROM ${members} ORDER BY id`);
      const were = await state();
      const OWNER_STAYS = refused("42501", /only the service changes who owns/);
      expect(await work(opened, ADMIN, change(members, "deleted_at = now()", OWNER))).toMatchObject(
        OWNER_STAYS,
      );
      expect(
        await work(opened, ADMIN, change(members, "deleted_at = now(), role = role", OWNER)),
      ).toMatchObject(OWNER_STAYS);
      expect(
        await work(opened, { ...ADMIN, subject: OWNER }, change(members, "deleted_at = now()", OWNER)),
      ).toMatchObject(OWNER_STAYS);
      // Where a grant and a policy let somebody delete, the guard does not.
      const { admin } = opened;
      await admin.query(
        `GRANT DELETE ON ${members} TO ncy8_admin; CREATE POLICY more ON ${members} FOR DELETE TO ncy8_admin USING (true)`,
      );
      expect(await work(opened, ADMIN, `DELETE FROM ${members} WHERE user_id = '${OWNER}'`)).toMatchObject(
        OWNER_STAYS,
      );
      await admin.query(`REVOKE DELETE ON ${members} FROM ncy8_admin; DROP POLICY more ON ${members}`);
      expect(await state()).toEqual(were);
      // By the service; an admin cannot bring it back either.
      expect(await work(opened, SERVICE, change(members, "deleted_at = now()", OWNER))).toEqual([]);
      expect(await work(opened, ADMIN, change(members, "deleted_at = NULL", OWNER))).toMatchObject(
        OWNER_STAYS,
      );
    });

    test.each([
      ["ncy8", "organization_members"],
      ["mcp_admin", "organization_memberships"],
    ])("%s: is left by oneself and restored by another", async (database, members) => {
      const opened = await service.openBriefly(database);
      expect(await work(opened, ADMIN, change(members, "deleted_at = now()", MANAGER))).toEqual([]);
      expect(await work(opened, ADMIN, change(members, "deleted_at = NULL", MANAGER))).toMatchObject(
        refused("42501", /of their own/),
      );
      expect(
        await work(opened, { ...ADMIN, subject: OWNER }, change(members, "deleted_at = NULL", MANAGER)),
      ).toEqual([]);
      const living = `SELECT FROM ${members} WHERE user_id = '${MANAGER}' AND organization_id = '${ALPHA}' AND deleted_at IS NULL`;
      expect(await opened.admin.query(living)).toHaveLength(1);
    });

    test.each([
      ["ncy8", "organization_members"],
      ["mcp_admin", "organization_memberships"],
    ])("%s: is not moved to oneself", async (database, members) => {
      const opened = await service.openBriefly(database);
      const mine = `UPDATE ${members} SET user_id = '${rowId("b1")}', email = (SELECT email FROM users WHERE id = '${rowId("b1")}')
        WHERE user_id = '${MEMBER}' AND organization_id = '${ALPHA}'`;
      expect(await work(opened, { ...SERVICE, subject: rowId("b1") }, mine)).toMatchObject(
        refused("42501", /of their own/),
      );
    });

    test("ncy8: a grant is signed also where it is changed, and stays signed", async () => {
      const opened = await service.openBriefly("ncy8");
      const grants = () =>
        opened.admin.query("SELECT user_id, role_id, granted_by FROM user_roles ORDER BY 1, 2");
      const were = await grants();
      expect(were.length).toBeGreaterThan(0);
      const by = (subject: string): Who => ({ ...SERVICE, subject });
      const of = (set: string, user: string) =>
        `UPDATE user_roles SET ${set} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'`;
      // Whose it was is not rewritten.
      expect(await work(opened, by(MANAGER), of(`granted_by = '${MEMBER}'`, MEMBER))).toEqual([]);
      expect(await work(opened, by(MANAGER), of("granted_by = NULL", MEMBER))).toEqual([]);
      expect(await grants()).toEqual(were);
      // To make it one's own is to grant it.
      expect(await work(opened, by(MANAGER), of(`user_id = '${MANAGER}'`, MEMBER))).toMatchObject(
        refused("42501", /to themselves/),
      );
      expect(
        await work(opened, by(OWNER), of(`user_id = '${MANAGER}', granted_by = '${MEMBER}'`, MEMBER)),
      ).toEqual([]);
      const signed = `SELECT DISTINCT granted_by FROM user_roles WHERE user_id = '${MANAGER}' AND organization_id = '${ALPHA}'`;
      expect(await opened.admin.query(signed)).toContainEqual({ granted_by: OWNER });
      // Who leaves for good is taken out by the foreign key.
      expect(
        await work(
          opened,
          by(MEMBER),
          `DELETE FROM organization_members WHERE user_id = '${OWNER}' AND organization_id = '${ALPHA}'`,
        ),
      ).toEqual([]);
      expect(await opened.admin.query(`SELECT FROM user_roles WHERE granted_by = '${OWNER}'`)).toEqual([]);
    });
  });

  test.each([
    ["ncy8", "UPDATE projects SET name = name || '.'"],
    ["mcp_admin", "UPDATE organizations SET name = name || '.'"],
  ])("%s: the audit tells when a row was changed, and not when its transaction began", async (database, write) => {
    const opened = await service.openBriefly(database);
    const late =
      "SELECT bool_and(created_at > now() + interval '1 second') AS late FROM audit_logs WHERE created_at >= now()";
    expect(await work(opened, ADMIN, "SELECT pg_sleep(1.1)", write, late)).toEqual([{ late: true }]);
  });

  test("mcp_portal: a session that its user's transaction holds stops no other from being cleaned up", async () => {
    const opened = await service.openBriefly("mcp_portal");
    const ids = [rowId("ee1"), rowId("ee2")];
    for (const id of ids)
      await opened.admin.query(`INSERT INTO user_sessions (id, team_id, user_id, token_hash, created_at, expires_at)
        VALUES ('${id}', '${ALPHA}', '${MEMBER}', sha256('${id}'), now() - interval '2 hours', now() - interval '1 minute')`);
    const member: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };
    const lock = `SELECT id FROM user_sessions WHERE id = '${ids[0]}' FOR UPDATE`;
    // As the scheduler runs it: as the owner, whom row security binds.
    const clean = async () => {
      await opened.admin.query("SET ROLE mcp_admin");
      await opened.admin.query("SET statement_timeout = '20s'");
      const gone = await opened.admin.query("SELECT internal.clean_sessions() AS gone");
      await opened.admin.query("RESET ROLE");
      return gone;
    };
    const [{ n: idle } = { n: -1 }] = await opened.admin.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM user_sessions WHERE expires_at > now() AND is_active AND last_activity < now() - interval '30 minutes'",
    );
    expect(await holding(opened, member, lock, clean)).toEqual([{ gone: String(1 + idle) }]);
    expect(await clean()).toEqual([{ gone: "1" }]);
  });

  describe.each(["mcp_admin", "ncy8"])("maintain_logs() of %s", (database) => {
    const call = "SELECT count(*)::int AS n FROM maintain_logs()";
    const member: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };

    test("is the service's, in its context", async () => {
      const opened = await service.openBriefly(database);
      expect(await work(opened, undefined, call)).toMatchObject(
        refused("42501", /signed context of the service/),
      );
      expect(await work(opened, member, call)).toMatchObject(
        refused("42501", /permission denied for function/),
      );
      const token = service.token(database, member);
      const become = `SELECT ${set("role", service.roleFor(database, member))}, ${set("app.context", token)}`;
      const planned = [`DECLARE planned CURSOR FOR ${call}`, become, "FETCH ALL FROM planned"];
      expect(await work(opened, undefined, ...planned)).toMatchObject(
        refused("42501", /signed context of the service/),
      );
      const [{ n } = { n: 0 }] = (await work(opened, SERVICE, call)) as { n: number }[];
      expect(n).toBeGreaterThanOrEqual(4);
    });

    test("waits for no lock that somebody else can take", async () => {
      const opened = await service.openBriefly(database);
      await opened.admin.query("BEGIN");
      await opened.admin.query(
        "SELECT pg_advisory_xact_lock(hashtext('maintain_log'), hashtext('audit_logs'))",
      );
      const [{ n } = { n: 0 }] = (await work(opened, SERVICE, call)) as { n: number }[];
      await opened.admin.query("ROLLBACK");
      expect(n).toBeGreaterThanOrEqual(4);
    });
  });

  test("ncy8: a time that the service made up makes no months, and stops none", async () => {
    const opened = await service.openBriefly("ncy8");
    for (const time of ["-infinity", "0001-01-01", "infinity", "9999-01-01"])
      expect(
        await work(
          opened,
          SERVICE,
          `INSERT INTO access_logs (method, endpoint, status_code, "timestamp") VALUES ('GET', '/', 200, '${time}')`,
        ),
      ).toEqual([]);
    const made = await work(
      opened,
      SERVICE,
      "SET LOCAL statement_timeout = '20s'",
      "SELECT partition FROM maintain_logs() WHERE partition ~ '^access'",
    );
    expect(made).toHaveLength(4);
  });

  test("mcp_portal: an event is as long as its text, as deep as a setting, and of whoever may record one", async () => {
    const opened = await service.openBriefly("mcp_portal");
    const member: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };
    const event = (more: string) => `SELECT record_event('config_exported', 'x', NULL, ${more})`;
    expect(await work(opened, member, event(`jsonb_build_object('a', repeat('a', 8000))`))).toHaveLength(1);
    expect(await work(opened, member, event(`jsonb_build_object('a', repeat('a', 8200))`))).toMatchObject(
      refused("54000", /longer than 8 kB/),
    );
    // Compressed in a column it is small.
    expect(
      await work(
        opened,
        member,
        `UPDATE users SET metadata = jsonb_build_object('a', repeat('a', 100000))`,
        `SELECT record_event('config_exported', 'x', NULL, metadata) FROM users WHERE id = '${MEMBER}'`,
      ),
    ).toMatchObject(refused("54000", /longer than 8 kB/));
    expect(await work(opened, member, event(`'${nested(33)}'`))).toMatchObject(refused("54000", /32 levels/));
    const auditor: Who = { identity: "auditor", tenant: ALPHA, subject: MEMBER };
    const become = `SELECT ${set("role", service.roleFor("mcp_portal", auditor))}, ${set("app.context", service.token("mcp_portal", auditor))}`;
    const planned = [`DECLARE planned CURSOR FOR ${event("'{}'")}`, become, "FETCH ALL FROM planned"];
    expect(await work(opened, member, ...planned)).toMatchObject(refused("42501", /no valid context/));
  });
});
