import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databases } from "../../estate/catalogue";
import type { PostgresEntry } from "../../estate/types";
import { provePostgres } from "../../ops/privileges/postgres";
import { checkAll } from "../../ops/reach/check";
import { connectAs } from "../../ops/reach/connectors";
import type { Target } from "../../ops/reach/targets";
import { type PostgresBench, postgresBench } from "../support/postgres-kinds";

/** A service that owns its database and puts its own views in place of the server's. */
describe.each(["16", "17"] as const)("a session as a service on PostgreSQL %s", (version) => {
  const entry = databases.find((each): each is PostgresEntry => each.name === "mo_idp");
  if (!entry) throw new Error("the catalogue has no mo_idp");
  const { name, service } = entry;
  const slot = `${service}_a`;
  const password = randomBytes(24).toString("base64url");
  let bench: PostgresBench;
  let target: Target;

  beforeAll(async () => {
    bench = await postgresBench(version);
    await bench.sql(`CREATE ROLE ${service}`);
    await bench.sql(`CREATE ROLE ${slot} LOGIN PASSWORD '${password}'`);
    await bench.sql(`GRANT ${service} TO ${slot} WITH INHERIT FALSE, SET TRUE`);
    await bench.sql(`ALTER ROLE ${slot} SET role = '${service}'`);
    await bench.sql(`CREATE DATABASE ${name} OWNER ${service}`);
    // One right too many, which the service would rather not have found.
    await bench.sql(`ALTER ROLE ${service} CREATEDB`);
    target = {
      kind: "database",
      name,
      server: entry.server,
      engine: entry.engine,
      endpoint: bench.engine,
      trust: bench.engine,
      password,
      expected: { loggedInAs: slot, workingAs: service, database: name },
    };
    await bench.sqlAs(
      slot,
      password,
      name,
      `CREATE VIEW public.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE false`,
      `CREATE VIEW public.pg_stat_ssl AS SELECT pid, 'TLSv9'::text AS version FROM pg_catalog.pg_stat_activity`,
      `ALTER DATABASE ${name} SET search_path = public, pg_catalog`,
      `ALTER DATABASE ${name} SET statement_timeout = 0`,
    );
  });
  afterAll(() => bench?.stop());

  test("finds what the server says, not what the service put in its place", async () => {
    const results = await provePostgres(target, entry, databases, 10_000);
    expect(results.find(({ title }) => title.startsWith("be superuser"))).toMatchObject({
      ok: false,
      detail: `${service} is CREATEDB`,
    });
    // With the service's own settings, for the application's statements are what is tried.
    expect(results.find(({ title }) => title.startsWith("create, fill, read"))).toMatchObject({ ok: true });
  });

  test("is told what the connection is by the server", async () => {
    const [result] = await checkAll([target], { connect: connectAs({}), timeoutMs: 10_000, parallel: 1 });
    expect(result).toMatchObject({ reachable: true, tlsProtocol: "TLSv1.3" });
  });

  test("waits for no statement longer than half a minute, though the service wants it", async () => {
    const own = await bench.sqlAs(slot, password, name, "SHOW statement_timeout");
    expect(own).toEqual([{ statement_timeout: "0" }]);
    const session = await bench.server.openAs({ user: slot, password, database: name });
    try {
      expect(await session.query("SHOW statement_timeout")).toEqual([{ statement_timeout: "30s" }]);
      expect(await session.query("SELECT current_user AS role")).toEqual([{ role: service }]);
    } finally {
      await session.close();
    }
  });
});
