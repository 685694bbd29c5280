import * as path from "node:path";
import { planRowSecurity } from "../../components/plans/row-security";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { databases } from "../../estate/catalogue";
import { readMigrations } from "../../estate/migrations/read";
import { signContext } from "../../estate/row-security/context-token";
import { roleOf } from "../../estate/row-security/roles";
import { postgresRowSecurity } from "../../provider/kinds/postgres-row-security";
import { mcpPortal } from "./declared";
import type { PostgresVersion } from "./engines-postgres";
import { loadFixtures } from "./fixtures";
import { type PostgresBench, postgresBench } from "./postgres-kinds";
import { verbatim } from "./verbatim";

const project = path.join(__dirname, "../..");

export { rowId as id } from "./fixtures";

const TEMPLATE = "portal_template";

export interface Portal {
  bench: PostgresBench;
  /** A migrated database of its own, with the fixtures unless `empty`; one connection as the superuser, closed by `stop`. */
  open(options?: { empty?: boolean; name?: string }): Promise<PortalDatabase>;
  stop(): Promise<void>;
}

export interface PortalDatabase {
  name: string;
  admin: PostgresConnection;
  /** One more connection as the superuser, closed by `stop`. */
  connect(): Promise<PostgresConnection>;
  /** Runs `work` as the user of a context that the stand-in believes, then as the superuser again. */
  as<T>(identity: { role?: string; tenant?: string; subject?: string }, work: () => Promise<T>): Promise<T>;
}

/** A throw-away server with mcp_portal as its migrations make it, without row security: what they do by themselves. */
export async function startPortal(version: PostgresVersion): Promise<Portal> {
  const bench = await postgresBench(version, {
    settings: { shared_preload_libraries: "pg_stat_statements", "pg_stat_statements.track": "all" },
  });
  const connections: PostgresConnection[] = [];
  const login = async (database: string) => {
    const connection = verbatim(
      await connectPostgres(bench.engine, bench.engine, { ...bench.engine.admin, database }),
    );
    connections.push(connection);
    return connection;
  };
  await bench.sql("CREATE ROLE mcp_admin");
  for (const suffix of ["", "_full"]) {
    const name = `${TEMPLATE}${suffix}`;
    await bench.sql(`CREATE DATABASE ${name} OWNER mcp_admin`);
    const connection = await login(name);
    await migratePortal(connection);
    await connection.query(CONTEXT_STAND_IN);
    if (suffix) await loadFixtures(connection, "mcp_portal");
    await connection.close();
  }
  let count = 0;
  return {
    bench,
    async open({ empty, name = `portal_${++count}` } = {}) {
      await bench.sql(`CREATE DATABASE ${name} OWNER mcp_admin TEMPLATE ${TEMPLATE}${empty ? "" : "_full"}`);
      const admin = await login(name);
      return {
        name,
        admin,
        connect: () => login(name),
        async as({ role = "", tenant = "", subject = "" }, work) {
          const set = (...values: string[]) =>
            admin.query(
              "SELECT set_config('test.role', $1, false), set_config('test.tenant', $2, false), " +
                "set_config('test.subject', $3, false)",
              values,
            );
          await set(role, tenant, subject);
          // Refused in a transaction that has failed: its end takes the setting back.
          return work().finally(() => set("", "", "").catch(() => undefined));
        },
      };
    },
    async stop() {
      await Promise.all(connections.map((connection) => connection.close()));
      await bench.stop();
    },
  };
}

const SIGNING_KEY = { id: "k1", secret: "a-signing-key-that-guards-nothing-at-all" };

/** Puts the declared row security in place of the stand-in. */
export async function secure(portal: Portal, database: PortalDatabase): Promise<void> {
  await database.admin.query("DROP SCHEMA context CASCADE");
  const service = roleOf(mcpPortal, "service");
  const [there] = await database.admin.query("SELECT FROM pg_roles WHERE rolname = $1", [service]);
  if (!there) await database.admin.query(`CREATE ROLE ${service}`);
  const plan = planRowSecurity(mcpPortal, { owner: "mcp_admin", service });
  await portal.bench
    .drive(postgresRowSecurity)
    .create({ ...plan, database: database.name, keys: { [SIGNING_KEY.id]: SIGNING_KEY.secret } });
}

/** A token as the service signs it for a request; valid for a minute unless `seconds` says otherwise. */
export function token(identity: string, tenant?: string, subject?: string, seconds = 60): string {
  return signContext(SIGNING_KEY, {
    role: roleOf(mcpPortal, identity),
    ...(tenant === undefined ? {} : { tenant }),
    ...(subject === undefined ? {} : { subject }),
    expires: new Date(Date.now() + seconds * 1000),
  });
}

/** One transaction as an identity, rolled back. `context`: a token or whatever else stands in its place. */
export async function inRole<T>(
  { admin }: PortalDatabase,
  identity: string,
  context: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await admin.query("BEGIN");
  try {
    await admin.query(`SET LOCAL ROLE ${roleOf(mcpPortal, identity)}`);
    if (context !== undefined) await admin.query("SELECT set_config('app.context', $1, true)", [context]);
    return await work();
  } finally {
    await admin.query("ROLLBACK");
  }
}

/** Extensions of the catalogue, then every migration as the owner, as `up` runs them. */
export async function migratePortal(connection: PostgresConnection): Promise<void> {
  const entry = databases.find(({ name }) => name === "mcp_portal");
  if (entry?.engine !== "postgres") throw new Error("mcp_portal is not in the catalogue");
  for (const extension of entry.extensions) await connection.query(`CREATE EXTENSION "${extension}"`);
  await connection.query("SET ROLE mcp_admin");
  await connection.query("SET search_path = public");
  for (const { up } of readMigrations(entry, project)?.migrations ?? []) await connection.query(up.text);
  await connection.query("RESET ROLE");
  await connection.query("RESET search_path");
}

/** The interface of the signed context, believing a setting: for tests of what comes after it. */
const CONTEXT_STAND_IN = `
  CREATE SCHEMA context;
  GRANT USAGE ON SCHEMA context TO mcp_admin;
  CREATE FUNCTION context.tenant() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.tenant', true), '')::uuid$$;
  CREATE FUNCTION context.subject() RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.subject', true), '')::uuid$$;
  CREATE FUNCTION context.role() RETURNS text LANGUAGE sql STABLE AS
    $$SELECT nullif(current_setting('test.role', true), '')$$`;
