import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresRow } from "../../../connect/postgres";
import { roleOf } from "../../../estate/row-security/roles";
import { teamKey } from "../../../ops/keys/crypto";
import { mcpPortal } from "../../support/declared";
import {
  id,
  inRole,
  type Portal,
  type PortalDatabase,
  secure,
  startPortal,
  token,
} from "../../support/mcp-portal";

const denied = { code: "42501" };
const identities = Object.keys(mcpPortal.identities).filter((identity) => identity !== "owner");

/**
 * The faults that the assessment of an earlier portal found, each closed: row security as it is declared, over the tables
 * as they are migrated. That every rule holds for every identity is shown elsewhere, from the declaration.
 */
describe.each(["16", "17"] as const)("faults of the assessment on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  beforeAll(async () => {
    portal = await startPortal(version);
    database = await portal.open();
    await secure(portal, database);
  });
  afterAll(() => portal?.stop());

  const sql = (text: string, values: string[] = []): Promise<PostgresRow[]> =>
    database.admin.query(text, values);
  const ada = token("member", id("a0"), id("a1"));
  const anna = token("admin", id("a0"), id("a3"));
  const as = (identity: string, context: string | undefined, text: string, values: string[] = []) =>
    inRole(database, identity, context, () => sql(text, values));

  describe("no row security on users, mcp_servers and audit_logs", () => {
    test("every table of the application has it, and it binds the owner", async () => {
      const open = await sql(
        `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND NOT (relrowsecurity AND relforcerowsecurity)`,
      );
      expect(open).toEqual([{ relname: "audit_retention" }]);
      await sql("SET ROLE mcp_admin");
      expect(await sql("SELECT 1 FROM users")).toEqual([]);
      await sql("RESET ROLE");
    });

    test.each([
      ["users", "member", ada, [id("a1")]],
      ["users", "admin", anna, ["a1", "a2", "a3", "a4"].map(id)],
      ["mcp_servers", "member", ada, ["f01", "f02", "fa1"].map(id)],
    ])("%s: the %s sees what is theirs", async (table, identity, context, expected) => {
      const rows = await as(identity, context, `SELECT id FROM ${table} ORDER BY id`);
      expect(rows.map((row) => row.id)).toEqual(expected);
    });

    test("audit_logs: an admin reads the team's, a member none, an auditor all", async () => {
      const teams = await as("admin", anna, "SELECT DISTINCT team_id FROM audit_logs");
      expect(teams).toEqual([{ team_id: id("a0") }]);
      await expect(as("member", ada, "SELECT 1 FROM audit_logs")).rejects.toMatchObject(denied);
      const all = await as("auditor", token("auditor"), "SELECT DISTINCT team_id FROM audit_logs");
      expect(all.length).toBeGreaterThan(3);
    });

    test.each([
      "audit_logs_default",
      "audit_logs_2026_01",
    ])("a partition is no way around it: internal.%s", async (partition) => {
      for (const identity of identities) {
        const read = as(identity, token(identity, id("a0"), id("a1")), `SELECT 1 FROM internal.${partition}`);
        await expect(read, identity).rejects.toMatchObject(denied);
      }
    });
  });

  describe("unsafe is_admin", () => {
    test("an admin's rights end at the team", async () => {
      expect(await as("admin", anna, `SELECT 1 FROM users WHERE team_id <> '${id("a0")}'`)).toEqual([]);
      const change = `UPDATE user_server_configs SET enabled = false WHERE id = '${id("eb1")}' RETURNING id`;
      expect(await as("admin", anna, change)).toEqual([]);
    });

    test("nobody makes an admin of themselves: not a member, not an admin", async () => {
      const promote = (user: string) => `UPDATE users SET role = 'super_admin' WHERE id = '${id(user)}'`;
      await expect(as("member", ada, promote("a1"))).rejects.toMatchObject(denied);
      await expect(as("admin", anna, promote("a3"))).rejects.toMatchObject(denied);
      const inTeam = `UPDATE team_members SET role = 'admin' WHERE user_id = '${id("a1")}'`;
      await expect(as("member", ada, inTeam)).rejects.toMatchObject(denied);
      // Taking the admin's role without its token shows nothing.
      expect(await as("admin", ada, "SELECT 1 FROM users")).toEqual([]);
    });

    test("no policy asks a function that reads tables of the application", async () => {
      const policies = await sql(
        "SELECT coalesce(qual, '') || coalesce(with_check, '') AS text FROM pg_policies",
      );
      expect(policies.length).toBeGreaterThan(40);
      const calls = policies.flatMap(({ text }) => String(text).match(/[\w.]+(?=\()/g) ?? []);
      expect([...new Set(calls)].sort()).toEqual(["context.subject", "context.tenant", "context.verified"]);
    });

    test("whatever runs as the owner has its search path pinned and its callers named", async () => {
      const definers = await sql(
        `SELECT p.oid::regprocedure::text AS name, proconfig AS settings, has_function_privilege('public', p.oid, 'EXECUTE') AS public
         FROM pg_proc p WHERE prosecdef AND proowner = 'mcp_admin'::regrole AND pronamespace <> 'context'::regnamespace`,
      );
      expect(definers.length).toBeGreaterThan(5);
      for (const { name, settings, public: everybody } of definers) {
        expect(settings, String(name)).toContain("search_path=pg_catalog, pg_temp");
        // Trigger functions cannot be called; nobody reaches the schema that the others are in.
        if (!/^internal\./.test(String(name))) expect(everybody, String(name)).toBe(false);
      }
    });
  });

  describe("an unvalidated current user", () => {
    const read = "SELECT id FROM user_server_configs";
    const signed = ada.split(".");
    const forged = [...signed.slice(0, 3), id("b0"), id("b1"), ...signed.slice(5)].join(".");
    test.each([
      ["absent", undefined],
      ["empty", ""],
      ["malformed", "not a token"],
      ["a bare uuid", id("a1")],
      ["for another, with a signature that is not for it", forged],
      ["expired", token("member", id("a0"), id("a1"), -1)],
      ["of another role", token("admin", id("a0"), id("a3"))],
      ["of nobody", token("member")],
    ])("%s: no rows, and no word why", async (_what, context) => {
      expect(await as("member", context, read)).toEqual([]);
    });

    test("the setting that an application could write itself counts for nothing", async () => {
      await sql("SELECT set_config('app.current_user_id', $1, false)", [id("a1")]);
      expect(await as("member", undefined, read)).toEqual([]);
      expect(await as("member", ada, read)).toEqual([{ id: id("ea1") }]);
    });
  });

  describe("weak encryption without key versions", () => {
    const key = `\\x${teamKey(Buffer.alloc(32, 0x11), id("a0")).toString("hex")}`;

    test("a member opens and seals their own, under the version that the row names", async () => {
      const open =
        "SELECT open_secret(encrypted_config, $1::bytea, id, key_version) AS plain FROM user_server_configs";
      expect(await as("member", ada, open, [key])).toEqual([{ plain: '{"token":"secret of 0ea1"}' }]);
      const seal =
        "UPDATE user_server_configs SET encrypted_config = seal_secret('new', $1::bytea, id, 1), key_version = 1 RETURNING id";
      expect(await as("member", ada, seal, [key])).toEqual([{ id: id("ea1") }]);
    });

    test("admins, auditors and superadmins have no use for ciphertext and do not get it", async () => {
      for (const identity of ["admin", "auditor", "superadmin"]) {
        const context = token(identity, id("a0"), id("a3"));
        const read = as(identity, context, "SELECT encrypted_config FROM user_server_configs");
        await expect(read, identity).rejects.toMatchObject(denied);
      }
    });

    test("the service reads wrapped keys and cannot make, change or revive one", async () => {
      const context = token("service");
      expect(await as("service", context, "SELECT version FROM encryption_keys")).toEqual([{ version: 1 }]);
      for (const text of [
        "UPDATE encryption_keys SET state = 'retiring'",
        "INSERT INTO encryption_keys (version, wrapped_with) VALUES (2, '0123456789abcdef')",
        "DELETE FROM encryption_keys",
        "UPDATE user_server_configs SET encrypted_config = NULL, key_version = NULL",
      ]) {
        await expect(as("service", context, text), text).rejects.toMatchObject(denied);
      }
    });
  });

  describe("changes without a trace, and traces that can be changed", () => {
    test("a member's change is in the log, with the user of the signed context", async () => {
      const written = await inRole(database, "member", ada, async () => {
        await sql("UPDATE user_server_configs SET enabled = false");
        // Seen by whoever may: in the same transaction, as the superuser.
        await sql("RESET ROLE");
        return sql(
          "SELECT actor_id, actor_role, action, resource_id FROM audit_logs ORDER BY occurred_at DESC LIMIT 1",
        );
      });
      expect(written).toEqual([
        {
          actor_id: id("a1"),
          actor_role: "mcp_portal_member",
          action: "server_disabled",
          resource_id: id("ea1"),
        },
      ]);
    });

    test.each([
      "INSERT INTO audit_logs (actor_role, login, action, resource_type) VALUES ('x', 'x', 'login', 'x')",
      "UPDATE audit_logs SET actor_id = NULL",
      "DELETE FROM audit_logs",
      "TRUNCATE audit_logs",
      "DELETE FROM audit_logs_archive",
    ])("nobody: %s", async (text) => {
      for (const identity of identities) {
        const change = as(identity, token(identity, id("a0"), id("a1")), text);
        await expect(change, identity).rejects.toMatchObject(denied);
      }
    });

    test("another's settings do not change, whoever's they are", async () => {
      for (const other of ["ea2", "eb1"]) {
        const change = `UPDATE user_server_configs SET enabled = true WHERE id = '${id(other)}' RETURNING id`;
        expect(await as("member", ada, change), other).toEqual([]);
      }
      const give = `UPDATE user_server_configs SET user_id = '${id("a2")}'`;
      await expect(as("member", ada, give)).rejects.toMatchObject(denied);
    });
  });

  describe("work without a user", () => {
    test("the owner's jobs work under forced row security", async () => {
      await sql("UPDATE user_sessions SET last_activity = now() - interval '1 hour'");
      await inRole(database, "owner", undefined, async () => {
        expect(await sql("SELECT internal.clean_sessions() AS gone")).toEqual([{ gone: "3" }]);
        await sql("SELECT internal.refresh_server_usage()");
        expect(await sql("SELECT sum(users)::int AS users FROM server_usage")).toEqual([{ users: 4 }]);
        await sql("SELECT internal.make_audit_partitions()");
        await sql("SELECT internal.archive_audit_logs()");
        await sql("SELECT internal.purge_audit_archive()");
      });
    });

    test("nobody reads the materialised view but through the functions for admins", async () => {
      for (const identity of identities) {
        const read = as(identity, token(identity, id("a0"), id("a1")), "SELECT 1 FROM server_usage");
        await expect(read, identity).rejects.toMatchObject(denied);
      }
      await sql("SELECT internal.refresh_server_usage()");
      const teams = await as("admin", anna, "SELECT DISTINCT team_id FROM team_server_usage()");
      expect(teams).toEqual([{ team_id: id("a0") }]);
      await expect(as("member", ada, "SELECT 1 FROM team_server_usage()")).rejects.toMatchObject(denied);
    });

    test("searches find the catalogue and the team's servers, and ask for a context", async () => {
      const search = "SELECT id FROM search_servers('ledger')";
      expect(await as("member", ada, search)).toEqual([{ id: id("fa1") }]);
      expect(await as("member", undefined, search)).toEqual([]);
    });

    test("the service asks which identity a user may take, and nobody else does", async () => {
      const ask = `SELECT identity_of('${id("a3")}', '${id("a0")}') AS identity`;
      expect(await as("service", token("service"), ask)).toEqual([{ identity: "admin" }]);
      await expect(as("member", ada, ask)).rejects.toMatchObject(denied);
      expect(roleOf(mcpPortal, "service")).toBe("svc_mcp_portal");
    });
  });
});
