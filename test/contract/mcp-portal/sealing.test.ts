import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresConfig } from "../../../components/plans/postgres-config";
import { newDataKey, teamKey } from "../../../ops/keys/crypto";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

const hex = (bytes: Buffer) => `\\x${bytes.toString("hex")}`;

describe.each(["16", "17"] as const)("sealed settings of mcp_portal on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  const dataKey = newDataKey();
  const key = hex(teamKey(dataKey, id("a0")));
  beforeAll(async () => {
    portal = await startPortal(version);
    database = await portal.open();
  });
  afterAll(() => portal?.stop());

  const seal = async (plain: string, config = id("ea1"), keyVersion = 1, teamsKey = key) => {
    const [row] = await database.admin.query<{ sealed: Buffer }>(
      "SELECT seal_secret($1, $2::bytea, $3::uuid, $4) AS sealed",
      [plain, teamsKey, config, keyVersion],
    );
    if (!row) throw new Error("nothing sealed");
    return row.sealed;
  };
  const open = async (sealed: Buffer, config = id("ea1"), keyVersion = 1, teamsKey = key) => {
    const [row] = await database.admin.query<{ plain: string }>(
      "SELECT open_secret($1::bytea, $2::bytea, $3::uuid, $4) AS plain",
      [hex(sealed), teamsKey, config, keyVersion],
    );
    return row?.plain;
  };
  const closed = { code: "XX001", message: "the setting cannot be opened: wrong key, or changed" };

  test("what was sealed opens, whatever it is, and never looks the same twice", async () => {
    for (const plain of ["", "x", '{"token":"Grüße 🔑"}', "long ".repeat(20_000)]) {
      expect(await open(await seal(plain))).toBe(plain);
    }
    expect((await seal("same")).equals(await seal("same"))).toBe(false);
  });

  test("the fixtures open with the keys that their page gives", async () => {
    const [row] = await database.admin.query<{ sealed: Buffer }>(
      `SELECT encrypted_config AS sealed FROM user_server_configs WHERE id = '${id("eb1")}'`,
    );
    const betas = hex(teamKey(Buffer.alloc(32, 0x11), id("b0")));
    expect(await open(row?.sealed ?? Buffer.alloc(0), id("eb1"), 1, betas)).toBe(
      '{"token":"secret of 0eb1"}',
    );
  });

  test("nothing else opens it: another key, another team's, another row, another version", async () => {
    const sealed = await seal("secret");
    await expect(open(sealed, id("ea1"), 1, hex(newDataKey()))).rejects.toMatchObject(closed);
    await expect(open(sealed, id("ea1"), 1, hex(teamKey(dataKey, id("b0"))))).rejects.toMatchObject(closed);
    await expect(open(sealed, id("ea2"))).rejects.toMatchObject(closed);
    await expect(open(sealed, id("ea1"), 2)).rejects.toMatchObject(closed);
    await expect(seal("x", id("ea1"), 1, "\\x00")).rejects.toMatchObject({ code: "22023" });
  });

  test("every byte is guarded, and so is the length", async () => {
    const sealed = await seal("secret");
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(open(changed), `byte ${at}`).rejects.toMatchObject(closed);
    }
    for (const length of [0, 16, 32, sealed.length - 1]) {
      await expect(open(sealed.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(closed);
    }
  });

  test("AES-256 with integrity, and no name of a caller's is found in place of pgcrypto's", async () => {
    const message = (await seal("secret")).subarray(32);
    // RFC 4880: packet 3 (its key from a passphrase), version 4, cipher 9 (AES-256); then packet 18 (integrity protected).
    expect([message[0], message[2], message[3]]).toEqual([0xc3, 4, 9]);
    expect(message[2 + (message[1] ?? 0)]).toBe(0xd2);
    const functions = await database.admin.query(
      `SELECT proname, proconfig FROM pg_proc WHERE proowner = 'mcp_admin'::regrole
         AND coalesce(NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig), true)`,
    );
    expect(functions).toEqual([]);
  });

  test("neither plain text nor key is written down by a server configured as ours, which logs every statement", async () => {
    const configured = postgresConfig({
      listen: "127.0.0.1",
      port: 5432,
      memoryMiB: 1024,
      serviceLimits: [],
      minimumVersion: "TLSv1.3",
    });
    const parameters = [...configured.matchAll(/^(log_parameter_max_length\w*) = (\S+)$/gm)];
    expect(parameters).toHaveLength(2);
    for (const [, name, value] of parameters) {
      await portal.bench.sql(`ALTER SYSTEM SET ${name} = ${value}`);
    }
    await portal.bench.sql("SELECT pg_reload_conf()");
    // Of which session, it does not matter: one that began after the reload.
    const connection = await database.connect();
    const plain = `canary-${newDataKey().toString("hex")}`;
    const key = hex(newDataKey());
    const call = (text: string, values: (string | number)[]) => connection.query(text, values);
    const [row] = await connection.query<{ sealed: Buffer }>(
      "SELECT seal_secret($1, $2::bytea, $3::uuid, 1) AS sealed",
      [plain, key, id("ea1")],
    );
    const sealed = hex(row?.sealed ?? Buffer.alloc(0));
    await call("SELECT open_secret($1::bytea, $2::bytea, $3::uuid, 1)", [sealed, key, id("ea1")]);
    // Also in the report of an error, with everything that a client may make it tell.
    await connection.query("SET log_error_verbosity = verbose");
    await expect(
      call("SELECT open_secret($1::bytea, $2::bytea, $3::uuid, 2)", [sealed, key, id("ea1")]),
    ).rejects.toMatchObject(closed);
    const statements = await connection.query("SELECT query FROM pg_stat_statements");
    const written = [portal.bench.engine.log(), ...statements.map(({ query }) => query)].join("\n");
    expect(written).toContain("SELECT open_secret($1::bytea");
    expect(statements.some(({ query }) => String(query).includes("pgp_sym_decrypt"))).toBe(true);
    for (const secret of [plain, key, key.slice(2), Buffer.from(key.slice(2), "hex").toString("base64")]) {
      expect(written.includes(secret)).toBe(false);
    }
  });
});
