import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { type Opened, type ServiceLogins, startServiceLogins } from "../../support/row-matrix/service";

/** So many rows more than one, of one value: what ANALYZE would keep as one that repeats. */
const COPIES = 40;

interface Column extends Record<string, unknown> {
  table: string;
  column: string;
}

/** What EXPLAIN tells the service's login, without a context, of the rows of all tenants. */
describe.each(["16", "17"] as const)("statistics on PostgreSQL %s", (version) => {
  let service: ServiceLogins;
  beforeAll(async () => {
    service = await startServiceLogins(version);
  });
  afterAll(() => service?.stop());

  /** Rows that the planner expects, as the service without a context; undefined: it may not ask. */
  const estimate = async (
    { database, ways: [client] }: Opened,
    { table, column }: Column,
    condition: string,
  ) => {
    const answer = await service.work(
      client as PostgresConnection,
      database,
      undefined,
      `EXPLAIN (FORMAT JSON) SELECT FROM ${table} WHERE ${column} ${condition}`,
    );
    if (answer instanceof PostgresError) {
      expect(answer.code).toBe("42501");
      return undefined;
    }
    return (answer as { "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }[])[0]?.["QUERY PLAN"][0].Plan[
      "Plan Rows"
    ];
  };

  describe.each(rowSecurity)("of $database", ({ database, schema }) => {
    let opened: Opened;
    beforeAll(async () => {
      opened = await service.open(database);
    });

    test("no value is kept of what is text, an address or bytes, nor of a key, after ANALYZE and for new months", async () => {
      const { admin } = opened;
      const { ways } = opened;
      // A month of the fixtures, which no function has made.
      if (database === "mcp_portal")
        await admin.query("DROP TABLE internal.audit_logs_2026_01; SELECT internal.make_audit_partitions()");
      else
        await service.work(
          ways[0] as PostgresConnection,
          database,
          { identity: "service" },
          "SELECT * FROM maintain_logs()",
        );
      await admin.query("ANALYZE");
      const kept = await admin.query(
        `SELECT s.starelid::regclass::text AS relation, a.attname FROM pg_statistic s
         JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum JOIN pg_type y ON y.oid = a.atttypid
         JOIN pg_class c ON c.oid = s.starelid
         LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
         JOIN pg_class t ON t.oid = coalesce(i.indrelid, h.inhparent, c.oid)
         WHERE t.relnamespace = $1::regnamespace AND t.relrowsecurity
           AND (y.typcategory IN ('S', 'I') OR a.atttypid = 'bytea'::regtype OR a.attname = 'id' AND i.indexrelid IS NULL AND c.relkind = 'r' AND NOT c.relispartition)`,
        [schema],
      );
      expect(kept).toEqual([]);
      const months = await admin.query(
        `SELECT c.relname, a.attname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type y ON y.oid = a.atttypid
         WHERE c.relkind = 'r' AND coalesce(a.attstattarget, -1) <> 0 AND (y.typcategory IN ('S', 'I') OR a.atttypid = 'bytea'::regtype)`,
      );
      expect(months).toEqual([]);
    });
  });

  test("what is estimated is the same for a value that repeats, one that is there and one that is not", async () => {
    const opened = await service.openBriefly("ncy8");
    const { admin } = opened;
    await admin.query("SET session_replication_role = replica");
    await admin.query(
      `INSERT INTO projects (organization_id, name) SELECT o.id, CASE WHEN n < ${COPIES} THEN 'merger with Beta' ELSE 'p' || n END
       FROM organizations o, generate_series(1, 200) n;
       INSERT INTO users (email, password_hash) SELECT 'u' || n || '@secret.example', '$2b$12$x' FROM generate_series(1, 300) n;
       INSERT INTO sessions (user_id, refresh_token_hash, ip_address, user_agent, expires_at)
       SELECT (SELECT id FROM users LIMIT 1), sha256(n::text::bytea), '198.51.100.7', 'Browser of Beta', now() + interval '1 day'
       FROM generate_series(1, 100) n`,
    );
    const values: [string, string, string[]][] = [
      ["projects", "name", ["'merger with Beta'", "'p150'", "'nothing of it'"]],
      ["sessions", "ip_address", ["'198.51.100.7'", "'203.0.113.1'"]],
      ["sessions", "user_agent", ["'Browser of Beta'", "'x'"]],
      ["users", "email", ["'u7@secret.example'", "'x@x.example'"]],
    ];
    const told = async () => {
      await admin.query("ANALYZE");
      const found: [string, number][] = [];
      for (const [table, column, each] of values) {
        for (const operator of ["=", "<", ">="]) {
          const estimates = [];
          for (const value of each)
            estimates.push(await estimate(opened, { table, column }, `${operator} ${value}`));
          expect(estimates[0]).toBeGreaterThan(0);
          found.push([`${table}.${column} ${operator}`, new Set(estimates).size]);
        }
      }
      return found.filter(([, different]) => different > 1).map(([what]) => what);
    };
    expect(await told()).toEqual([]);
    // What would be told otherwise.
    for (const [table, column] of values)
      await admin.query(`ALTER TABLE ${table} ALTER COLUMN ${column} SET STATISTICS 100`);
    expect((await told()).length).toBeGreaterThan(4);
  });
});
