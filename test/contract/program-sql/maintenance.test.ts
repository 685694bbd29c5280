import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../../support/fixtures";
import { believing, type ProgramDatabases, startProgramDatabases } from "../../support/program-database";

const MEMBER = rowId("a1");
const DATABASES = [
  { name: "mcp_admin", token: "token_hash", logs: { audit_logs: "created_at" }, words: ["a1@alpha", "Ada"] },
  {
    name: "ncy8",
    token: "refresh_token_hash",
    logs: { audit_logs: "created_at", error_logs: "created_at", access_logs: "timestamp" },
    words: ["a1@alpha", "Vienna"],
  },
];

/** Past the triggers: what has been so for long. */
async function longAgo(db: PostgresConnection, statement: string): Promise<void> {
  await db.query("SET session_replication_role = replica");
  await db.query(statement);
  await db.query("RESET session_replication_role");
}

describe.each(["16", "17"] as const)("upkeep on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  beforeAll(async () => {
    databases = await startProgramDatabases(
      version,
      DATABASES.map(({ name }) => name),
    );
  });
  afterAll(() => databases?.stop());

  describe.each(DATABASES)("of $name", ({ name, token, logs, words }) => {
    let db: PostgresConnection;
    beforeEach(async () => {
      db = await databases.open(name);
    });
    const count = async (from: string) =>
      (await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`))[0]?.n;
    const answer = async (call: string) => Object.values((await db.query(`SELECT ${call}`))[0] ?? {})[0];

    test("sessions past their end go, in batches, and no other", async () => {
      await db.query(`INSERT INTO sessions (user_id, ${token}, created_at, expires_at)
        SELECT '${MEMBER}', sha256(n::text::bytea), now() - interval '2 hours', now() - interval '1 minute'
        FROM generate_series(1, 5) n`);
      expect([
        await answer("delete_expired_sessions(3)"),
        await answer("delete_expired_sessions(3)"),
      ]).toEqual(["3", "2"]);
      expect(await answer("delete_expired_sessions()")).toBe("0");
      expect(await count("sessions")).toBe(3);
    });

    test("keys go 30 days after their end", async () => {
      const ended = (days: number, end: string) =>
        db.query(`UPDATE api_keys SET created_at = now() - interval '1 year',
          expires_at = now() - interval '${days} days' WHERE id = '${rowId(end)}'`);
      await ended(31, "ca1");
      await ended(29, "ca2");
      expect(await answer("delete_expired_api_keys()")).toBe("1");
      expect(await count(`api_keys WHERE id = '${rowId("ca2")}'`)).toBe(1);
    });

    test("without a context it stops under row security and does not say that nothing was there", async () => {
      await db.query("CREATE ROLE worker").catch(() => undefined);
      await db.query("GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO worker");
      await db.query("GRANT USAGE ON SCHEMA context TO worker");
      for (const table of ["sessions", "api_keys", "users"])
        await db.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
      await db.query("SET ROLE worker");
      const calls = ["delete_expired_sessions()", "delete_expired_api_keys()", "purge_deleted()"];
      for (const call of [...calls, `anonymize_user('${MEMBER}')`]) {
        const message = expect.stringMatching(/needs a signed context/);
        await expect(answer(call), call).rejects.toMatchObject({ code: "42501", message });
      }
      const believed = believing(db, { role: "worker" }, () => answer("delete_expired_sessions()"));
      expect(await believed).toBe("0");
    });

    test("an anonymised user is nowhere any more, not in the audit log either; the row stays", async () => {
      const hits = async () => {
        const tables = await db.query<{ name: string }>(
          "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'internal')",
        );
        const found = [];
        for (const table of tables)
          for (const word of words)
            found.push(await count(`${table.name} t WHERE t::text LIKE '%${word}%'`).then((n) => n ?? 0));
        return found.reduce((sum, n) => sum + n, 0);
      };
      expect(await hits()).toBeGreaterThan(1);
      expect(await answer(`anonymize_user('${MEMBER}')`)).toBe(true);
      expect(await hits()).toBe(0);
      expect(await count(`users WHERE id = '${MEMBER}' AND anonymized_at IS NOT NULL`)).toBe(1);
      expect(await count(`sessions WHERE user_id = '${MEMBER}'`)).toBe(0);
      expect(await count(`audit_logs WHERE action = 'ANONYMIZE' AND target_id = '${MEMBER}'`)).toBe(1);
      expect(await answer(`anonymize_user('${MEMBER}')`)).toBe(false);
      expect(await answer(`anonymize_user('${rowId("dead")}')`)).toBe(false);
    });

    test("what was deleted 7 years ago goes for good, what was deleted later stays", async () => {
      const deleted = (user: string, ago: string) =>
        longAgo(db, `UPDATE users SET deleted_at = now() - interval '${ago}' WHERE id = '${rowId(user)}'`);
      await deleted("a1", "7 years 1 day");
      await deleted("a2", "6 years 11 months");
      const purged = await db.query<{ table_name: string; purged: string }>("SELECT * FROM purge_deleted()");
      expect(purged.filter((row) => row.purged !== "0")).toEqual([{ table_name: "users", purged: "1" }]);
      expect(await count(`users WHERE id = '${rowId("a2")}'`)).toBe(1);
      expect(await count(`sessions WHERE user_id = '${MEMBER}'`)).toBe(0);
    });

    const maintain = (connection: PostgresConnection) =>
      connection.query<{ partition: string; event: string }>("SELECT * FROM maintain_logs() ORDER BY 1");
    const month = async (sign: "+" | "-", offset: string) =>
      (
        await db.query<{ m: string }>(
          `SELECT to_char((now() AT TIME ZONE 'UTC') ${sign} interval '${offset}', '"_y"YYYY"m"MM') AS m`,
        )
      )[0]?.m;

    const sizes = async () => {
      const all: (number | undefined)[] = [];
      for (const log of Object.keys(logs)) all.push(await count(log));
      return all;
    };

    test("months are made ahead; rows that waited in the rest move; a second call finds nothing to do", async () => {
      const before = await sizes();
      const made = await maintain(db);
      const ahead: (string | undefined)[] = [];
      for (const offset of ["0 months", "1 month", "2 months", "3 months"])
        ahead.push(await month("+", offset));
      const expected = Object.keys(logs).flatMap((log) =>
        ahead.map((suffix) => ({ partition: `${log}${suffix}`, event: "made" })),
      );
      const byName = (a: { partition: string }, b: { partition: string }) =>
        a.partition < b.partition ? -1 : 1;
      expect(made.sort(byName)).toEqual(expected.sort(byName));
      for (const log of Object.keys(logs)) {
        expect(await count(`internal.${log}_default`)).toBe(0);
        expect(await count(`internal.${log}${ahead[0]}`)).toBeGreaterThan(0);
      }
      expect(await sizes()).toEqual(before);
      expect(await maintain(db)).toEqual([]);
    });

    test("two at once do not get into each other's way", async () => {
      const other = await databases.again(db);
      const [one, two] = await Promise.all([maintain(db), maintain(other)]);
      expect([one.length, two.length].sort()).toEqual([0, 4 * Object.keys(logs).length]);
    });

    test("a month goes when all of it is past its retention", async () => {
      for (const [log, column] of Object.entries(logs)) {
        const [gone, kept] = log === "audit_logs" ? ["7 years 1 month", "7 years"] : ["121 days", "89 days"];
        // Its month is there; a row this old that is in none goes at once.
        await db.query(`DO $$ BEGIN EXECUTE format('CREATE TABLE internal.${log}%s PARTITION OF ${log} FOR VALUES FROM (%L) TO (%L)',
          to_char(date_trunc('month', now() AT TIME ZONE 'UTC' - interval '${gone}'), '"_y"YYYY"m"MM'),
          date_trunc('month', now() AT TIME ZONE 'UTC' - interval '${gone}') AT TIME ZONE 'UTC',
          date_trunc('month', now() AT TIME ZONE 'UTC' - interval '${gone}' + interval '1 month') AT TIME ZONE 'UTC'); END $$`);
        const copy = `INSERT INTO ${log} SELECT (jsonb_populate_record(t,
          jsonb_build_object('${column}', now() - interval`;
        for (const age of [gone, kept]) await db.query(`${copy} '${age}'))).* FROM ${log} t LIMIT 1`);
      }
      const events = await maintain(db);
      for (const [log, column] of Object.entries(logs)) {
        const oldest = log === "audit_logs" ? "7 years 1 month" : "121 days";
        const dropped = events.filter(
          ({ partition, event }) => event === "dropped" && partition.startsWith(log),
        );
        expect(dropped.map(({ partition }) => partition)).toContain(`${log}${await month("-", oldest)}`);
        const kept = log === "audit_logs" ? "6 years 364 days" : "88 days";
        const limit = log === "audit_logs" ? "7 years 1 day" : "90 days";
        expect(await count(`${log} WHERE ${column} < now() - interval '${kept}'`)).toBe(1);
        expect(await count(`${log} WHERE ${column} < now() - interval '${limit}' - interval '31 days'`)).toBe(
          0,
        );
      }
    });
  });

  test("ncy8: the note of a backup goes with its file after 30 days", async () => {
    const db = await databases.open("ncy8");
    await db.query(`INSERT INTO backup_snapshots (path, size, created_at)
      VALUES ('old', 1, now() - interval '31 days'), ('young', 1, now() - interval '29 days')`);
    expect(await db.query("SELECT delete_expired_backup_snapshots() AS gone")).toEqual([{ gone: "1" }]);
    expect(await db.query("SELECT path FROM backup_snapshots ORDER BY path")).toEqual([
      { path: "ncy8/2026/11/ncy8.dump" },
      { path: "young" },
    ]);
  });

  test("ncy8: who owns an organisation is not purged before it", async () => {
    const db = await databases.open("ncy8");
    const owner = rowId("a3");
    await longAgo(db, `UPDATE users SET deleted_at = now() - interval '8 years' WHERE id = '${owner}'`);
    await db.query("SELECT * FROM purge_deleted()");
    expect(await db.query(`SELECT id FROM users WHERE id = '${owner}'`)).toHaveLength(1);
    await longAgo(
      db,
      `UPDATE organizations SET deleted_at = now() - interval '8 years' WHERE owner_id = '${owner}'`,
    );
    await db.query("SELECT * FROM purge_deleted()");
    expect(await db.query(`SELECT id FROM users WHERE id = '${owner}'`)).toEqual([]);
  });
});
