import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { type ProgramDatabases, startProgramDatabases } from "../../support/program-database";
import { BULK, SUBJECT, TENANT } from "./named-queries";

interface Plan {
  "Index Name"?: string;
  Plans?: Plan[];
}

/** Every index, with what it says it is for: its own comment or that of its constraint. */
const INDEXES = `
  SELECT indexrelid::regclass::text AS name, indisprimary AS is_primary,
    coalesce(obj_description(indexrelid, 'pg_class'), obj_description(con.oid, 'pg_constraint'), '') AS purpose
  FROM pg_index JOIN pg_class c ON c.oid = indrelid
    LEFT JOIN pg_constraint con ON con.conindid = indexrelid AND con.contype IN ('p', 'u')
  WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`;

describe.each(["16", "17"] as const)("indexes on PostgreSQL %s", (version) => {
  let databases: ProgramDatabases;
  beforeAll(async () => {
    databases = await startProgramDatabases(
      version,
      BULK.map(({ name }) => name),
    );
  });
  afterAll(() => databases?.stop());

  describe.each(BULK)("of $name", ({ name, rows, queries }) => {
    let db: PostgresConnection;
    const purposes = new Map<string, string>();
    /** Of a partition's index. */
    const parents = new Map<string, string>();

    beforeAll(async () => {
      db = await databases.open(name);
      await db.query("SET session_replication_role = replica");
      for (const sql of rows) await db.query(sql);
      await db.query("RESET session_replication_role");
      await db.query("VACUUM (ANALYZE)");
      await guard(db);
      for (const { name, purpose } of await db.query<{ name: string; purpose: string }>(INDEXES))
        purposes.set(name, purpose);
      const inherited = await db.query<{ child: string; parent: string }>(
        "SELECT inhrelid::regclass::text AS child, inhparent::regclass::text AS parent FROM pg_inherits",
      );
      for (const { child, parent } of inherited) parents.set(child.replace("internal.", ""), parent);
      // From here on as an application would: no owner, no superuser.
      await db.query(
        `SELECT set_config('test.tenant', '${TENANT}', false), set_config('test.subject', '${SUBJECT}', false)`,
      );
      await db.query("SET ROLE reader");
      await db.query("SET jit = off");
    });

    const indexesFor = (query: string) =>
      [...purposes]
        .filter(([, purpose]) => purpose.match(/query ([a-z-]+)/)?.[1] === query)
        .map(([index]) => index);

    test("every index says which query it serves, and every query has one", () => {
      const named = [...purposes].flatMap(([, purpose]) => purpose.match(/query ([a-z-]+)/)?.[1] ?? []);
      expect(named.sort()).toEqual(Object.keys(queries).sort());
    });

    test.each(Object.keys(queries))("%s uses its index, under row security", async (query) => {
      const [row] = await db.query<{ "QUERY PLAN": { Plan: Plan }[] }>(
        `EXPLAIN (FORMAT JSON) ${queries[query]}`,
      );
      const used = indexNames(row?.["QUERY PLAN"][0]?.Plan ?? {});
      expect(indexesFor(query)).toHaveLength(1);
      // A partition's index is named after the parent's, or by the server.
      expect(
        used.map((index) => parents.get(index) ?? index),
        `it used ${used}`,
      ).toContain(indexesFor(query)[0]);
      // The condition of a partial index is not asked again: what it leaves out is not even looked at.
      expect(JSON.stringify(row)).not.toMatch(/"Filter":"[^"]*status = ANY/);
    });

    test("every table has a primary key, and every index says what it is for", async () => {
      const keyless = `SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p')
        AND relnamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')`;
      expect(await db.query(keyless)).toEqual([]);
      const silent = await db.query<{ name: string; is_primary: boolean; purpose: string }>(INDEXES);
      expect(silent.filter(({ is_primary, purpose }) => !is_primary && !purpose)).toEqual([]);
    });

    test("every foreign key has an index that begins with its columns and leaves no row out", async () => {
      const bare = await db.query(`
        SELECT conname FROM pg_constraint fk
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
          SELECT FROM pg_index i WHERE i.indrelid = fk.conrelid AND i.indpred IS NULL
            AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(fk.conkey)] @> fk.conkey)`);
      expect(bare).toEqual([]);
    });

    test("functions pin their path, with the temporary schema last", async () => {
      const loose = await db.query(`
        SELECT proname FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, to_regnamespace('internal'))
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
          AND NOT coalesce(proconfig && ARRAY['search_path=pg_catalog, pg_temp', 'search_path=pg_catalog, public, pg_temp'], false)`);
      expect(loose).toEqual([]);
    });
  });
});

/** Policies of the form that the estate declares, for a role that owns nothing. */
async function guard(db: PostgresConnection): Promise<void> {
  await db.query("CREATE ROLE reader").catch(() => undefined);
  await db.query("GRANT USAGE ON SCHEMA context TO reader");
  await db.query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
  const tables = await db.query<{ name: string; tenant: boolean }>(
    `SELECT relname AS name, EXISTS (
       SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'organization_id') AS tenant
     FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  // Look-ups by token, by user and the like are the service's, which sees the rows of every tenant.
  const everyTenant = [
    "organization_memberships",
    "organization_members",
    "sessions",
    "api_keys",
    "access_logs",
    "audit_logs",
    "organization_services",
  ];
  for (const { name, tenant } of tables) {
    const all = !tenant || everyTenant.includes(name);
    const rule = all
      ? "(SELECT context.tenant()) IS NOT NULL"
      : "organization_id = (SELECT context.tenant())";
    await db.query(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`);
    await db.query(`CREATE POLICY reader_select ON ${name} FOR SELECT TO reader USING (${rule})`);
  }
}

function indexNames(plan: Plan): string[] {
  const own = plan["Index Name"];
  return [...(own ? [own] : []), ...(plan.Plans ?? []).flatMap(indexNames)];
}
