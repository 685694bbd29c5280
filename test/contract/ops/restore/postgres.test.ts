import * as fs from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../../../connect/postgres";
import type { Backup } from "../../../../ops/backup/manifest";
import type { RestoreResult } from "../../../../ops/restore/run";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { succeed } from "../../../support/run";

const PASSWORD = "fixture-service-password";

const ROLES = `
CREATE ROLE mcp_admin NOLOGIN;
CREATE ROLE svc_mcp_portal NOLOGIN;
CREATE ROLE svc_mcp_portal_a LOGIN PASSWORD '${PASSWORD}' IN ROLE svc_mcp_portal;
CREATE ROLE auditor LOGIN PASSWORD '${PASSWORD}';
`;

const SCHEMA = `
CREATE SCHEMA context;
CREATE TABLE context.keys (id text PRIMARY KEY, inner_pad bytea, outer_pad bytea);
INSERT INTO context.keys VALUES ('then', 'a', 'b');
ALTER SCHEMA context OWNER TO mcp_admin;
ALTER TABLE context.keys OWNER TO mcp_admin;
CREATE UNLOGGED SEQUENCE context.held_digest MINVALUE -9223372036854775808;
ALTER SEQUENCE context.held_digest OWNER TO mcp_admin;
CREATE FUNCTION context.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN PERFORM setval('context.held_digest', -7); RETURN NULL; END $$;
ALTER FUNCTION context.hold() OWNER TO mcp_admin;
CREATE TABLE teams (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE members (id bigserial PRIMARY KEY, team bigint NOT NULL REFERENCES teams, name text);
CREATE TABLE empty_one (id int);
CREATE VIEW team_names AS SELECT name FROM teams;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE TRIGGER context_hold BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON members FOR EACH STATEMENT
  WHEN (current_setting('is_superuser') = 'off') EXECUTE FUNCTION context.hold();
CREATE POLICY own ON members TO svc_mcp_portal USING (team = 1);
GRANT SELECT, INSERT, DELETE ON members TO svc_mcp_portal;
GRANT SELECT ON teams TO svc_mcp_portal;
ALTER TABLE teams OWNER TO mcp_admin;
ALTER TABLE members OWNER TO mcp_admin;
ALTER TABLE empty_one OWNER TO mcp_admin;
ALTER VIEW team_names OWNER TO mcp_admin;
INSERT INTO teams (name) VALUES ('one'), ('two');
INSERT INTO members (team, name) SELECT 1 + n % 2, 'm' || n FROM generate_series(1, 100) n;
`;

let engine: PostgresHost;
let bench: RestoreBench;
let admin: PostgresConnection;
let backup: Backup;

const login = (user: string, password: string, database: string) =>
  connectPostgres(engine, { caCertificate: engine.caCertificate }, { user, password, database });

/** One value of a query in the database as it is now. */
async function ask(sql: string, database = "mcp_portal", user = engine.admin): Promise<string> {
  const connection = await login(user.user, user.password, database);
  try {
    const rows = await connection.query(sql);
    return rows.map((row) => Object.values(row).join(" ")).join("\n");
  } finally {
    await connection.close();
  }
}
/** Several statements. */
async function carryOut(sql: string): Promise<void> {
  const connection = await login(engine.admin.user, engine.admin.password, "mcp_portal");
  await connection.query(sql).finally(() => connection.close());
}
const service = { user: "svc_mcp_portal_a", password: PASSWORD };
const likeThis = "SELECT datname FROM pg_database WHERE starts_with(datname, 'mcp_portal_')";

beforeAll(async () => {
  engine = await startPostgresHost("17");
  bench = await restoreBench("mcp_portal", { name: "postgres", kind: "postgres", engine });
  admin = await login(engine.admin.user, engine.admin.password, "postgres");
  await admin.query(ROLES);
  await admin.query("CREATE DATABASE mcp_portal OWNER mcp_admin CONNECTION LIMIT 100");
  await admin.query("REVOKE ALL ON DATABASE mcp_portal FROM PUBLIC");
  await admin.query("GRANT CONNECT ON DATABASE mcp_portal TO svc_mcp_portal_a, estate_backup");
  await admin.query("ALTER DATABASE mcp_portal SET search_path = public, context");
  await admin.query("ALTER ROLE svc_mcp_portal_a IN DATABASE mcp_portal SET work_mem = '5MB'");
  await carryOut(SCHEMA);
  backup = await bench.backUp("20260102T020000Z");
});
afterAll(async () => {
  await admin?.close();
  await engine?.stop();
  await bench?.stop();
});

/** What has happened since. */
beforeEach(async () => {
  await carryOut("DELETE FROM members; INSERT INTO teams (name) VALUES ('since');");
  await carryOut("UPDATE context.keys SET id = 'now', inner_pad = 'c'");
});

async function expectUntouched(result: RestoreResult, reason: string | RegExp) {
  expect(result.fault?.reason).toMatch(reason);
  expect(result.fault?.live).toBe("untouched");
  expect(await ask("SELECT count(*) FROM members")).toBe("0");
  expect(await ask(likeThis)).toBe("");
  expect(await ask("SELECT count(*) FROM teams", "mcp_portal", service)).not.toBe("0");
}

const place = `SELECT pg_get_userbyid(datdba), datconnlimit, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(datacl) a),
  (SELECT string_agg(setconfig::text, ';' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
  FROM pg_database d WHERE datname = 'mcp_portal'`;

describe("PostgreSQL 17", () => {
  it("restores: rows, row security, grants, the database's place; today's context keys stay", async () => {
    expect(backup.rows).toEqual({
      "context.keys": 1,
      "public.teams": 2,
      "public.members": 100,
      "public.empty_one": 0,
    });
    const [was, session] = [await ask(place), await login(service.user, PASSWORD, "mcp_portal")];
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect(await bench.host.safetyBackups()).toEqual(["run --tag safety mcp_portal"]);
    expect(await ask(place)).toBe(was);
    expect(await ask("SELECT count(*), max(id) FROM members")).toBe("100 100");
    expect(await ask("SELECT string_agg(name, ',') FROM team_names")).toBe("one,two");
    expect(await ask("SELECT id, inner_pad FROM context.keys")).toBe("now c");
    await expect(session.query("SELECT 1")).rejects.toThrow();
    expect(await ask("SELECT count(*) FROM members", "mcp_portal", service)).toBe("50");
    expect(await ask("SHOW work_mem", "mcp_portal", service)).toBe("5MB");
    const held = `SELECT pg_get_triggerdef(oid), (SELECT relpersistence FROM pg_class WHERE oid = 'context.held_digest'::regclass)
      FROM pg_trigger WHERE tgname = 'context_hold'`;
    const kept = result.replaced as string;
    expect(await ask(held)).toBe(await ask(held, kept));
    expect(await ask(held)).toMatch(/EXECUTE FUNCTION .*hold\(\) u$/);
    const large =
      "SELECT count(*) FROM pg_proc WHERE proname ~ '^lo_(cre|from|get)' AND has_function_privilege('public', oid, 'EXECUTE')";
    expect(await ask(large)).toBe("0");
    expect(await ask("SELECT string_agg(name, ',') FROM teams", kept)).toBe("one,two,since");
    await expect(login(service.user, PASSWORD, kept)).rejects.toThrow();
    await admin.query(`DROP DATABASE ${kept}`);
  });

  it("into a new database: the live one is left alone, the service gets nothing", async () => {
    const result = await bench.restore({ backup, into: "portal_copy" });
    expect(result.fault).toBeUndefined();
    expect(await ask("SELECT count(*) FROM members", "portal_copy")).toBe("100");
    expect(await ask("SELECT count(*) FROM pg_class WHERE relacl::text LIKE '%svc_%'", "portal_copy")).toBe(
      "0",
    );
    await expect(login(service.user, PASSWORD, "portal_copy")).rejects.toThrow();
    await expectUntouched(await bench.restore({ backup, into: "portal_copy" }), "already");
    await admin.query("DROP DATABASE portal_copy");
  });

  it("row security that is not as now: nothing is touched, unless it is accepted", async () => {
    await carryOut(
      "CREATE POLICY none_else ON members AS RESTRICTIVE TO svc_mcp_portal USING (name <> 'm1')",
    );
    await carryOut("GRANT SELECT ON empty_one TO auditor");
    const refused = await bench.restore({ backup });
    await expectUntouched(refused, /policy none_else of public.members is missing/);
    expect(refused.fault?.reason).toContain("table public.empty_one: ");
    const accepted = await bench.restore({ backup, acceptFaults: true });
    expect(accepted.fault).toBeUndefined();
    expect(bench.said.join("\n")).toContain("accepted: policy none_else of public.members is missing");
    await admin.query(`DROP DATABASE ${accepted.replaced}`);
  });

  it.each([
    ["in a table", -200, /the archive stops in the middle of a table/],
    // Cut where it looks like an end: pg_restore on the host is who tells.
    ["at an end of a table", "end", /pg_restore: error|is missing|has 0 rows/],
  ])("an archive that stops %s: nothing is touched", async (_where, cut, reason) => {
    const { sealed, rows } = await bench.host.backUp("mcp_portal", bench.store.recipient);
    const plain = await opened(sealed);
    const at = cut === "end" ? plain.lastIndexOf(Buffer.alloc(5), -6) + 5 : plain.length + Number(cut);
    const broken = await sealedAgain(plain.subarray(0, at));
    await expectUntouched(
      await bench.restore({ backup: await bench.stored("20260103T020000Z", broken, rows) }),
      reason,
    );
  });

  const inFile = (name: string) => path.join(bench.host.directory, name);
  async function opened(sealed: Buffer): Promise<Buffer> {
    await fs.writeFile(inFile("whole"), sealed);
    const pipe = `age -d -i ${inFile("key")} ${inFile("whole")} | zstd -dq >${inFile("plain")}`;
    await succeed("bash", ["-c", pipe]);
    return fs.readFile(inFile("plain"));
  }
  async function sealedAgain(plain: Buffer): Promise<Buffer> {
    await fs.writeFile(inFile("plain"), plain);
    await succeed("bash", [
      "-c",
      `zstd -qc ${inFile("plain")} | age -r ${bench.store.recipient} >${inFile("cut")}`,
    ]);
    return fs.readFile(inFile("cut"));
  }

  it("a sequence behind its rows in the backup: nothing is touched", async () => {
    await carryOut("INSERT INTO members (id, team) VALUES (5000, 1)");
    const behind = await bench.backUp("20260104T020000Z");
    await carryOut("DELETE FROM members");
    await expectUntouched(
      await bench.restore({ backup: behind }),
      /sequence public.members_id_seq is behind the rows of public.members.id/,
    );
    const accepted = await bench.restore({ backup: behind, acceptFaults: true });
    expect(accepted.fault).toBeUndefined();
    await admin.query(`DROP DATABASE ${accepted.replaced}`);
  });

  it.each(["load", "count_rows", "adopt"])("a connection lost at %s: nothing is touched", async (step) => {
    bench.host.breakAt(step, true);
    const result = await bench.restore({ backup }).finally(() => bench.host.breakAt(undefined));
    await expectUntouched(result, "lost the connection");
  });

  it("a connection lost before and during the swap: it is said what became of the live one", async () => {
    bench.host.breakAt("swap", false);
    const before = await bench.restore({ backup }).finally(() => bench.host.breakAt(undefined));
    expect(before.fault).toEqual({ live: "untouched", reason: "lost the connection" });
    bench.host.breakAt("swap", true);
    const during = await bench.restore({ backup }).finally(() => bench.host.breakAt(undefined));
    expect(during.fault).toEqual({ live: "replaced", reason: "lost the connection" });
    expect(await ask("SELECT count(*) FROM members", "mcp_portal", service)).toBe("50");
    await admin.query(`DROP DATABASE ${await ask(`${likeThis} AND datname LIKE '%replaced%'`)}`);
  });

  it("a swap that cannot be made: nothing is touched, the logins are open", async () => {
    // The name that the live one is to be kept under is taken.
    const result = await whileBlocked(() => bench.restore({ backup }));
    await expectUntouched(result, /database "postgres" already exists/);
  });

  async function whileBlocked<T>(work: () => Promise<T>): Promise<T> {
    const { open } = bench.host;
    bench.host.open = async (server, signal) => {
      const inner = await open(server, signal);
      return {
        ...inner,
        script: (text, variables = {}) =>
          inner.script(
            text,
            text.trimEnd().endsWith("\nswap") ? { ...variables, REPLACED: "postgres" } : variables,
          ),
      };
    };
    try {
      return await work();
    } finally {
      bench.host.open = open;
    }
  }

  it("two at once: the second one is told", async () => {
    const results = await Promise.all([bench.restore({ backup }), bench.restore({ backup })]);
    expect(results.map(({ fault }) => fault?.reason).filter(Boolean)).toEqual([
      "somebody else is restoring it",
    ]);
    const { replaced } = results.find(({ fault }) => !fault) as RestoreResult;
    await admin.query(`DROP DATABASE ${replaced}`);
  });
});
