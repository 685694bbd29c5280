import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../../support/fixtures";
import { believing, type ProgramDatabases, startProgramDatabases } from "../../support/program-database";
import { refusal } from "./refusal";

const ALPHA = rowId("a0");
const [MEMBER, VIEWER, ADMIN] = [rowId("a1"), rowId("a2"), rowId("a3")];
const OF_BETA = rowId("b2");
const HASH = "sha256('anything')";

describe.each(["16", "17"] as const)("mcp_admin on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  let db: PostgresConnection;
  beforeAll(async () => {
    databases = await startProgramDatabases(version, ["mcp_admin"]);
    db = await databases.open("mcp_admin");
  });
  afterAll(() => databases?.stop());
  // One database for all: each test leaves the fixtures as it found them.
  beforeEach(async () => {
    await db.query("BEGIN");
    return async () => {
      await db.query("ROLLBACK");
    };
  });

  const one = async (sql: string) => (await db.query(sql))[0];
  const refused = (sql: string) => refusal(db, sql);

  test("an address and a slug belong to one living row, and are free again after it", async () => {
    const user = "INSERT INTO users (clerk_id, email) VALUES ('user_new', 'a1@alpha.example')";
    const organization =
      "INSERT INTO organizations (clerk_id, name, slug) VALUES ('org_new', 'New', 'alpha')";
    expect(await refused(user)).toMatchObject({ code: "23505" });
    expect(await refused(organization)).toMatchObject({ code: "23505" });
    await db.query(`UPDATE users SET deleted_at = now() WHERE id = '${MEMBER}'`);
    await db.query(`UPDATE organizations SET deleted_at = now() WHERE id = '${ALPHA}'`);
    await db.query(user);
    await db.query(organization);
  });

  test.each([
    ["an organisation", "INSERT INTO organizations (clerk_id, name, slug) VALUES ('user_x', 'X', 'x')"],
    ["a user", "INSERT INTO users (clerk_id, email) VALUES ('org_x', 'x@x.example')"],
    ["a membership", `UPDATE organization_memberships SET clerk_id = 'user_x' WHERE id = '${rowId("aa1")}'`],
    ["a session", `UPDATE sessions SET clerk_id = 'user_x' WHERE id = '${rowId("da1")}'`],
  ])("the Clerk id of %s is one of that kind", async (_kind, sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "23514",
      message: expect.stringMatching(/clerk_id_check/),
    });
  });

  test("a session works in an organisation of its user, and a key is made by a member", async () => {
    const session = `INSERT INTO sessions (user_id, organization_id, token_hash, expires_at)
      VALUES ('${OF_BETA}', '${ALPHA}', ${HASH}, now() + interval '1 hour')`;
    expect(await refused(session)).toMatchObject({
      code: "23503",
      message: expect.stringMatching(/sessions_membership_fkey/),
    });
    const key = `INSERT INTO api_keys (organization_id, created_by, name, key_prefix, key_hash)
      VALUES ('${ALPHA}', '${OF_BETA}', 'k', 'mcp_', ${HASH})`;
    expect(await refused(key)).toMatchObject({
      code: "23503",
      message: expect.stringMatching(/api_keys_created_by_fkey/),
    });
  });

  test.each([
    ["token_hash", `UPDATE sessions SET token_hash = 'a token' WHERE id = '${rowId("da1")}'`],
    ["key_hash", `UPDATE api_keys SET key_hash = 'a key' WHERE id = '${rowId("ca1")}'`],
    ["key_prefix", `UPDATE api_keys SET key_prefix = 'mcp_the_whole_key' WHERE id = '${rowId("ca1")}'`],
  ])("%s holds no secret as it is", async (column, sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "23514",
      message: expect.stringMatching(new RegExp(`${column}_check`)),
    });
  });

  test("the profile in the memberships is the user's, whatever happens to it", async () => {
    await db.query(
      `UPDATE users SET display_name = 'Ada L.', email = 'ada@alpha.example' WHERE id = '${MEMBER}'`,
    );
    const copies = `SELECT DISTINCT email, display_name FROM organization_memberships WHERE user_id = '${MEMBER}'`;
    expect(await db.query(copies)).toEqual([{ email: "ada@alpha.example", display_name: "Ada L." }]);
    const lie = `UPDATE organization_memberships SET display_name = 'Somebody' WHERE user_id = '${MEMBER}'`;
    expect(await refused(lie)).toMatchObject({ code: "23503" });
  });

  test("who leaves keeps the session, outside of the organisation; their keys stay the organisation's", async () => {
    await db.query(`DELETE FROM organization_memberships WHERE id = '${rowId("aa1")}'`);
    expect(await one(`SELECT organization_id FROM sessions WHERE id = '${rowId("da1")}'`)).toEqual({
      organization_id: null,
    });
    const key = await one(`SELECT organization_id, created_by FROM api_keys WHERE id = '${rowId("ca1")}'`);
    expect(key).toEqual({ organization_id: ALPHA, created_by: null });
  });

  test("a server that is in use is not deleted; with an organisation goes what is its own", async () => {
    expect(await refused(`DELETE FROM mcp_servers WHERE id = '${rowId("f01")}'`)).toMatchObject({
      code: "23503",
    });
    await db.query(`DELETE FROM organizations WHERE id = '${ALPHA}'`);
    for (const table of ["organization_memberships", "organization_services", "api_keys"]) {
      const left = await one(`SELECT count(*)::int AS n FROM ${table} WHERE organization_id = '${ALPHA}'`);
      expect(left, table).toEqual({ n: 0 });
    }
  });

  test.each([
    "organizations",
    "users",
    "organization_memberships",
    "mcp_servers",
    "organization_services",
  ])("%s: updated_at says when, whatever the update says", async (table) => {
    await db.query(`UPDATE ${table} SET updated_at = '2001-01-01', created_at = '2001-01-01'`);
    expect(await one(`SELECT count(*)::int AS n FROM ${table} WHERE updated_at <> now()`)).toEqual({ n: 0 });
  });

  test("nobody changes their own role, nor brings themselves in; an admin changes another's", async () => {
    const role = (user: string) =>
      `UPDATE organization_memberships SET role = 'ADMIN' WHERE user_id = '${user}' AND organization_id = '${ALPHA}'`;
    await believing(db, { role: "mcp_admin_admin", tenant: ALPHA, subject: VIEWER }, async () => {
      expect(await refused(role(VIEWER))).toMatchObject({
        code: "42501",
        message: expect.stringMatching(/role of their own/),
      });
      const join = `INSERT INTO organization_memberships (organization_id, user_id, clerk_id, role, email, display_name)
        SELECT '${rowId("b0")}', id, 'orgmem_self', 'ADMIN', email, display_name FROM users WHERE id = '${VIEWER}'`;
      expect(await refused(join)).toMatchObject({ code: "42501" });
    });
    await believing(db, { role: "mcp_admin_admin", tenant: ALPHA, subject: ADMIN }, () =>
      db.query(role(VIEWER)),
    );
    expect(await one(`SELECT role FROM organization_memberships WHERE id = '${rowId("aa2")}'`)).toEqual({
      role: "ADMIN",
    });
  });
});
