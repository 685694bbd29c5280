import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../../support/fixtures";
import { believing, type ProgramDatabases, startProgramDatabases } from "../../support/program-database";
import { refusal } from "./refusal";

const [ALPHA, BETA] = [rowId("a0"), rowId("b0")];
const [MEMBER, MANAGER, OWNER] = [rowId("a1"), rowId("a2"), rowId("a3")];
const OF_BETA = rowId("b2");

/** As the platform's own documents list them. */
const ENUMS = {
  log_level: ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"],
  org_role: ["OWNER", "ADMIN", "MANAGER", "MEMBER"],
  project_status: ["ACTIVE", "INACTIVE", "ARCHIVED"],
  task_priority: ["LOW", "MEDIUM", "HIGH", "URGENT"],
  task_status: ["TODO", "IN_PROGRESS", "REVIEW", "DONE", "CANCELLED"],
  user_role: ["ADMIN", "MANAGER", "EMPLOYEE", "SYSTEM"],
  user_status: ["ACTIVE", "INACTIVE", "SUSPENDED", "PENDING"],
};

describe.each(["16", "17"] as const)("ncy8 on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  let db: PostgresConnection;
  beforeAll(async () => {
    databases = await startProgramDatabases(version, ["ncy8"]);
    db = await databases.open("ncy8");
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

  test("the enums hold what they should, in that order", async () => {
    const rows = await db.query<{ name: string; labels: string[] }>(
      `SELECT typname AS name, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
       FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname ORDER BY typname`,
    );
    expect(Object.fromEntries(rows.map(({ name, labels }) => [name, labels]))).toEqual(ENUMS);
  });

  test("an address and a slug belong to one living row, and are free again after it", async () => {
    const user = "INSERT INTO users (email, password_hash) VALUES ('a1@alpha.example', '$2b$12$x')";
    const organization = `INSERT INTO organizations (name, slug, owner_id) VALUES ('New', 'alpha', '${OWNER}')`;
    expect(await refused(user)).toMatchObject({ code: "23505" });
    expect(await refused(organization)).toMatchObject({ code: "23505" });
    await db.query(`UPDATE users SET deleted_at = now() WHERE id = '${MEMBER}'`);
    await db.query(`UPDATE organizations SET deleted_at = now() WHERE id = '${ALPHA}'`);
    await db.query(user);
    await db.query(organization);
  });

  test.each([
    ["password_hash", `UPDATE users SET password_hash = 'secret12' WHERE id = '${MEMBER}'`],
    ["email", `UPDATE users SET email = 'A1@alpha.example' WHERE id = '${MEMBER}'`],
    ["refresh_token_hash", `UPDATE sessions SET refresh_token_hash = 'a token' WHERE id = '${rowId("da1")}'`],
    ["key_hash", `UPDATE api_keys SET key_hash = 'a key' WHERE id = '${rowId("ca1")}'`],
    ["status_code", "UPDATE access_logs SET status_code = 42"],
    ["size", "UPDATE backup_snapshots SET size = 0"],
  ])("%s takes only what it is for", async (column, sql) => {
    const message = expect.stringMatching(new RegExp(`${column}_check`));
    expect(await refused(sql)).toMatchObject({ code: "23514", message });
  });

  test.each([
    [
      "a task in another tenant's project",
      `UPDATE tasks SET organization_id = '${BETA}' WHERE id = '${rowId("9a3")}'`,
    ],
    [
      "a task for nobody of the tenant",
      `UPDATE tasks SET assignee_id = '${OF_BETA}' WHERE id = '${rowId("9a1")}'`,
    ],
    [
      "a team with nobody of the tenant",
      `INSERT INTO team_members (organization_id, team_id, user_id) VALUES ('${ALPHA}', '${rowId("7a1")}', '${OF_BETA}')`,
    ],
    [
      "somebody in another tenant's team",
      `INSERT INTO team_members (organization_id, team_id, user_id) VALUES ('${BETA}', '${rowId("7a1")}', '${OF_BETA}')`,
    ],
    [
      "a role for nobody of the tenant",
      `INSERT INTO user_roles (organization_id, user_id, role_id) VALUES ('${ALPHA}', '${OF_BETA}', '${rowId("f01")}')`,
    ],
    [
      "a key for nobody of the tenant",
      `UPDATE api_keys SET user_id = '${OF_BETA}' WHERE id = '${rowId("ca1")}'`,
    ],
  ])("no %s", async (_what, sql) => {
    expect(await refused(sql)).toMatchObject({ code: "23503" });
  });

  test("who leaves loses roles, teams and keys; their tasks stay and are nobody's", async () => {
    await db.query(`DELETE FROM organization_members WHERE id = '${rowId("aa1")}'`);
    for (const table of ["user_roles", "team_members", "api_keys"]) {
      const left = `SELECT count(*)::int AS n FROM ${table} WHERE organization_id = '${ALPHA}' AND user_id = '${MEMBER}'`;
      expect(await one(left), table).toEqual({ n: 0 });
    }
    expect(await one(`SELECT organization_id, assignee_id FROM tasks WHERE id = '${rowId("9a1")}'`)).toEqual({
      organization_id: ALPHA,
      assignee_id: null,
    });
  });

  test("the address in the memberships is the user's, whatever happens to it", async () => {
    await db.query(`UPDATE users SET email = 'ada@alpha.example' WHERE id = '${MEMBER}'`);
    const copies = `SELECT DISTINCT email FROM organization_members WHERE user_id = '${MEMBER}'`;
    expect(await db.query(copies)).toEqual([{ email: "ada@alpha.example" }]);
  });

  test.each([
    "users",
    "organizations",
    "user_preferences",
    "teams",
    "projects",
    "tasks",
  ])("%s: updated_at says when, whatever the update says", async (table) => {
    await db.query(`UPDATE ${table} SET updated_at = '2001-01-01', created_at = '2001-01-01'`);
    expect(await one(`SELECT count(*)::int AS n FROM ${table} WHERE updated_at <> now()`)).toEqual({ n: 0 });
  });

  const roleOf = (user: string, role: string) =>
    `UPDATE organization_members SET role = '${role}' WHERE user_id = '${user}' AND organization_id = '${ALPHA}'`;
  const admin = { role: "ncy8_admin", tenant: ALPHA, subject: MANAGER };

  test("nobody changes their own role; an admin changes another's", async () => {
    await believing(db, admin, async () => {
      const message = expect.stringMatching(/role of their own/);
      expect(await refused(roleOf(MANAGER, "ADMIN"))).toMatchObject({ code: "42501", message });
      await db.query(roleOf(MEMBER, "ADMIN"));
    });
    expect(await one(`SELECT role FROM organization_members WHERE id = '${rowId("aa1")}'`)).toEqual({
      role: "ADMIN",
    });
  });

  test("who owns an organisation is the service's to change: neither given nor taken by an admin", async () => {
    await believing(db, admin, async () => {
      for (const sql of [roleOf(MEMBER, "OWNER"), roleOf(OWNER, "MEMBER")])
        expect(await refused(sql)).toMatchObject({
          code: "42501",
          message: expect.stringMatching(/only the service/),
        });
    });
    await believing(db, { role: "svc_ncy8" }, () => db.query(roleOf(MEMBER, "OWNER")));
  });

  test("a grant carries who made it, and nobody makes one to themselves", async () => {
    const grant = (user: string) =>
      `INSERT INTO user_roles (organization_id, user_id, role_id, granted_by)
       VALUES ('${ALPHA}', '${user}', '${rowId("f02")}', '${OWNER}')`;
    await believing(db, admin, async () => {
      expect(await refused(grant(MANAGER))).toMatchObject({ code: "42501" });
      await db.query(grant(MEMBER));
    });
    const made = `SELECT granted_by FROM user_roles WHERE user_id = '${MEMBER}' AND role_id = '${rowId("f02")}'`;
    expect(await one(made)).toEqual({ granted_by: MANAGER });
  });
});
