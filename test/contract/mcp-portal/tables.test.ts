import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

describe.each(["16", "17"] as const)("tables of mcp_portal on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  beforeAll(async () => {
    portal = await startPortal(version);
    database = await portal.open();
  });
  afterAll(() => portal?.stop());

  const sql = (text: string, values: string[] = []) => database.admin.query(text, values);
  const refused = (text: string, code: string, what: string) =>
    expect(sql(text), text).rejects.toMatchObject({ code, message: expect.stringContaining(what) });

  const config = (team: string, user: string, server: string) =>
    `INSERT INTO user_server_configs (team_id, user_id, server_id)
     VALUES ('${id(team)}', '${id(user)}', '${id(server)}')`;

  test("an account is one Azure identity, with an address and a role that exists", async () => {
    const user = (oid: string, email: string, role = "standard_user") =>
      `INSERT INTO users (team_id, azure_oid, email, role) VALUES ('${id("a0")}', '${oid}', '${email}', '${role}')`;
    await refused(user("oid-a1", "x@y.example"), "23505", "users_azure_oid_key");
    await refused(user("new", "no address"), "23514", "users_email_check");
    await refused(user("new", "x@y.example", "root"), "22P02", "portal_role");
  });

  test("a setting belongs to a membership: nobody has one in a team they are not in", async () => {
    await refused(config("a0", "b1", "f01"), "23503", "user_server_configs_member_fkey");
    // Ada is in beta too.
    await sql(config("b0", "a1", "f01"));
    await sql(`DELETE FROM team_members WHERE team_id = '${id("b0")}' AND user_id = '${id("a1")}'`);
    const left = await sql(`SELECT team_id FROM user_server_configs WHERE user_id = '${id("a1")}'`);
    expect(left).toEqual([{ team_id: id("a0") }]);
  });

  test("a setting is of a predefined server or of one of its own team, never of another team's", async () => {
    await refused(config("a0", "a1", "fb1"), "23514", "user_server_configs_server_of_team");
    // Neither by claiming that the server is predefined.
    await refused(
      `INSERT INTO user_server_configs (team_id, user_id, server_id, catalog_team_id)
       VALUES ('${id("a0")}', '${id("a1")}', '${id("fb1")}', '00000000-0000-0000-0000-000000000000')`,
      "23503",
      "user_server_configs_server_fkey",
    );
    await sql(config("a0", "a1", "fa1"));
    await refused(config("a0", "a1", "fa1"), "23505", "user_server_configs_key");
  });

  test("a custom server has a team, a predefined one has none; names are unique in a catalogue only", async () => {
    const server = (team: string, name: string, type: string) =>
      `INSERT INTO mcp_servers (team_id, name, image, catalog_type) VALUES (${team}, '${name}', 'x/y:1', '${type}')`;
    await refused(server("NULL", "stray", "custom"), "23514", "mcp_servers_custom_has_team");
    await refused(server(`'${id("a0")}'`, "stray", "predefined"), "23514", "mcp_servers_custom_has_team");
    await refused(server("NULL", "github", "predefined"), "23505", "mcp_servers_name_key");
    await sql(server(`'${id("b0")}'`, "github", "custom"));
  });

  test("sealed text and its key version come together, under a version that is there", async () => {
    const set = (values: string) => `UPDATE user_server_configs SET ${values} WHERE id = '${id("ea1")}'`;
    await refused(set("key_version = NULL"), "23514", "user_server_configs_sealed");
    await refused(set("encrypted_config = NULL"), "23514", "user_server_configs_sealed");
    await refused(set("key_version = 7"), "23503", "user_server_configs_key_fkey");
  });

  test("one key version is active, a retired one is destroyed, and none goes that a setting needs", async () => {
    const wrapped = "decode(repeat('00', 60), 'hex')";
    const key = (version: number) =>
      `INSERT INTO encryption_keys (version, wrapped_with, wrapped_key) VALUES (${version}, '0123456789abcdef', ${wrapped})`;
    await refused(key(2), "23505", "encryption_keys_one_active_key");
    await refused(
      "UPDATE encryption_keys SET state = 'retired', retired_at = now(), rotated_at = now()",
      "23514",
      "encryption_keys_retired_is_destroyed",
    );
    await refused(
      "UPDATE encryption_keys SET state = 'retired', retired_at = now(), rotated_at = now(), wrapped_key = NULL",
      "23503",
      "user_server_configs_key_fkey",
    );
  });

  test("a session has hashes of 32 bytes and nothing shorter: a token in the clear does not fit", async () => {
    await refused(
      `INSERT INTO user_sessions (team_id, user_id, token_hash, expires_at)
       VALUES ('${id("a0")}', '${id("a1")}', 'a-token-in-clear-text', now() + interval '1 hour')`,
      "23514",
      "user_sessions_token_hash_check",
    );
    await refused(
      `INSERT INTO user_sessions (team_id, user_id, token_hash, expires_at)
       VALUES ('${id("a0")}', '${id("a1")}', sha256('x'), now())`,
      "23514",
      "user_sessions_expires_later",
    );
  });

  test.each([
    "teams",
    "users",
    "team_members",
    "mcp_servers",
    "user_server_configs",
  ])("updated_at of %s follows a change", async (table) => {
    await sql(`ALTER TABLE ${table} DISABLE TRIGGER updated_at`);
    await sql(`UPDATE ${table} SET updated_at = '2020-01-01'`);
    await sql(`ALTER TABLE ${table} ENABLE TRIGGER updated_at`);
    const key = table === "team_members" ? "user_id" : "id";
    await sql(`UPDATE ${table} SET ${key} = ${key}`);
    expect(await sql(`SELECT 1 FROM ${table} WHERE updated_at < '2021-01-01'`)).toEqual([]);
  });

  test("last_state_change follows the state of the container and nothing else", async () => {
    const when = async () => {
      const [row] = await database.admin.query<{ last_state_change: Date | null }>(
        `SELECT last_state_change FROM user_server_configs WHERE id = '${id("ea2")}'`,
      );
      return row?.last_state_change;
    };
    await sql(`UPDATE user_server_configs SET enabled = true WHERE id = '${id("ea2")}'`);
    expect(await when()).toBeNull();
    await sql(`UPDATE user_server_configs SET container_state = 'creating' WHERE id = '${id("ea2")}'`);
    expect(await when()).toBeInstanceOf(Date);
  });

  test("the identity of a user follows from account and membership, and is none for who has left", async () => {
    const identity = async (user: string, team: string) =>
      (
        await database.admin.query<{ identity: string }>(
          `SELECT identity_of('${id(user)}', '${id(team)}') AS identity`,
        )
      )[0]?.identity;
    expect(await identity("a2", "a0")).toBe("member");
    expect(await identity("a3", "a0")).toBe("admin");
    expect(await identity("c1", "a0")).toBe("superadmin");
    // An admin of one team is nothing in another; an inactive account is nothing anywhere.
    expect(await identity("a3", "b0")).toBeNull();
    expect(await identity("a4", "a0")).toBeNull();
    await sql(`UPDATE teams SET is_active = false WHERE id = '${id("b0")}'`);
    expect(await identity("b1", "b0")).toBeNull();
  });

  test("views read as whoever asks", async () => {
    const views = await sql(
      "SELECT relname, reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace" +
        " AND relowner = 'mcp_admin'::regrole ORDER BY relname",
    );
    expect(views).toEqual([
      { relname: "server_statistics", reloptions: ["security_invoker=true"] },
      { relname: "user_dashboard", reloptions: ["security_invoker=true"] },
    ]);
    const [row] = await sql(
      `SELECT total_servers, enabled_servers, running_servers FROM user_dashboard WHERE user_id = '${id("b2")}'`,
    );
    expect(row).toEqual({ total_servers: "1", enabled_servers: "1", running_servers: "0" });
    const [statistics] = await sql(
      `SELECT total_users, active_users, running_instances FROM server_statistics WHERE server_id = '${id("f01")}'`,
    );
    expect(statistics).toEqual({ total_users: "2", active_users: "2", running_instances: "1" });
  });

  test("usage is counted at a refresh, and a team's admin sees that team's alone", async () => {
    await sql("SELECT internal.refresh_server_usage()");
    const rows = await database.as({ role: "mcp_portal_admin", tenant: id("b0") }, () =>
      sql("SELECT team_id, server_id, users FROM team_server_usage() ORDER BY server_id"),
    );
    expect(rows).toEqual([
      { team_id: id("b0"), server_id: id("f01"), users: "1" },
      { team_id: id("b0"), server_id: id("fb1"), users: "1" },
    ]);
    expect(await sql("SELECT 1 FROM team_server_usage()")).toEqual([]);
    expect(await sql("SELECT 1 FROM all_server_usage()")).toEqual([]);
    await sql(`DELETE FROM user_server_configs WHERE id = '${id("eb2")}'`);
    await sql("SELECT internal.refresh_server_usage()");
    const after = await database.as({ role: "mcp_portal_superadmin" }, () =>
      sql("SELECT 1 FROM all_server_usage()"),
    );
    expect(after).toHaveLength(3);
  });

  test("a search finds words and tags in the predefined catalogue and the context's team", async () => {
    const found = (words: string, tags = "{}") =>
      sql("SELECT name, team_id FROM search_servers($1, $2::text[])", [words, tags]);
    const asAlpha = <T>(work: () => Promise<T>) =>
      database.as({ role: "member", tenant: id("a0"), subject: id("a1") }, work);
    expect(await asAlpha(() => found("pull request"))).toEqual([{ name: "github", team_id: null }]);
    expect(await asAlpha(() => found("", "{invoices}"))).toEqual([{ name: "ledger", team_id: id("a0") }]);
    expect(await found("pull request")).toEqual([]);
  });
});
