import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { isInternal, roleOf } from "../../../estate/row-security/roles";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { rowId } from "../../support/fixtures";
import { type Secured, startSecured, tokensOf } from "../../support/row-matrix/database";
import { key } from "../../support/row-security";

const password = key();
const CLAIMS = { first: { tenant: rowId("a0"), subject: rowId("a3") } };

/** Whoever is not the service, and ways past the rules that are no SELECT, INSERT, UPDATE or DELETE. */
describe.each(["16", "17"] as const)("around row security on PostgreSQL %s", (version) => {
  let secured: Secured;
  const admins = new Map<string, PostgresConnection>();
  const sessions: PostgresConnection[] = [];

  beforeAll(async () => {
    secured = await startSecured(version, rowSecurity);
    const { bench } = secured.databases;
    for (const declaration of rowSecurity) {
      const worksAs = roleOf(declaration, "service");
      await bench.drive(postgresLogin).create({ worksAs, password, connectionLimit: 5 });
      admins.set(declaration.database, await secured.databases.open(declaration.database));
    }
    await bench.sql(`CREATE ROLE svc_other LOGIN PASSWORD '${password}'`);
    await bench.sql(`CREATE ROLE reader LOGIN PASSWORD '${password}' IN ROLE pg_read_all_data`);
    await bench.sql(`CREATE ROLE backup LOGIN PASSWORD '${password}' BYPASSRLS IN ROLE pg_read_all_data`);
  });
  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    await secured?.databases.stop();
  });

  describe.each(rowSecurity)("of $database", (declaration) => {
    const admin = () => admins.get(declaration.database) as PostgresConnection;
    const login = async (user: string) => {
      const { engine } = secured.databases.bench;
      const session = await connectPostgres(engine, engine, { user, password, database: admin().database });
      sessions.push(session);
      return session;
    };
    const guarded = Object.keys(declaration.tables);
    const roles = Object.keys(declaration.identities).map((identity) => roleOf(declaration, identity));
    const service = () => login(`${roleOf(declaration, "service")}_a`);

    test("another service gets no table and becomes nobody", async () => {
      const session = await login("svc_other");
      for (const table of [...guarded, ...Object.keys(declaration.exceptions)]) {
        const read = session.query(`SELECT FROM ${declaration.schema}.${table}`);
        await expect(read, table).rejects.toMatchObject({ code: "42501" });
      }
      for (const role of roles) {
        await expect(session.query(`SET ROLE ${role}`), role).rejects.toMatchObject({ code: "42501" });
      }
      await expect(session.query("SELECT context.tenant()")).rejects.toMatchObject({ code: "42501" });
    });

    test("the service becomes its own identities and nobody else", async () => {
      const session = await service();
      const own = roles.filter(
        (_role, index) => !isInternal(declaration, Object.keys(declaration.identities)[index] ?? ""),
      );
      const all = await admin().query<{ role: string }>("SELECT rolname::text AS role FROM pg_roles");
      const became: string[] = [];
      for (const { role } of all) {
        await session.query(`SET ROLE "${role}"`).then(
          () => became.push(role),
          () => undefined,
        );
        await session.query("RESET ROLE");
      }
      expect(became.sort()).toEqual([...own, `${roleOf(declaration, "service")}_a`].sort());
    });

    test("everybody at once has no privilege at all", async () => {
      const public_ = await admin().query(
        `SELECT 'schema ' || nspname AS what FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
           WHERE a.grantee = 0 AND nspname IN ('public', 'internal', 'context')
         UNION ALL SELECT 'relation ' || relname FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) a
           WHERE a.grantee = 0 AND relnamespace IN ('public'::regnamespace, 'internal'::regnamespace, 'context'::regnamespace)
             AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')`,
      );
      expect(public_).toEqual([]);
    });

    test("who may read everything reads no row; who passes row security, as a backup has to, reads each", async () => {
      const [reader, backup] = [await login("reader"), await login("backup")];
      for (const table of guarded) {
        const count = `SELECT count(*)::int AS n FROM ${declaration.schema}.${table}`;
        expect(await reader.query(count), table).toEqual([{ n: 0 }]);
        expect(await backup.query(count), table).toEqual(await admin().query(count));
      }
      // What pg_dump asks for, so that a backup is whole or none.
      await reader.query("SET row_security = off");
      for (const table of guarded) {
        const read = reader.query(`SELECT FROM ${declaration.schema}.${table}`);
        await expect(read, table).rejects.toMatchObject({ code: "42501" });
      }
    });

    test("nobody of the service makes or reads a large object", async () => {
      const session = await service();
      const left = await admin().query<{ oid: number }>("SELECT lo_from_bytea(0, 'kept') AS oid");
      for (const role of [
        "",
        ...roles.filter(
          (_role, at) => !isInternal(declaration, Object.keys(declaration.identities)[at] ?? ""),
        ),
      ]) {
        if (role !== "") await session.query(`SET ROLE ${role}`);
        for (const call of [
          "lo_create(0)",
          "lo_creat(-1)",
          "lo_from_bytea(0, 'given to all')",
          `lo_open(${left[0]?.oid}, 262144)`,
          `lo_get(${left[0]?.oid})`,
          `lo_put(${left[0]?.oid}, 0, 'x')`,
          `lo_unlink(${left[0]?.oid})`,
        ])
          await expect(session.query(`SELECT ${call}`), `${role}: ${call}`).rejects.toMatchObject({
            code: "42501",
            message: expect.stringMatching(/permission denied for function/),
          });
      }
    });

    test("COPY tells the rows that are seen, and takes none", async () => {
      const { engine } = secured.databases.bench;
      const user = `${roleOf(declaration, "service")}_a`;
      const { port, caCertificate: ca } = engine;
      const client = new Client({
        host: "127.0.0.1",
        port,
        user,
        password,
        database: admin().database,
        ssl: { ca },
      });
      await client.connect();
      try {
        const token = tokensOf(declaration, "service", secured.keys, CLAIMS).first;
        const [table] = guarded.filter((name) => declaration.tables[name]?.access.service?.insert === "all");
        if (!table) throw new Error("the service writes no table");
        const all = await admin().query(`SELECT FROM ${table}`);
        for (const [context, rows] of [
          ["", 0],
          [token, all.length],
        ] as const) {
          await client.query("BEGIN");
          await client.query("SELECT set_config('app.context', $1, true)", [context]);
          expect((await client.query(`COPY ${table} TO STDOUT`)).rowCount).toBe(rows);
          await expect(client.query(`COPY ${table} FROM STDIN`)).rejects.toMatchObject({ code: "0A000" });
          await client.query("ROLLBACK");
        }
        expect(all.length).toBeGreaterThan(0);
      } finally {
        await client.end();
      }
    });
  });

  describe("an error of a key", () => {
    const attempt = async (identity: string, sql: string) => {
      const admin = admins.get("mcp_portal") as PostgresConnection;
      const [portal] = rowSecurity;
      if (portal?.database !== "mcp_portal") throw new Error("mcp_portal comes first");
      await admin.query("BEGIN");
      await admin.query(`SET LOCAL ROLE ${roleOf(portal, identity)}`);
      const token = tokensOf(portal, identity, secured.keys, CLAIMS).first ?? "";
      await admin.query("SELECT set_config('app.context', $1, true)", [token]);
      const error: unknown = await admin.query(sql).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      await admin.query("ROLLBACK");
      return error as { code: string; message: string; detail?: string } | undefined;
    };

    test("is the same for another team's server and for one that there is not", async () => {
      const choose = (server: string) =>
        attempt(
          "member",
          `INSERT INTO user_server_configs (team_id, user_id, server_id) VALUES ('${rowId("a0")}', '${rowId("a3")}', '${rowId(server)}')`,
        );
      const [hidden, missing] = [await choose("fb1"), await choose("fff")];
      expect(hidden).toMatchObject({ code: expect.stringMatching(/^23/), detail: undefined });
      expect({ ...hidden, text: hidden?.message }).toEqual({ ...missing, text: missing?.message });
      expect(await choose("f01")).toBeUndefined();
    });

    test("does not quote the row that it met", async () => {
      const add = (oid: string) =>
        attempt(
          "admin",
          `INSERT INTO users (team_id, azure_oid, email) VALUES ('${rowId("a0")}', '${oid}', 'new@alpha.example')`,
        );
      const met = await add("oid-b1");
      expect(met).toMatchObject({ code: "23505", detail: undefined });
      expect(await add("oid-new")).toBeUndefined();
    });
  });
});
