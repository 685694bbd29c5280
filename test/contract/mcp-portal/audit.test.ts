import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

interface Event {
  [column: string]: unknown;
  action: string;
  team_id: string | null;
  resource_id: string | null;
  old_values: Record<string, unknown> | null;
  new_values: Record<string, unknown> | null;
}

describe.each(["16", "17"] as const)("audit log of mcp_portal on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  beforeAll(async () => {
    portal = await startPortal(version);
    database = await portal.open();
  });
  afterAll(() => portal?.stop());
  beforeEach(() => database.admin.query("BEGIN"));
  afterEach(async () => {
    await database.admin.query("ROLLBACK");
    await database.admin.query("RESET ALL");
  });

  const sql = (text: string, values: string[] = []) => database.admin.query(text, values);
  /** What the statement has written to the log. */
  const logged = async (text: string, values: string[] = []): Promise<Event[]> => {
    const [last] = await database.admin.query<{ at: string }>(
      "SELECT max(occurred_at)::text AS at FROM audit_logs",
    );
    await sql(text, values);
    return database.admin.query<Event>(
      "SELECT * FROM audit_logs WHERE occurred_at > $1 ORDER BY occurred_at",
      [last?.at ?? "-infinity"],
    );
  };

  test("who, what, old and new: changed columns and no others", async () => {
    const context = { role: "mcp_portal_member", tenant: id("a0"), subject: id("a1") };
    await sql("SELECT set_config('app.client_address', '192.0.2.7', false)");
    await sql("SELECT set_config('app.session_id', $1, false)", [id("da1")]);
    await sql("SELECT set_config('app.user_agent', 'portal/1', false)");
    const events = await database.as(context, () =>
      logged(`UPDATE users SET display_name = 'Augusta' WHERE id = '${id("a1")}'`),
    );
    expect(events).toEqual([
      {
        id: expect.any(String),
        occurred_at: expect.any(Date),
        team_id: id("a0"),
        actor_id: id("a1"),
        actor_role: "mcp_portal_member",
        login: portal.bench.engine.admin.user,
        action: "user_updated",
        resource_type: "users",
        resource_id: id("a1"),
        old_values: { display_name: "Ada" },
        new_values: { display_name: "Augusta" },
        details: null,
        ip_address: "192.0.2.7",
        user_agent: "portal/1",
        session_id: id("da1"),
      },
    ]);
  });

  test("without a context the role and the login are named, and no user", async () => {
    await sql("SET ROLE mcp_admin");
    const [event] = await logged(`UPDATE teams SET description = 'x' WHERE id = '${id("a0")}'`);
    expect(event).toMatchObject({
      actor_id: null,
      actor_role: "mcp_admin",
      login: portal.bench.engine.admin.user,
    });
  });

  test("what a client claims never makes a change fail", async () => {
    await sql("SELECT set_config('app.client_address', 'not an address', false)");
    await sql("SELECT set_config('app.session_id', 'nor this a uuid', false)");
    const [event] = await logged(`UPDATE teams SET description = 'y' WHERE id = '${id("a0")}'`);
    expect(event).toMatchObject({ ip_address: null, session_id: null });
  });

  const where = (end: string) => `WHERE id = '${id(end)}'`;
  test.each([
    [`UPDATE users SET role = 'team_admin' ${where("a1")}`, "role_changed"],
    [`UPDATE team_members SET role = 'admin' WHERE user_id = '${id("a2")}'`, "role_changed"],
    [`DELETE FROM team_members WHERE user_id = '${id("a4")}'`, "member_removed"],
    [`DELETE FROM users ${where("c2")}`, "member_removed user_deleted"],
    [`UPDATE mcp_servers SET version = '2' ${where("f01")}`, "catalog_changed"],
    [`UPDATE mcp_servers SET version = '2' ${where("fa1")}`, "server_updated"],
    [`DELETE FROM mcp_servers ${where("fa1")}`, "config_deleted custom_server_removed"],
    [`UPDATE user_server_configs SET enabled = true ${where("ea2")}`, "server_enabled"],
    [`UPDATE user_server_configs SET enabled = false ${where("ea1")}`, "server_disabled"],
    [`UPDATE user_server_configs SET config_metadata = '{}' ${where("ea1")}`, "config_updated"],
    [`UPDATE user_server_configs SET encrypted_config = '\\x01' ${where("ea1")}`, "config_updated"],
    [
      `UPDATE user_server_configs SET encrypted_config = NULL, key_version = NULL ${where("ea1")}`,
      "config_updated",
    ],
    [`UPDATE user_sessions SET is_active = false ${where("da1")}`, "logout"],
    [`DELETE FROM user_sessions ${where("da1")}`, "logout"],
    [`UPDATE encryption_keys SET state = 'retiring', rotated_at = now()`, "key_rotated"],
    [`UPDATE users SET last_login_at = now() ${where("a1")}`, ""],
    [`UPDATE user_sessions SET last_activity = now() ${where("da1")}`, ""],
    [`UPDATE users SET email = email`, ""],
  ])("%s is %s", async (text, actions) => {
    const events = await logged(text);
    expect(
      events
        .map(({ action }) => action)
        .sort()
        .join(" "),
    ).toBe(actions);
  });

  test("every action of a first day has its name", async () => {
    const counted = await sql(
      "SELECT action, count(*)::int AS n FROM audit_logs GROUP BY action ORDER BY action",
    );
    expect(counted).toEqual([
      { action: "login", n: 3 },
      { action: "user_created", n: 10 },
      { action: "team_created", n: 3 },
      { action: "member_added", n: 11 },
      { action: "custom_server_added", n: 2 },
      { action: "catalog_changed", n: 2 },
      { action: "config_created", n: 4 },
      { action: "key_created", n: 1 },
    ]);
  });

  test("secret columns show that they changed and never what they held", async () => {
    const plain = "a-token-that-nobody-may-read";
    const sealed = `\\x${Buffer.from(`sealed:${plain}`).toString("hex")}`;
    await sql("UPDATE user_server_configs SET encrypted_config = $1::bytea", [sealed]);
    await sql("DELETE FROM user_server_configs");
    await sql("UPDATE user_sessions SET is_active = false, refresh_token_hash = NULL");
    await sql("DELETE FROM user_sessions");
    const text = (await sql("SELECT old_values::text AS o, new_values::text AS n FROM audit_logs"))
      .map((row) => `${row.o} ${row.n}`)
      .join("\n");
    const [key] = await sql("SELECT encode(wrapped_key, 'hex') AS wrapped FROM encryption_keys");
    for (const secret of [sealed.slice(2), String(key?.wrapped)]) expect(text).not.toContain(secret);
    // No column of bytes but redacted ones: those are all that a secret is kept in.
    expect(text).not.toContain("\\\\x");
    const [changed] = await sql(
      "SELECT old_values, new_values FROM audit_logs WHERE action = 'logout' AND new_values ? 'refresh_token_hash'",
    );
    expect(changed).toEqual({
      old_values: { is_active: true, refresh_token_hash: "[redacted]" },
      new_values: { is_active: false, refresh_token_hash: null },
    });
  });

  test("a re-encryption is told apart from a new setting", async () => {
    await sql("UPDATE encryption_keys SET state = 'retiring', rotated_at = now()");
    await sql(
      "INSERT INTO encryption_keys (version, wrapped_with, wrapped_key) SELECT 2, wrapped_with, wrapped_key FROM encryption_keys",
    );
    const change = "UPDATE user_server_configs SET encrypted_config = '\\x02', key_version = 2";
    const [event] = await logged(`${change} ${where("ea1")}`);
    expect(event).toMatchObject({
      action: "config_reencrypted",
      old_values: { encrypted_config: "[redacted]", key_version: 1 },
      new_values: { encrypted_config: "[redacted]", key_version: 2 },
    });
    const [other] = await logged(`${change}, config_metadata = '{"a":1}' ${where("ea2")}`);
    expect(other?.action).toBe("config_updated");
  });

  test.each([
    "UPDATE audit_logs SET actor_id = NULL",
    "DELETE FROM audit_logs",
    "TRUNCATE audit_logs",
    "UPDATE internal.audit_logs_default SET actor_id = NULL",
  ])("append-only for the superuser too: %s", async (text) => {
    await expect(sql(text)).rejects.toMatchObject({
      code: "42501",
      message: "the audit log is append-only",
    });
  });

  test("an event of no row is recorded for the context's user, and for nobody else", async () => {
    const event = "SELECT record_event('config_exported', 'user_server_configs', NULL, '{\"rows\":3}')";
    const context = { role: "mcp_portal_member", tenant: id("a0"), subject: id("a1") };
    const [written] = await database.as(context, () => logged(event));
    expect(written).toMatchObject({
      action: "config_exported",
      actor_id: id("a1"),
      team_id: id("a0"),
      details: { rows: 3 },
    });
    await sql("SAVEPOINT before");
    const forged = database.as(context, () =>
      sql("SELECT record_event('role_changed', 'users', NULL, NULL)"),
    );
    await expect(forged).rejects.toMatchObject({ code: "22023" });
    await sql("ROLLBACK TO SAVEPOINT before");
    await expect(sql(event)).rejects.toMatchObject({ code: "42501" });
  });
});
