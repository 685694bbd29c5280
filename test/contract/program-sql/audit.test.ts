import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../../support/fixtures";
import { believing, type ProgramDatabases, startProgramDatabases } from "../../support/program-database";

const ALPHA = rowId("a0");
const [MEMBER, ADMIN] = [rowId("a1"), rowId("a3")];

/** What is one table's in each of the two databases. */
const DATABASES = [
  {
    name: "mcp_admin",
    admin: "mcp_admin_admin",
    memberships: "organization_memberships",
    document: { table: "organizations", id: ALPHA, column: "metadata" },
    withheld: { table: "organization_services", id: rowId("ea1"), column: "configuration" },
    noise: `UPDATE api_keys SET last_used_at = now(), usage_count = usage_count + 1 WHERE id = '${rowId("ca1")}'`,
    secrets: ["secret of 0ea1"],
  },
  {
    name: "ncy8",
    admin: "ncy8_admin",
    memberships: "organization_members",
    document: { table: "projects", id: rowId("8a1"), column: "settings" },
    withheld: undefined,
    noise: `UPDATE api_keys SET last_used_at = now() WHERE id = '${rowId("ca1")}'`,
    secrets: ["$2b$12$"],
  },
];

interface Entry extends Record<string, unknown> {
  organization_id: string | null;
  user_id: string | null;
  action: string;
  target_table: string;
  target_id: string | null;
  old_value: Record<string, unknown> | null;
  new_value: Record<string, unknown> | null;
  ip_address: string | null;
  user_agent: string | null;
}

describe.each(["16", "17"] as const)("the audit log on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  beforeAll(async () => {
    databases = await startProgramDatabases(
      version,
      DATABASES.map(({ name }) => name),
    );
  });
  afterAll(() => databases?.stop());

  describe.each(DATABASES)("of $name", ({ name, admin, memberships, document, withheld, noise, secrets }) => {
    let db: PostgresConnection;
    beforeAll(async () => {
      db = await databases.open(name);
    });

    /** What `work` adds to the log. */
    const written = async (...work: string[]): Promise<Entry[]> => {
      const before = "SELECT coalesce(array_agg(id), '{}') AS ids FROM audit_logs";
      const [{ ids } = { ids: [] }] = await db.query<{ ids: string[] }>(before);
      for (const sql of work) await db.query(sql);
      return db.query<Entry>(
        "SELECT * FROM audit_logs WHERE id <> ALL ($1::uuid[]) ORDER BY created_at, target_table",
        [ids],
      );
    };
    const set = (value: string) =>
      `UPDATE ${document.table} SET ${document.column} = '${value}' WHERE id = '${document.id}'`;

    test("the rows that were put in are all there, and nothing secret or personal with them", async () => {
      const logged = await db.query<{ text: string }>("SELECT audit_logs::text AS text FROM audit_logs");
      expect(logged.length).toBeGreaterThan(20);
      const text = logged.map((row) => row.text).join("\n");
      const hashes = await db.query<{ hash: string }>("SELECT encode(key_hash, 'hex') AS hash FROM api_keys");
      expect(hashes).toHaveLength(3);
      for (const { hash } of hashes) expect(text).not.toContain(hash);
      for (const secret of secrets) expect(text).not.toContain(secret);
      expect(text).toContain("[secret]");
      expect(text).toContain("[personal]");
      expect(text).not.toMatch(/@(alpha|beta)\.example|Ada|192\.0\.2\.1|Browser/);
    });

    test("who, what, from what, to what: the signed subject, the row, and only what changed", async () => {
      const id = rowId("aa2");
      const entries = await believing(db, { role: admin, tenant: ALPHA, subject: ADMIN }, () =>
        written(`UPDATE ${memberships} SET role = 'ADMIN' WHERE id = '${id}'`),
      );
      expect(entries).toHaveLength(1);
      const keys = { id, organization_id: ALPHA, user_id: rowId("a2") };
      expect(entries[0]).toMatchObject({
        organization_id: ALPHA,
        user_id: ADMIN,
        action: "UPDATE",
        target_table: memberships,
        target_id: id,
      });
      expect(entries[0]?.old_value).toMatchObject({ ...keys, role: name === "ncy8" ? "MANAGER" : "VIEWER" });
      expect(entries[0]?.new_value).toMatchObject({ ...keys, role: "ADMIN" });
      expect(entries[0]?.new_value).not.toHaveProperty("email");
      expect(entries[0]?.new_value).not.toHaveProperty("updated_at");
    });

    test("secrets are taken out at every depth, and names that only sound like it stay", async () => {
      const value = {
        region: "eu",
        keyboard: "qwertz",
        api_key: "s3cret-1",
        nested: [{ Password: "s3cret-2", port: 1 }, { auth: { accessToken: { value: "s3cret-3" } } }],
        empty_token: null,
      };
      const [entry] = await written(set("{}"), set(JSON.stringify(value))).then((all) => all.slice(-1));
      expect(entry?.new_value?.[document.column]).toEqual({
        region: "eu",
        keyboard: "qwertz",
        api_key: "[secret]",
        nested: [{ Password: "[secret]", port: 1 }, { auth: { accessToken: "[secret]" } }],
        empty_token: null,
      });
    });

    if (withheld) {
      test("what an auditor may not read in its table he reads nowhere in the trail; that it changed he does", async () => {
        const { table, id, column } = withheld;
        const value = {
          dsn: "postgres://u:s3cret@h/db",
          env: [{ name: "API_KEY", value: "s3cret" }],
          x: "s3cret",
        };
        const [entry] = await written(
          `UPDATE ${table} SET ${column} = '${JSON.stringify(value)}' WHERE id = '${id}'`,
        );
        expect(entry?.old_value).toMatchObject({ [column]: "[secret]" });
        expect(entry?.new_value).toMatchObject({ [column]: "[secret]" });
        expect(JSON.stringify(entry)).not.toContain("s3cret");
      });
    }

    test("that a secret changed is told, though not from what to what", async () => {
      const sql = `UPDATE api_keys SET key_hash = sha256('another') WHERE id = '${rowId("ca2")}'`;
      const [entry] = await written(sql);
      expect(entry?.old_value).toMatchObject({ key_hash: "[secret]" });
      expect(entry?.new_value).toMatchObject({ key_hash: "[secret]" });
    });

    test("what happens at every request, and what changes nothing, is no event", async () => {
      expect(await written(noise, `UPDATE users SET email = email WHERE id = '${MEMBER}'`)).toEqual([]);
    });

    test("insert, soft deletion, restoration and deletion are told apart", async () => {
      const columns = name === "ncy8" ? "name, slug, owner_id" : "name, slug, clerk_id";
      const last = name === "ncy8" ? ADMIN : "org_new";
      const of = (set: string) => `UPDATE organizations SET ${set} WHERE slug = 'new'`;
      const entries = [];
      for (const sql of [
        `INSERT INTO organizations (${columns}) VALUES ('New', 'new', '${last}')`,
        of("deleted_at = now()"),
        of("deleted_at = NULL"),
        "DELETE FROM organizations WHERE slug = 'new'",
      ])
        entries.push(...(await written(sql)));
      expect(entries.map(({ action }) => action)).toEqual(["INSERT", "SOFT_DELETE", "RESTORE", "DELETE"]);
      // An organisation is its own tenant.
      for (const entry of entries) expect(entry.organization_id).toBe(entry.target_id);
      const [inserted, , , deleted] = entries;
      expect([inserted?.old_value, deleted?.new_value]).toEqual([null, null]);
      expect(inserted?.new_value).toMatchObject({ slug: "new" });
      expect(deleted?.old_value).toMatchObject({ slug: "new" });
    });

    test("a change that is rolled back leaves nothing", async () => {
      expect(await written("BEGIN", set('{"a":1}'), "ROLLBACK")).toEqual([]);
    });

    test("address and browser are what the application says; nonsense does not stop a change", async () => {
      const say = (ip: string) =>
        `SELECT set_config('request.ip_address', '${ip}', false), set_config('request.user_agent', 'Browser/2', false)`;
      const told = await written(say("198.51.100.7"), set('{"b":1}'));
      expect(told[0]).toMatchObject({ ip_address: "198.51.100.7", user_agent: "Browser/2" });
      const nonsense = await written(say("over there"), set('{"b":2}'));
      expect(nonsense[0]).toMatchObject({ ip_address: null });
      await db.query("RESET request.ip_address");
      await db.query("RESET request.user_agent");
    });

    test.each([
      "UPDATE audit_logs SET action = 'INSERT'",
      "DELETE FROM audit_logs",
      "TRUNCATE audit_logs",
    ])("nobody changes it, not even a superuser: %s", async (sql) => {
      await expect(db.query(sql)).rejects.toMatchObject({
        code: "42501",
        message: expect.stringMatching(/audit_logs is append-only/),
      });
    });

    test("every table that holds rows of people or tenants is audited", async () => {
      const logs = ["audit_logs", "access_logs", "error_logs", "backup_snapshots"];
      const unaudited = await db.query(
        `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
         AND relname <> ALL ($1::text[]) AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid
           AND tgfoid = 'internal.write_audit'::regproc AND tgtype = 29)`,
        [logs],
      );
      expect(unaudited).toEqual([]);
    });
  });
});
