import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Properties } from "../../../provider/wire/kind";
import { serverConfig } from "../../../toolchain/plugins/mysql/config";
import { type DatabaseInputs, database } from "../../../toolchain/plugins/mysql/database";
import { Server } from "../../../toolchain/plugins/mysql/server";
import { startEngine } from "../../support/engines";

let engine: Awaited<ReturnType<typeof startEngine>>;
let directory: string;
let server: Server;

beforeAll(async () => {
  engine = await startEngine("mariadb-10.11");
  directory = await fs.mkdtemp(path.join(tmpdir(), "plugin-"));
  await fs.writeFile(path.join(directory, "ca.pem"), engine.caCertificate);
  process.env.SSL_CERT_FILE = path.join(directory, "ca.pem");
  server = new Server(config());
});

afterAll(async () => {
  delete process.env.SSL_CERT_FILE;
  await server?.close();
  await engine?.stop();
  if (directory) await fs.rm(directory, { recursive: true });
});

function config() {
  const { host, port, admin } = engine;
  return serverConfig({
    endpoint: `${host}:${port}`,
    username: admin.user,
    password: admin.password,
    tls: "true",
  });
}

const call = () => ({ config: server, urn: "urn", signal: new AbortController().signal });

function checked(news: Properties): DatabaseInputs {
  const { inputs, failures } = database.check(news, undefined, { urn: "urn" });
  expect(failures).toEqual([]);
  return inputs as unknown as DatabaseInputs;
}

const utf8mb4 = { defaultCharacterSet: "utf8mb4", defaultCollation: "utf8mb4_unicode_ci" };

test("creates, reads, sees and mends drift, deletes", async () => {
  const inputs = checked({ name: "a`b_c", ...utf8mb4 });
  const { id, state } = await database.create(call(), inputs);
  expect(state).toEqual(inputs);
  expect(database.diff?.({ id, inputs, state }, { ...inputs })).toEqual([]);
  await server.use((connection) => connection.query("ALTER DATABASE `a``b_c` COLLATE utf8mb4_bin"));
  const found = await database.read(call(), id, { inputs, state });
  expect(found?.inputs).toEqual({ ...inputs, defaultCollation: "utf8mb4_bin" });
  if (found) {
    expect(database.diff?.(found, { ...inputs })).toEqual([{ path: "defaultCollation", kind: "update" }]);
    expect(await database.update(call(), id, found, inputs)).toEqual(inputs);
  }
  await database.delete(call(), id, { inputs, state });
  expect(await database.read(call(), id, { inputs, state })).toBeUndefined();
  await expect(database.delete(call(), id, { inputs, state })).rejects.toMatchObject({ errno: 1008 });
});

test("one that exists is an error", async () => {
  await database.create(call(), checked({ name: "twice", ...utf8mb4 }));
  await expect(database.create(call(), checked({ name: "twice", ...utf8mb4 }))).rejects.toMatchObject({
    errno: 1007,
  });
});

test("an import gives inputs that need no change; another name replaces", async () => {
  await database.create(call(), checked({ name: "imported", ...utf8mb4 }));
  const found = await database.read(call(), "imported", undefined);
  expect(found?.inputs).toEqual({ name: "imported", ...utf8mb4 });
  if (found) {
    expect(database.diff?.(found, { ...found.inputs, name: "other" })).toEqual([
      { path: "name", kind: "update", replaces: true },
    ]);
  }
});

test("a server that the system's authorities do not prove is refused", async () => {
  const own = process.env.SSL_CERT_FILE;
  delete process.env.SSL_CERT_FILE;
  try {
    const other = new Server(config());
    await expect(other.use((connection) => connection.query("SELECT 1"))).rejects.toThrow(/certificate/);
  } finally {
    process.env.SSL_CERT_FILE = own;
  }
});
