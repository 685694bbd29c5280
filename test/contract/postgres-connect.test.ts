import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgres } from "../../connect/postgres";
import { PostgresServer } from "../../connect/postgres-server";
import { selfSigned } from "../support/engines-mariadb";
import { type PostgresEngine, startPostgres } from "../support/engines-postgres";

const minutes = 60_000;

describe.each(["16", "17"] as const)("connections to PostgreSQL %s", (version) => {
  let engine: PostgresEngine;
  let otherCertificate: string;

  beforeAll(async () => {
    engine = await startPostgres(version);
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), "certificate-"));
    await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
    otherCertificate = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    await fs.rm(directory, { recursive: true });
  }, 5 * minutes);
  afterAll(() => engine?.stop(), minutes);

  const refusal = (trust: { caCertificate: string; serverName?: string }, port = engine.port) =>
    connectPostgres({ host: "127.0.0.1", port }, trust, engine.admin).then(
      async (connection) => {
        await connection.close();
        return "it connected";
      },
      (error: Error) => error.message,
    );
  const logins = () => engine.log().match(/connection authenticated|statement:/g)?.length ?? 0;

  test("verified by address and by name; says version and protocol", async () => {
    for (const serverName of [undefined, "localhost", "127.0.0.1"]) {
      const trust = { caCertificate: engine.caCertificate, serverName };
      const connection = await connectPostgres(engine, trust, engine.admin);
      const info = await connection.serverInfo();
      expect(info.version).toMatch(new RegExp(`^${version}\\.`));
      expect(info.tlsProtocol).toBe("TLSv1.3");
      await connection.close();
    }
  });

  test("a wrong name is refused, as a name and as an address", async () => {
    const before = logins();
    for (const serverName of ["db.example.org", "127.0.0.2"]) {
      const message = await refusal({ caCertificate: engine.caCertificate, serverName });
      expect(message).toContain(`The certificate must carry the name "${serverName}"`);
      expect(message).not.toContain(engine.admin.password);
    }
    expect(logins()).toBe(before);
  });

  test("a wrong authority is refused, though it carries the name", async () => {
    const before = logins();
    const message = await refusal({ caCertificate: otherCertificate });
    expect(message).toMatch(/certificate.*not the pinned one nor signed by it/s);
    expect(message).not.toContain(engine.admin.password);
    expect(logins()).toBe(before);
  });

  test("a server without TLS never sees who wants in", async () => {
    let seen = Buffer.alloc(0);
    const plain = net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        seen = Buffer.concat([seen, data]);
        socket.write("N");
      });
    });
    const port = await new Promise<number>((resolve) =>
      plain.listen(0, "127.0.0.1", () => resolve((plain.address() as net.AddressInfo).port)),
    );
    const message = await refusal({ caCertificate: engine.caCertificate }, port);
    plain.close();
    expect(message).toMatch(/offers no TLS/);
    expect(seen.length).toBe(8);
    expect(seen.toString()).not.toContain(engine.admin.user);
  });

  test("through a SOCKS proxy, verified by the name on the far side", async () => {
    const proxy = await socksProxy(engine.port);
    const trust = { caCertificate: engine.caCertificate, serverName: "localhost" };
    const endpoint = { host: "db.far.example", port: 5432, proxy: `socks5://127.0.0.1:${proxy.port}` };
    const connection = await connectPostgres(endpoint, trust, engine.admin);
    expect(await connection.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await connection.close();
    expect(proxy.asked).toEqual(["db.far.example:5432"]);
    const unnamed = { caCertificate: engine.caCertificate };
    await expect(connectPostgres(endpoint, unnamed, engine.admin)).rejects.toThrow(
      /carry the name "db.far.example"/,
    );
    proxy.close();
  });

  test("what is wrong with a login is said without its password", async () => {
    const password = "not-the-password-of-the-admin";
    const wrong = connectPostgres(engine, engine, { ...engine.admin, password });
    await expect(wrong).rejects.toMatchObject({
      code: "28P01",
      message: expect.stringMatching(/Wrong password/),
    });
    await wrong.catch((error: Error) => expect(JSON.stringify(error) + error.stack).not.toContain(password));
    const nowhere = connectPostgres(engine, engine, { ...engine.admin, database: "nowhere" });
    await expect(nowhere).rejects.toMatchObject({ code: "3D000" });
  });

  test("an admin's session looks names up in pg_catalog only, and outlives a broken connection", async () => {
    const server = new PostgresServer(engine, engine, engine.admin);
    const [row] = await server.withConnection("postgres", (each) => each.query("SHOW search_path"));
    expect(row).toEqual({ search_path: "pg_catalog" });
    const suicide = server.withConnection("postgres", (each) =>
      each.query("SELECT pg_terminate_backend(pg_backend_pid())"),
    );
    await expect(suicide).rejects.toThrow(/terminat/);
    expect(await server.withConnection("postgres", (each) => each.query("SELECT 1 AS one"))).toEqual([
      { one: 1 },
    ]);
    await server.close();
  });
});

/** Answers every wish with a connection to one local port, and keeps what was wished for. */
async function socksProxy(target: number): Promise<{ port: number; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const proxy = net.createServer((client) => {
    client.on("error", () => undefined);
    client.once("data", () => {
      client.write(Buffer.from([5, 0]));
      client.once("data", (wish) => {
        const length = wish[4] ?? 0;
        asked.push(`${wish.subarray(5, 5 + length).toString()}:${wish.readUInt16BE(5 + length)}`);
        const server = net.connect(target, "127.0.0.1", () => {
          client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          client.pipe(server).pipe(client);
        });
        server.on("error", () => client.destroy());
      });
    });
  });
  const port = await new Promise<number>((resolve) =>
    proxy.listen(0, "127.0.0.1", () => resolve((proxy.address() as net.AddressInfo).port)),
  );
  return { port, asked, close: () => proxy.close() };
}
