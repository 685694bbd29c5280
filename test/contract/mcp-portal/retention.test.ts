import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

/** First day of the month that many months away, `2026-08-01`. */
function month(offset: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString().slice(0, 10);
}
const partition = (offset: number) => `audit_logs_${month(offset).slice(0, 7).replace("-", "_")}`;

describe.each(["16", "17"] as const)("retention of mcp_portal on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  beforeAll(async () => {
    portal = await startPortal(version);
  });
  afterAll(() => portal?.stop());
  beforeEach(async () => {
    database = await portal.open({ empty: true });
    // The jobs work as the owner.
    await sql("SET ROLE mcp_admin");
  });

  const sql = (text: string, values: string[] = []) => database.admin.query(text, values);
  const call = async (text: string) => (await sql(`SELECT ${text} AS answer`)).map(({ answer }) => answer);
  const count = async (table: string) => Number((await sql(`SELECT count(*) AS n FROM ${table}`))[0]?.n);
  const event = (at: string, action = "login") =>
    sql(
      "INSERT INTO audit_logs (occurred_at, actor_role, login, action, resource_type) VALUES ($1, 'x', 'x', $2, 'x')",
      [at, action],
    );
  const partitions = async (parent: string) =>
    (
      await sql(
        "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = $1::regclass ORDER BY 1",
        [parent],
      )
    ).map(({ relname }) => relname);

  test("partitions are made ahead once, and rows go to their month", async () => {
    const made = [0, 1, 2, 3].map(partition);
    expect(await call("internal.make_audit_partitions()")).toEqual(made);
    expect(await call("internal.make_audit_partitions()")).toEqual([]);
    await event(month(2));
    expect(await count(`internal.${partition(2)}`)).toBe(1);
    // Past what is made ahead: kept, not refused.
    await event(month(9));
    expect(await count("internal.audit_logs_default")).toBe(1);
  });

  test("rows that came before their partition move into it, and the log stays append-only", async () => {
    await event(month(0));
    await event(month(-1));
    expect(await call("internal.make_audit_partitions(1)")).toEqual([-1, 0, 1].map(partition));
    expect(await count("internal.audit_logs_default")).toBe(0);
    expect(await count(`internal.${partition(-1)}`)).toBe(1);
    expect(await count("audit_logs")).toBe(2);
    for (const table of ["audit_logs", "internal.audit_logs_default", `internal.${partition(0)}`]) {
      await event(month(9));
      await expect(sql(`DELETE FROM ${table}`), table).rejects.toThrow("append-only");
    }
  });

  test("a month is hot until 30 days after its end, then archived whole", async () => {
    for (const offset of [-3, -2, -1, 0]) await event(month(offset));
    await sql("SELECT internal.make_audit_partitions()");
    const ended = (offset: number) => Date.parse(month(offset + 1)) + 30 * 86_400_000 <= Date.now();
    const moved = [-3, -2, -1, 0].filter(ended).map(partition);
    expect(moved).toContain(partition(-3));
    expect(moved).not.toContain(partition(0));
    expect(await call("internal.archive_audit_logs()")).toEqual(moved);
    expect(await partitions("audit_logs_archive")).toEqual(moved);
    expect(await count("audit_logs_archive")).toBe(moved.length);
    expect(await count("audit_logs")).toBe(4 - moved.length);
    expect(await call("internal.archive_audit_logs()")).toEqual([]);
    await expect(sql("SELECT internal.archive_audit_logs(7)")).rejects.toThrow("30 days at least");
    // A month that has left is not made anew.
    expect(await call("internal.make_audit_partitions()")).toEqual([]);
  });

  test("the archive keeps each action for its own time and drops months that are empty", async () => {
    // In months instead of years, so that there are few of them; days of months that hold on each day of the month.
    await sql("UPDATE audit_retention SET keep_days = CASE action WHEN 'login' THEN 150 ELSE 240 END");
    await event(month(-6), "login");
    await event(month(-6), "role_changed");
    await event(month(-9), "role_changed");
    await event(month(-3), "login");
    await sql("SELECT internal.make_audit_partitions()");
    await sql("SELECT internal.archive_audit_logs()");
    expect(await call("internal.purge_audit_archive()")).toEqual(["2"]);
    const kept = await sql("SELECT action FROM audit_logs_archive ORDER BY occurred_at");
    expect(kept).toEqual([{ action: "role_changed" }, { action: "login" }]);
    expect(await partitions("audit_logs_archive")).toEqual([-6, -3].map(partition));
    expect(await call("internal.purge_audit_archive()")).toEqual(["0"]);
  });

  test("every action has a time, a login two years and a change of rights eight", async () => {
    const days = "SELECT keep_days FROM audit_retention WHERE action IN ('login', 'role_changed') ORDER BY 1";
    expect(await sql(days)).toEqual([{ keep_days: 730 }, { keep_days: 2920 }]);
    const without = await sql(
      "SELECT a FROM unnest(enum_range(NULL::audit_action)) AS a WHERE a NOT IN (SELECT action FROM audit_retention)",
    );
    expect(without).toEqual([]);
  });

  test("sessions that ended or idle go, in batches; others stay; the log says so", async () => {
    const full = await portal.open();
    const run = (text: string) => full.admin.query(text);
    const rows = [
      "now() - interval '2 days', now() - interval '1 hour', now() - interval '1 second', true",
      "now() - interval '2 days', now() - interval '31 minutes', now() + interval '1 day', true",
      "now() - interval '2 days', now() - interval '31 minutes', now() + interval '1 day', false",
      "now() - interval '2 days', now() - interval '29 minutes', now() + interval '1 day', true",
    ];
    for (const [at, values] of rows.entries()) {
      await run(
        `INSERT INTO user_sessions (team_id, user_id, token_hash, created_at, last_activity, expires_at, is_active)
         VALUES ('${id("a0")}', '${id("a1")}', sha256('${at}'), ${values})`,
      );
    }
    await run("SET ROLE mcp_admin");
    const cleaned = async (batch: number) =>
      (await run(`SELECT internal.clean_sessions(${batch}) AS gone`))[0]?.gone;
    expect(await cleaned(1)).toBe("1");
    expect(await cleaned(100)).toBe("1");
    expect(await cleaned(100)).toBe("0");
    expect(await run("SELECT 1 FROM user_sessions")).toHaveLength(5);
    expect(await run("SELECT 1 FROM audit_logs WHERE action = 'session_expired'")).toHaveLength(2);
  });
});
