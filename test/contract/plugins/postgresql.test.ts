import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Properties } from "../../../provider/wire/kind";
import { serverConfig } from "../../../toolchain/plugins/postgresql/config";
import { type DatabaseInputs, database } from "../../../toolchain/plugins/postgresql/database";
import { type ExtensionInputs, extension } from "../../../toolchain/plugins/postgresql/extension";
import { type RoleInputs, role } from "../../../toolchain/plugins/postgresql/role";
import { type SchemaInputs, schema } from "../../../toolchain/plugins/postgresql/schema";
import { explain, Server } from "../../../toolchain/plugins/postgresql/server";
import { startEngine } from "../../support/engines";

let engine: Awaited<ReturnType<typeof startEngine>>;
let directory: string;
let server: Server;

beforeAll(async () => {
  engine = await startEngine("postgres-16");
  directory = await fs.mkdtemp(path.join(tmpdir(), "plugin-"));
  await fs.writeFile(path.join(directory, "ca.pem"), engine.caCertificate);
  server = connect({});
});

afterAll(async () => {
  await server?.close();
  await engine?.stop();
  if (directory) await fs.rm(directory, { recursive: true });
});

function connect(more: Properties): Server {
  return new Server(
    serverConfig({
      host: engine.host,
      port: String(engine.port),
      username: engine.admin.user,
      password: engine.admin.password,
      sslmode: "verify-full",
      sslrootcert: path.join(directory, "ca.pem"),
      connectTimeout: "10",
      ...more,
    }),
  );
}

const call = (config = server) => ({ config, urn: "urn", signal: new AbortController().signal });

function checked<Inputs>(kind: { check: typeof database.check }, news: Properties): Inputs {
  const { inputs, failures } = kind.check(news, undefined, { urn: "urn" });
  expect(failures).toEqual([]);
  return inputs as unknown as Inputs;
}

const makeDatabase = (news: Properties) => database.create(call(), checked<DatabaseInputs>(database, news));
const makeRole = (news: Properties) => role.create(call(), checked<RoleInputs>(role, news));

const sql = <Row extends object>(text: string) =>
  server.admin(async (client) => (await client.query<Row>(text)).rows);

describe("the connection", () => {
  test("a server that the root certificate does not prove is refused", async () => {
    const other = connect({ sslrootcert: "" });
    await expect(other.admin((client) => client.query("SELECT 1"))).rejects.toThrow(
      /self.signed|certificate/i,
    );
  });

  test("verify-full refuses another name, verify-ca does not", async () => {
    // Resolves to 127.0.0.1, but is no name of the certificate.
    const full = connect({ host: "127.1" });
    await expect(full.admin((client) => client.query("SELECT 1"))).rejects.toThrow(/altnames|cert's/i);
    const ca = connect({ host: "127.1", sslmode: "verify-ca" });
    await ca.admin((client) => client.query("SELECT 1"));
    await ca.close();
  });

  test("a missing root certificate names its path", async () => {
    const other = connect({ sslrootcert: "/nowhere.pem" });
    await expect(other.admin((client) => client.query("SELECT 1"))).rejects.toThrow(
      'cannot read "/nowhere.pem"',
    );
  });

  test("a wrong password is not repeated", async () => {
    const other = connect({ password: "wrongpassword" });
    const error = await other.admin((client) => client.query("SELECT 1")).catch((reason) => reason);
    expect(explain(error)).toMatch(/cannot log in as \S+ at PostgreSQL 127.0.0.1:\d+.*28P01/);
    expect(explain(error)).not.toContain("wrongpassword");
  });

  test("an idle connection that the server ends is replaced", async () => {
    await server.admin((client) => client.query("SELECT 1"));
    const killer = connect({});
    await killer.admin((client) =>
      client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL",
      ),
    );
    await killer.close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await sql<{ one: number }>("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

describe("Database", () => {
  test("defaults, and what the server decided, are in the state; nothing has changed after it", async () => {
    await makeRole({ name: "owner_1" });
    const news = { name: "d-1", owner: "owner_1", connectionLimit: 100 };
    const { id, state } = await makeDatabase(news);
    expect(id).toBe("d-1");
    expect(state).toMatchObject({
      owner: "owner_1",
      template: "template0",
      encoding: "UTF8",
      tablespaceName: "pg_default",
      connectionLimit: 100,
      allowConnections: true,
      isTemplate: false,
    });
    const inputs = checked<DatabaseInputs>(database, news);
    expect(database.diff?.({ id, inputs, state }, { ...inputs })).toEqual([]);
    expect(await database.read(call(), id, { inputs, state })).toEqual({ id, inputs, state });
  });

  test("one that exists is an error", async () => {
    await makeDatabase({ name: "twice" });
    const error = await makeDatabase({ name: "twice" }).catch((reason) => reason);
    expect(explain(error)).toBe('database "twice" already exists (SQLSTATE 42P04)');
  });

  test("drift is seen, each field by name, and mended in place", async () => {
    await makeRole({ name: "owner_2" });
    await makeRole({ name: "intruder" });
    const news = checked<DatabaseInputs>(database, { name: "drift", owner: "owner_2" });
    const { id, state } = await database.create(call(), news);
    await sql("ALTER DATABASE drift OWNER TO intruder");
    await sql("ALTER DATABASE drift CONNECTION LIMIT 5");
    const found = await database.read(call(), id, { inputs: news, state });
    expect(found?.inputs).toEqual({ ...news, owner: "intruder", connectionLimit: 5 });
    if (!found) return;
    expect(database.diff?.(found, { ...news })).toEqual([
      { path: "owner", kind: "update" },
      { path: "connectionLimit", kind: "update" },
    ]);
    const mended = await database.update(call(), id, found, news);
    expect(mended).toEqual(state);
  });

  test("encoding, locale and template replace", async () => {
    const inputs = checked<DatabaseInputs>(database, { name: "locale", lcCollate: "C", lcCtype: "C" });
    const { id, state } = await database.create(call(), inputs);
    const news = { ...inputs, lcCollate: "POSIX", encoding: "LATIN1", template: "template1" };
    expect(database.diff?.({ id, inputs, state }, news)).toEqual(
      ["template", "encoding", "lcCollate"].map((name) => ({ path: name, kind: "update", replaces: true })),
    );
  });

  test("a name is changed in place", async () => {
    const inputs = checked<DatabaseInputs>(database, { name: "before" });
    const { id, state } = await database.create(call(), inputs);
    const renamed = await database.update(call(), id, { inputs, state }, { ...inputs, name: "after" });
    expect(renamed.name).toBe("after");
    expect(await database.read(call(), id, { inputs, state: renamed })).toMatchObject({ id: "after" });
  });

  test("deleting ends the sessions in it; deleting again is an error, as with the real plugin", async () => {
    const inputs = checked<DatabaseInputs>(database, { name: "busy", isTemplate: true });
    const made = await database.create(call(), inputs);
    const { host, port, admin, caCertificate } = engine;
    const session = new Client({ host, port, ...admin, database: "busy", ssl: { ca: caCertificate } });
    session.on("error", () => undefined);
    await session.connect();
    await database.delete(call(), made.id, { inputs, state: made.state });
    expect(await database.read(call(), made.id, undefined)).toBeUndefined();
    await expect(database.delete(call(), made.id, { inputs, state: made.state })).rejects.toThrow(
      "does not exist",
    );
  });

  test("an import gives inputs that need no change", async () => {
    await makeDatabase({ name: "imported", owner: "owner_1" });
    const found = await database.read(call(), "imported", undefined);
    expect(found?.inputs).toMatchObject({
      name: "imported",
      owner: "owner_1",
      encoding: "UTF8",
      connectionLimit: -1,
    });
    if (found) expect(database.diff?.(found, found.inputs as unknown as Properties)).toEqual([]);
  });

  test("many at a time", async () => {
    const names = Array.from({ length: 6 }, (_, index) => `many_${index}`);
    await Promise.all(names.map((name) => makeDatabase({ name })));
    const found = await sql<{ count: string }>(
      "SELECT count(*) FROM pg_database WHERE datname LIKE 'many_%'",
    );
    expect(found).toEqual([{ count: "6" }]);
  });
});

describe("Role", () => {
  test("a plain one may nothing; one that exists is an error", async () => {
    const { state } = await makeRole({ name: "plain" });
    expect(state).toMatchObject({
      login: false,
      superuser: false,
      createRole: false,
      inherit: true,
      roles: [],
    });
    await expect(makeRole({ name: "plain" })).rejects.toThrow("already exists");
  });

  test("attributes, memberships and settings that drifted are seen and mended", async () => {
    const inputs = checked<RoleInputs>(role, {
      name: "settled",
      searchPaths: ["app", "$user"],
      statementTimeout: 5000,
    });
    const { id, state } = await role.create(call(), inputs);
    expect(role.diff?.({ id, inputs, state }, { ...inputs })).toEqual([]);
    await sql("ALTER ROLE settled CREATEDB LOGIN CONNECTION LIMIT 3");
    await sql("ALTER ROLE settled SET statement_timeout TO '1min'");
    await sql("ALTER ROLE settled SET role TO plain");
    await sql("GRANT plain TO settled");
    const found = await role.read(call(), id, { inputs, state });
    if (!found) throw new Error("the role is gone");
    expect(found.inputs).toMatchObject({ statementTimeout: 60_000, roles: ["plain"], assumeRole: "plain" });
    expect(role.diff?.(found, { ...inputs } as unknown as Properties).map(({ path }) => path)).toEqual([
      "login",
      "createDatabase",
      "connectionLimit",
      "roles",
      "statementTimeout",
      "assumeRole",
    ]);
    expect(await role.update(call(), id, found, inputs)).toEqual(state);
  });

  test("deleting gives what it owns to the admin, and is skipped where it says so", async () => {
    const inputs = checked<RoleInputs>(role, { name: "leaving" });
    const { id, state } = await role.create(call(), inputs);
    await sql("CREATE TABLE left_behind (id int)");
    await sql("ALTER TABLE left_behind OWNER TO leaving");
    await role.delete(call(), id, {
      inputs,
      state: { ...state, skipReassignOwned: true, skipDropRole: true },
    });
    expect(await role.read(call(), id, { inputs, state })).toBeDefined();
    await expect(
      role.delete(call(), id, { inputs, state: { ...state, skipReassignOwned: true } }),
    ).rejects.toThrow("cannot be dropped");
    await role.delete(call(), id, { inputs, state });
    expect(await role.read(call(), id, { inputs, state })).toBeUndefined();
    const owner = await sql("SELECT tableowner FROM pg_tables WHERE tablename = 'left_behind'");
    expect(owner).toEqual([{ tableowner: engine.admin.user }]);
  });
});

describe("Schema and Extension", () => {
  beforeAll(async () => {
    await makeRole({ name: "keeper" });
    await makeDatabase({ name: "inside", owner: "keeper" });
  });

  test("a schema that exists gets its owner; a new one is made, renamed, dropped", async () => {
    const publicSchema = checked<SchemaInputs>(schema, {
      name: "public",
      database: "inside",
      owner: "keeper",
    });
    const taken = await schema.create(call(), publicSchema);
    expect(taken).toMatchObject({ id: "inside.public", state: { owner: "keeper" } });
    const inputs = checked<SchemaInputs>(schema, { name: "app", database: "inside" });
    const { id, state } = await schema.create(call(), inputs);
    expect(schema.diff?.({ id, inputs, state }, { ...inputs } as unknown as Properties)).toEqual([]);
    const renamed = await schema.update(
      call(),
      id,
      { inputs, state },
      { ...inputs, name: "app2", owner: "keeper" },
    );
    expect(renamed).toMatchObject({ name: "app2", owner: "keeper" });
    const found = await schema.read(call(), id, { inputs, state: renamed });
    expect(found).toMatchObject({ id: "inside.app2" });
    await schema.delete(call(), id, { inputs, state: renamed });
    await schema.delete(call(), id, { inputs, state: renamed });
    expect(await schema.read(call(), "inside.app2", undefined)).toBeUndefined();
  });

  test("a schema with something in it is dropped only with dropCascade", async () => {
    const inputs = checked<SchemaInputs>(schema, { name: "full", database: "inside" });
    const { id, state } = await schema.create(call(), inputs);
    await server.inDatabase("inside", (client) => client.query('CREATE TABLE "full".t (id int)'));
    await expect(schema.delete(call(), id, { inputs, state })).rejects.toThrow("other objects depend on it");
    await schema.delete(call(), id, { inputs, state: { ...state, dropCascade: true } });
  });

  test("an extension is made where it is not there, read back, moved and dropped", async () => {
    const inputs = checked<ExtensionInputs>(extension, { name: "uuid-ossp", database: "inside" });
    const { id, state } = await extension.create(call(), inputs);
    expect(await extension.create(call(), inputs)).toEqual({ id, state });
    expect(id).toBe("inside.uuid-ossp");
    expect(state).toMatchObject({ schema: "public", version: expect.stringMatching(/^\d/) });
    await server.inDatabase("inside", (client) => client.query("CREATE SCHEMA tools"));
    const moved = await extension.update(call(), id, { inputs, state }, { ...inputs, schema: "tools" });
    expect(moved.schema).toBe("tools");
    expect(await extension.read(call(), id, undefined)).toMatchObject({ state: { schema: "tools" } });
    await extension.delete(call(), id, { inputs, state: moved });
    expect(await extension.read(call(), id, { inputs, state: moved })).toBeUndefined();
  });

  test("one in a database that is gone is gone", async () => {
    expect(await extension.read(call(), "nowhere.pgcrypto", undefined)).toBeUndefined();
    expect(await schema.read(call(), "nowhere.public", undefined)).toBeUndefined();
  });
});

test("an admin that is no superuser gives things only to roles it may become", async () => {
  await sql("CREATE ROLE boss LOGIN CREATEDB CREATEROLE PASSWORD 'boss'");
  const boss = connect({ username: "boss", password: "boss" });
  await role.create(call(boss), checked<RoleInputs>(role, { name: "owner_3" }));
  const inputs = checked<DatabaseInputs>(database, { name: "by_boss", owner: "owner_3" });
  await expect(database.create(call(boss), inputs)).rejects.toThrow('must be able to SET ROLE "owner_3"');
  await boss.admin((client) => client.query("GRANT owner_3 TO boss WITH SET TRUE, INHERIT TRUE"));
  const { id, state } = await database.create(call(boss), inputs);
  expect(state.owner).toBe("owner_3");
  await database.delete(call(boss), id, { inputs, state });
  await boss.close();
});
