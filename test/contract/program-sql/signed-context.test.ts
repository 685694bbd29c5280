import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { planRowSecurity } from "../../../components/plans/row-security";
import type { PostgresConnection } from "../../../connect/postgres";
import { signContext } from "../../../estate/row-security/context-token";
import { roleOf } from "../../../estate/row-security/roles";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import { mcpAdmin, ncy8 } from "../../support/declared";
import { rowId } from "../../support/fixtures";
import { type ProgramDatabases, startProgramDatabases } from "../../support/program-database";
import { key } from "../../support/row-security";
import { refusal } from "./refusal";

/** What triggers, clean-up and row security do together; who sees which row is the truth table's own matrix. */

const DECLARATIONS = { mcp_admin: mcpAdmin, ncy8 };
type Name = keyof typeof DECLARATIONS;

const ALPHA = rowId("a0");
const [MEMBER, SECOND, ADMIN] = [rowId("a1"), rowId("a2"), rowId("a3")];
const secret = key();

describe.each(["16", "17"] as const)("under row security on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  let db: PostgresConnection;

  beforeAll(async () => {
    databases = await startProgramDatabases(version, Object.keys(DECLARATIONS), async (bench, entry) => {
      await bench.sql(`CREATE ROLE ${entry.service}`);
      const plan = planRowSecurity(DECLARATIONS[entry.name as Name], entry);
      await bench.drive(postgresRowSecurity).create({ ...plan, keys: { k1: secret } });
    });
  });
  afterAll(() => databases?.stop());

  /** The rest of the transaction is this identity's. */
  const become = async (name: Name, identity: string, subject?: string) => {
    const role = roleOf(DECLARATIONS[name], identity);
    const expires = new Date(Date.now() + 60_000);
    const claims = subject === undefined ? { role, expires } : { role, tenant: ALPHA, subject, expires };
    await db.query(`SET LOCAL ROLE ${role}`);
    await db.query("SELECT set_config('app.context', $1, true)", [signContext({ id: "k1", secret }, claims)]);
  };
  const nobody = async () => {
    await db.query("RESET ROLE");
    await db.query("SELECT set_config('app.context', '', true)");
  };
  const refused = (sql: string) => refusal(db, sql);
  const rows = async (sql: string) => (await db.query(`${sql} RETURNING 1`)).length;

  const MEMBERSHIPS = { mcp_admin: "organization_memberships", ncy8: "organization_members" };

  describe.each(["mcp_admin", "ncy8"] as const)("%s", (name) => {
    beforeAll(async () => {
      db = await databases.open(name);
    });
    beforeEach(async () => {
      await db.query("BEGIN");
      return async () => {
        await db.query("ROLLBACK");
      };
    });
    const memberships = MEMBERSHIPS[name];
    const promote = (user: string) =>
      `UPDATE ${memberships} SET role = 'ADMIN' WHERE user_id = '${user}' AND organization_id = '${ALPHA}'`;

    test("a change is audited with the signed subject; nobody writes the log", async () => {
      await become(name, "admin", ADMIN);
      expect(await rows(promote(SECOND))).toBe(1);
      const last = `SELECT user_id, action, organization_id FROM audit_logs WHERE target_table = '${memberships}'
        AND action = 'UPDATE'`;
      expect(await db.query(last)).toEqual([{ user_id: ADMIN, action: "UPDATE", organization_id: ALPHA }]);
      const forged = "INSERT INTO audit_logs (action, target_table) VALUES ('DELETE', 'users')";
      for (const sql of [forged, "DELETE FROM audit_logs", "UPDATE audit_logs SET action = 'INSERT'"])
        expect(await refused(sql)).toMatchObject({ code: "42501" });
      await nobody();
      await become(name, "service");
      expect(await refused(forged)).toMatchObject({ code: "42501" });
    });

    test("an admin promotes another and not themselves; a member nobody", async () => {
      await become(name, "admin", SECOND);
      expect(await refused(promote(SECOND))).toMatchObject({
        message: expect.stringMatching(/of their own/),
      });
      expect(await rows(promote(MEMBER))).toBe(1);
      await nobody();
      await become(name, "member", MEMBER);
      expect(await refused(promote(MEMBER))).toMatchObject({
        message: expect.stringMatching(/permission denied/),
      });
      const global =
        name === "ncy8" ? "UPDATE users SET role = 'ADMIN'" : "UPDATE users SET email = 'x@x.example'";
      expect(await refused(global)).toMatchObject({ code: "42501" });
    });

    test("hashes are the service's: no other identity reads one, of its own key or session neither", async () => {
      const token = name === "ncy8" ? "refresh_token_hash" : "token_hash";
      for (const identity of ["member", "admin", "auditor", "anonymous"]) {
        await become(name, identity, MEMBER);
        for (const sql of [
          "SELECT key_hash FROM api_keys",
          `SELECT ${token} FROM sessions`,
          "SELECT * FROM api_keys",
        ])
          expect(await refused(sql), `${identity}: ${sql}`).toMatchObject({ code: "42501" });
        await nobody();
      }
      await become(name, "service");
      const found = `SELECT id FROM api_keys WHERE key_hash = sha256('key of 0ca1')`;
      expect(await db.query(found)).toEqual([{ id: rowId("ca1") }]);
    });

    test("the service cleans up with its context, and is told so without one", async () => {
      const table = name === "ncy8" ? "refresh_token_hash" : "token_hash";
      await db.query(`INSERT INTO sessions (user_id, ${table}, created_at, expires_at)
        VALUES ('${MEMBER}', sha256('old'), now() - interval '2 days', now() - interval '1 day')`);
      await db.query(`SET LOCAL ROLE svc_${name}`);
      expect(await refused("SELECT delete_expired_sessions()")).toMatchObject({
        message: expect.stringMatching(/needs a signed context/),
      });
      await become(name, "service");
      expect(await db.query("SELECT delete_expired_sessions() AS gone")).toEqual([{ gone: "1" }]);
      expect(await db.query(`SELECT anonymize_user('${MEMBER}') AS done`)).toEqual([{ done: true }]);
      const left = `SELECT count(*)::int AS n FROM ${memberships} WHERE email LIKE 'a1@%'`;
      expect(await db.query(left)).toEqual([{ n: 0 }]);
      await nobody();
      await become(name, "member", MEMBER);
      expect(await refused("SELECT delete_expired_sessions()")).toMatchObject({ code: "42501" });
    });

    test("the service makes months and cannot reach one past its log", async () => {
      await become(name, "service");
      expect((await db.query("SELECT * FROM maintain_logs()")).length).toBeGreaterThanOrEqual(4);
      const [month] = await db.query<{ name: string }>(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass ORDER BY 1 DESC",
      );
      for (const sql of [
        `SELECT * FROM ${month?.name}`,
        `DELETE FROM ${month?.name}`,
        `DROP TABLE ${month?.name}`,
      ])
        expect(await refused(sql)).toMatchObject({ code: "42501" });
      const maintain = "SELECT internal.maintain_log('audit_logs', 'created_at', '0 days')";
      expect(await refused(maintain)).toMatchObject({ code: "42501" });
    });

    test("nothing is there for who shows no context", async () => {
      await db.query(`SET LOCAL ROLE svc_${name}`);
      const [{ n } = { n: -1 }] = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM users");
      expect(n).toBe(0);
    });
  });

  test("mcp_admin: a new name reaches the memberships of every tenant, though the member sees but one", async () => {
    db = await databases.open("mcp_admin");
    await db.query("BEGIN");
    await become("mcp_admin", "member", MEMBER);
    expect(await rows("UPDATE users SET display_name = 'Ada L.'")).toBe(1);
    await nobody();
    const copies = `SELECT count(*)::int AS n FROM organization_memberships WHERE display_name = 'Ada L.'`;
    expect(await db.query(copies)).toEqual([{ n: 2 }]);
    await db.query("ROLLBACK");
  });

  test("ncy8: a member hands a task on and does not delete it; a manager does", async () => {
    db = await databases.open("ncy8");
    const task = (set: string) => `UPDATE tasks SET ${set} WHERE id = '${rowId("9a1")}'`;
    await db.query("BEGIN");
    await become("ncy8", "member", MEMBER);
    expect(await refused(task("deleted_at = now()"))).toMatchObject({
      message: expect.stringMatching(/permission denied/),
    });
    expect(await rows(task(`assignee_id = '${SECOND}'`))).toBe(1);
    expect(await rows(task("title = 'Not mine any more'"))).toBe(0);
    await db.query("COMMIT; BEGIN");
    await become("ncy8", "manager", SECOND);
    expect(await rows(task("deleted_at = now()"))).toBe(1);
    await db.query("COMMIT; BEGIN");
    await become("ncy8", "member", MEMBER);
    expect(await db.query(`SELECT id FROM tasks WHERE id = '${rowId("9a1")}'`)).toEqual([]);
    await db.query("ROLLBACK");
  });
});
