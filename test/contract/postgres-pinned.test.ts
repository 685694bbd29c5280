import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PostgresServer } from "../../connect/postgres-server";
import type { LocalHost } from "../support/local-host";
import { localPostgresHost } from "../support/local-host-postgres";
import { type PostgresHost, startPostgresHost } from "../support/postgres-host";

/** Every setting that a database's owner may make, at the n-th of its odd values. */
const setAgainstUs = (round: number) => `SET ROLE svc_x;
DO $do$
DECLARE each record;
BEGIN
  FOR each IN SELECT name, value[1 + ${round} % cardinality(value)] AS value FROM (
    SELECT name, CASE vartype WHEN 'bool' THEN ARRAY['on', 'off'] WHEN 'enum' THEN enumvals
        WHEN 'string' THEN ARRAY['svc_x', 'x, "y;z"', 'public', '', 'C', '1'] ELSE ARRAY['1', min_val, max_val] END AS value
      FROM pg_settings WHERE context = 'user' OR name IN ('session_authorization', 'role', 'transaction_timeout')) settings
    WHERE NOT (name = 'role' AND ${round} > 0) ORDER BY name <> 'role'
  LOOP
    BEGIN
      EXECUTE pg_catalog.format('ALTER DATABASE x SET %I = %L', each.name, each.value);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $do$`;

const PROBE = `SELECT current_user || session_user || current_setting('search_path') || '1970-01-02'::date || '3'::money
  || array_agg(c)::text AS answer FROM (VALUES ('a\\b'), (NULL)) v(c)`;

describe.each([
  "16",
  "17",
] as const)("PostgreSQL %s, in a database whose owner sets it against us", (version) => {
  let host: PostgresHost;
  let local: LocalHost;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    local = await localPostgresHost("postgres", host);
    await host.sql("CREATE ROLE svc_x NOLOGIN");
    await host.sql("CREATE DATABASE x OWNER svc_x");
    await host.sql("REVOKE ALL ON DATABASE x FROM PUBLIC; GRANT CONNECT ON DATABASE x TO estate_backup");
    await host.sql(
      `SET ROLE svc_x; CREATE TABLE t (a text, m money, d date); INSERT INTO t VALUES ('x', '1.5', '2026-02-01');
       CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE plpgsql AS 'BEGIN
         EXECUTE ''ALTER ROLE svc_x SUPERUSER''; RETURN pg_catalog.format($1, $2, $3); END'`,
      "x",
    );
  });
  afterAll(async () => {
    await local?.remove();
    await host?.stop();
  });

  it.each([
    0, 1, 2, 3, 4, 5,
  ])("round %i: neither leads nor stops the program or the backup", async (round) => {
    await host.sql(setAgainstUs(round), "x");
    const made = await host.sql(
      "SELECT cardinality(setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase",
    );
    expect(Number(made)).toBeGreaterThan(100);
    const server = new PostgresServer(host, host, host.admin);
    try {
      const rows = await server.withConnection("x", (connection) => connection.query(PROBE));
      expect(rows).toEqual([{ answer: 'estate_adminestate_adminpg_catalog1970-01-02$3.00{"a\\\\b",NULL}' }]);
    } finally {
      await server.close();
    }
    const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    expect((await local.backUp("x", recipient)).rows).toEqual({ "public.t": 1 });
    expect(await host.sql("SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname = 'svc_x'")).toBe("0\n");
    await host.sql("ALTER DATABASE x RESET ALL");
  });
});
