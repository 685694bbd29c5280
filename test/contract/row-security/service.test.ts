import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import type { ContextClaims } from "../../../estate/row-security/evaluate";
import { roleOf } from "../../../estate/row-security/roles";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { rowId } from "../../support/fixtures";
import { type Pgbouncer, startPgbouncer } from "../../support/pgbouncer";
import { type Secured, startSecured, tokensOf, UNBELIEVED } from "../../support/row-matrix/database";
import type { Probe } from "../../support/row-matrix/probes";
import { privilegeProbes, type RealTable, readTables, rowProbes, taken } from "../../support/row-matrix/real";
import { differences, type Stage } from "../../support/row-matrix/run";
import { key } from "../../support/row-security";

/** Of two tenants of the fixtures, a member and another; of one claim alone; of none. */
const CLAIMS: Readonly<Record<string, ContextClaims>> = {
  first: { tenant: rowId("a0"), subject: rowId("a1") },
  second: { tenant: rowId("b0"), subject: rowId("b1") },
  colleague: { tenant: rowId("a0"), subject: rowId("a2") },
  "in the other's tenant": { tenant: rowId("b0"), subject: rowId("a1") },
  "tenant alone": { tenant: rowId("a0") },
  "subject alone": { subject: rowId("a1") },
  "no claim": {},
};
const CONTEXTS: Readonly<Record<string, ContextClaims | undefined>> = {
  ...CLAIMS,
  absent: undefined,
  ...Object.fromEntries(UNBELIEVED.map((name) => [name, undefined])),
};

/** A row of a view is there for whoever sees the row that it is made of. */
const VIEWS: Readonly<Record<string, { of: string; key: string; as: string }>> = {
  user_dashboard: { of: "users", key: "id", as: "user_id" },
  server_statistics: { of: "mcp_servers", key: "id", as: "server_id" },
};

/**
 * The tables as they are migrated, with the privileges that are declared and no more, by the login that the service has: once
 * straight to the server, once through a pooler that shares one connection among all transactions.
 */
describe.each(["16", "17"] as const)("the service on PostgreSQL %s", (version) => {
  let secured: Secured;
  let pooler: Pgbouncer;
  const passwords = Object.fromEntries(rowSecurity.map(({ database }) => [`svc_${database}_a`, key()]));
  const admins = new Map<string, PostgresConnection>();
  const tables = new Map<string, RealTable[]>();

  beforeAll(async () => {
    secured = await startSecured(version, rowSecurity);
    const { bench } = secured.databases;
    for (const declaration of rowSecurity) {
      const worksAs = roleOf(declaration, "service");
      const password = passwords[`${worksAs}_a`];
      await bench.drive(postgresLogin).create({ worksAs, password, connectionLimit: 10 });
      const admin = await secured.databases.open(declaration.database);
      await admin.query("SET TimeZone = 'UTC'");
      admins.set(declaration.database, admin);
      tables.set(declaration.database, await readTables(admin, declaration));
    }
    pooler = await startPgbouncer(bench.engine, passwords);
  });
  afterAll(async () => {
    await pooler?.stop();
    await secured?.databases.stop();
  });

  describe.each(rowSecurity)("of $database", (declaration) => {
    const { database } = declaration;
    const login = `svc_${database}_a`;
    const sessions: PostgresConnection[] = [];
    const admin = () => admins.get(database) as PostgresConnection;

    beforeAll(async () => {
      const { engine } = secured.databases.bench;
      const name = admin().database;
      sessions.push(
        await connectPostgres(engine, engine, { user: login, password: passwords[login], database: name }),
        await pooler.connect(login, name),
      );
    });
    afterAll(() => sessions[0]?.close());

    const stage = (at: number, table: string): Stage => ({
      connection: sessions[at] as PostgresConnection,
      table,
      roles: Object.fromEntries(
        taken(declaration).map((identity) => [identity, roleOf(declaration, identity)]),
      ),
      tokens: Object.fromEntries(
        taken(declaration).map((identity) => [
          identity,
          tokensOf(declaration, identity, secured.keys, CLAIMS),
        ]),
      ),
    });
    const first = ["first", CLAIMS.first] as const;

    describe.each([
      ["straight", 0],
      ["through a pooler", 1],
    ] as const)("%s", (_way, at) => {
      const agree = async (probesOf: (table: RealTable) => Probe[]) => {
        for (const table of tables.get(database) ?? []) {
          const probes = probesOf(table);
          expect(probes.length).toBeGreaterThan(0);
          expect(await differences(stage(at, table.name), probes), table.name).toEqual([]);
        }
      };

      test("every privilege on every column is as declared", () =>
        agree((table) => privilegeProbes(declaration, table, first)));

      test("every row that is seen is as declared, in every context and without one", () =>
        agree((table) => rowProbes(declaration, table, CONTEXTS)));

      test("a view shows whoever asks what they see", async () => {
        for (const [view, readers] of Object.entries(declaration.views)) {
          const { of, key: column, as } = VIEWS[view] ?? { of: "", key: "", as: "" };
          const below = tables.get(database)?.find(({ name }) => name === of);
          if (!below) throw new Error(`${view}: say in VIEWS which table's rows it shows`);
          const probes = rowProbes(declaration, { ...below, key: [column] }, CONTEXTS).map((probe) => ({
            ...probe,
            sql: `SELECT string_agg(${as}::text, ' ' ORDER BY ${as}::text COLLATE "C") FROM ${view}`,
            expected: readers.includes(probe.identity) ? probe.expected : "denied",
          }));
          expect(await differences(stage(at, view), probes)).toEqual([]);
        }
      });

      test("nobody reaches a partition, the owner's schema, nor the keys", async () => {
        const hidden = await admin().query<{ name: string }>(
          `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND (relispartition
             OR relnamespace IN ('internal'::regnamespace, 'context'::regnamespace))`,
        );
        expect(hidden.length).toBeGreaterThan(1);
        const probes = hidden.flatMap(({ name }) =>
          taken(declaration).map(
            (identity): Probe => ({
              identity,
              context: "first",
              sql: `SELECT FROM ${name}`,
              answer: "count",
              expected: "denied",
            }),
          ),
        );
        expect(await differences(stage(at, ""), probes)).toEqual([]);
      });
    });

    test("may call the declared functions and no other", async () => {
      const found = await admin().query<{ name: string; role: string }>(
        `SELECT p.oid::regprocedure::text AS name, r.rolname::text AS role FROM pg_proc p, pg_roles r
         WHERE pronamespace IN ('public'::regnamespace, 'internal'::regnamespace) AND r.rolname = ANY ($1)
           AND has_schema_privilege(r.oid, pronamespace, 'USAGE') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
           AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')`,
        [taken(declaration).map((identity) => roleOf(declaration, identity))],
      );
      const plain = (signature: string) => signature.replaceAll(/public\.|\s/g, "");
      const declared = Object.entries(declaration.functions).flatMap(([signature, identities]) =>
        identities.map((identity) => `${roleOf(declaration, identity)}: ${plain(signature)}`),
      );
      expect(found.map(({ name, role }) => `${role}: ${plain(name)}`).sort()).toEqual(declared.sort());
    });

    test("a plan that was prepared for one is not another's", async () => {
      const session = sessions[0] as PostgresConnection;
      const [table] = (tables.get(database) ?? []).filter(
        ({ name }) => name.endsWith("members") || name.endsWith("memberships"),
      );
      if (!table) throw new Error("no table of members");
      const keyText = table.key.map((column) => `"${column}"::text`).join(" || '/' || ");
      await session.query(
        `PREPARE seen AS SELECT string_agg(${keyText}, ' ' ORDER BY ${keyText} COLLATE "C") AS keys FROM ${declaration.schema}.${table.name}`,
      );
      for (let round = 0; round < 7; round++) {
        for (const [identity, context] of [
          ["member", "first"],
          ["auditor", "second"],
          ["member", "second"],
          ["member", "empty"],
        ] as const) {
          const probe = rowProbes(declaration, table, { [context]: CONTEXTS[context] }).find(
            (each) => each.identity === identity,
          );
          await session.query("BEGIN");
          await session.query(`SET LOCAL ROLE ${roleOf(declaration, identity)}`);
          const token = stage(0, "").tokens[identity]?.[context] ?? "";
          await session.query("SELECT set_config('app.context', $1, true)", [token]);
          const [row] = await session.query<{ keys: string | null }>("EXECUTE seen");
          await session.query("COMMIT");
          expect(row?.keys ?? "", `${identity}, ${context}`).toBe(probe?.expected);
        }
      }
    });
  });
});
