import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { mcpPortal } from "../../support/declared";
import { rowId } from "../../support/fixtures";
import { type Pgbouncer, startPgbouncer } from "../../support/pgbouncer";
import { type Secured, startSecured, tokensOf } from "../../support/row-matrix/database";
import { key } from "../../support/row-security";

const login = "svc_mcp_portal_a";
const CLAIMS = {
  alpha: { tenant: rowId("a0"), subject: rowId("a1") },
  beta: { tenant: rowId("b0"), subject: rowId("b1") },
};
type Tenant = keyof typeof CLAIMS;
/** The only one that a member sees. */
const SETTINGS = { alpha: rowId("ea1"), beta: rowId("eb1") };

/** All clients share one connection to the server: what one leaves there, the next one finds. */
describe.each(["16", "17"] as const)("one pooled connection to PostgreSQL %s", (version) => {
  let secured: Secured;
  let pooler: Pgbouncer;
  let one: PostgresConnection;
  let other: PostgresConnection;
  let tokens: Record<string, string>;

  beforeAll(async () => {
    secured = await startSecured(version, [mcpPortal]);
    const { bench, open } = secured.databases;
    const password = key();
    await bench.drive(postgresLogin).create({ worksAs: "svc_mcp_portal", password, connectionLimit: 5 });
    const { database } = await open("mcp_portal");
    pooler = await startPgbouncer(bench.engine, { [login]: password });
    one = await pooler.connect(login, database);
    other = await pooler.connect(login, database);
    tokens = tokensOf(mcpPortal, "member", secured.keys, CLAIMS);
  });
  afterAll(async () => {
    await pooler?.stop();
    await secured?.databases.stop();
  });

  const SEE = `SELECT pg_backend_pid() AS pid, current_user::text AS role,
    coalesce(current_setting('app.context', true), '') AS context, ARRAY(SELECT id::text FROM user_server_configs) AS seen`;
  interface Seen extends Record<string, unknown> {
    pid: number;
    role: string;
    context: string;
    seen: string[];
  }
  const look = async (client: PostgresConnection) => (await client.query<Seen>(SEE))[0] as Seen;
  const become = async (client: PostgresConnection, token: string | undefined) => {
    await client.query("SET LOCAL ROLE mcp_portal_member");
    if (token !== undefined) await client.query("SELECT set_config('app.context', $1, true)", [token]);
  };
  const request = (client: PostgresConnection, tenant?: Tenant) =>
    client.transaction(async () => {
      await become(client, tenant && tokens[tenant]);
      return look(client);
    });
  const nobody = { role: "svc_mcp_portal", context: "", seen: [] };

  test("two tenants that take turns never see each other's rows", async () => {
    const pids = new Set<number>();
    const work = async (client: PostgresConnection, tenant: Tenant) => {
      for (let turn = 0; turn < 60; turn++) {
        // Every third comes without a context.
        const shown = turn % 3 === 2 ? undefined : tenant;
        const { pid, seen } = await request(client, shown);
        pids.add(pid);
        expect(seen).toEqual(shown ? [SETTINGS[shown]] : []);
      }
    };
    await Promise.all([work(one, "alpha"), work(other, "beta")]);
    expect(pids.size).toBe(1);
  });

  test.each([
    ["was committed", "COMMIT"],
    ["was rolled back", "ROLLBACK"],
  ])("nothing is left of a transaction that %s", async (_how, end) => {
    await one.query("BEGIN");
    await become(one, tokens.alpha);
    expect((await look(one)).seen).toEqual([SETTINGS.alpha]);
    await one.query(end);
    expect(await look(other)).toMatchObject(nobody);
    expect((await request(other)).seen).toEqual([]);
  });

  test("nor of one that failed", async () => {
    await one.query("BEGIN");
    await become(one, tokens.alpha);
    await expect(one.query("SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
    await one.query("ROLLBACK");
    expect(await look(other)).toMatchObject(nobody);
  });

  test("nor of one whose client went away in its middle", async () => {
    const gone = await pooler.connect(login, one.database);
    await gone.query("BEGIN");
    await become(gone, tokens.alpha);
    expect((await look(gone)).seen).toEqual([SETTINGS.alpha]);
    await gone.close();
    expect(await look(other)).toMatchObject(nobody);
    expect((await request(other)).seen).toEqual([]);
  });

  test("a context outside of a transaction is gone with its statement", async () => {
    await one.query("SELECT set_config('app.context', $1, true)", [tokens.alpha as string]);
    expect(await look(one)).toMatchObject(nobody);
  });

  test("a cursor WITH HOLD is the next one's: that is why an application declares none", async () => {
    await one.transaction(async () => {
      await become(one, tokens.alpha);
      await one.query("DECLARE kept CURSOR WITH HOLD FOR SELECT id::text FROM user_server_configs");
    });
    expect(await other.query("FETCH ALL FROM kept")).toEqual([{ id: SETTINGS.alpha }]);
    // What a pooler in session mode sends between two clients.
    await other.query("DISCARD ALL");
    await expect(one.query("FETCH ALL FROM kept")).rejects.toMatchObject({ code: "34000" });
  });

  test("nothing is held for the next one: neither after a commit, nor a failure, nor a client that went away", async () => {
    const write = (tenant: Tenant) =>
      `UPDATE users SET display_name = display_name WHERE id = '${CLAIMS[tenant].subject}' RETURNING id::text`;
    const writes = (client: PostgresConnection, tenant: Tenant, ...more: string[]) =>
      client.transaction(async () => {
        await become(client, tokens[tenant]);
        const rows = await client.query(write(tenant));
        for (const each of more) await client.query(each);
        return rows;
      });
    expect(await writes(one, "alpha")).toEqual([{ id: CLAIMS.alpha.subject }]);
    expect(await writes(other, "beta")).toEqual([{ id: CLAIMS.beta.subject }]);
    await expect(writes(one, "alpha", "SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
    expect(await writes(other, "beta")).toEqual([{ id: CLAIMS.beta.subject }]);
    const gone = await pooler.connect(login, one.database);
    await gone.query("BEGIN");
    await become(gone, tokens.alpha);
    await gone.query(write("alpha"));
    await gone.close();
    expect(await writes(other, "beta")).toEqual([{ id: CLAIMS.beta.subject }]);
    await expect(
      writes(one, "alpha", `SELECT set_config('app.context', '${tokens.beta}', true)`, write("beta")),
    ).rejects.toMatchObject({ code: "42501" });
  });

  test("a context of the session would be the next one's: that is why it has to be the transaction's", async () => {
    await one.query("SELECT set_config('app.context', $1, false)", [tokens.alpha as string]);
    const seen = await other.transaction(async () => {
      await other.query("SET LOCAL ROLE mcp_portal_member");
      return (await look(other)).seen;
    });
    expect(seen).toEqual([SETTINGS.alpha]);
    await one.query("RESET app.context");
    expect((await request(other)).seen).toEqual([]);
  });
});
