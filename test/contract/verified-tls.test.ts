import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectMariadb } from "../../connect/mariadb";
import { connectRedis } from "../../connect/redis";
import { type MariadbEngine, selfSigned, startMariadb } from "../support/engines-mariadb";
import { type RedisEngine, startRedis } from "../support/engines-redis";

/** What both clients have to refuse before anything of a login leaves this machine. */
describe.each(["mariadb", "redis"] as const)("the connection to %s", { timeout: 60_000 }, (kind) => {
  /** Its certificate carries localhost and 127.0.0.1. */
  let engine: MariadbEngine | RedisEngine;
  /** Its certificate carries the name localhost only. */
  let nameOnly: MariadbEngine | RedisEngine;
  let foreign: string;

  const start = (names?: string) =>
    kind === "mariadb" ? startMariadb("11.8", { names }) : startRedis("8.0", { names, aclFile: true });
  const connect = (to: { host: string; port: number }, caCertificate: string, serverName?: string) =>
    (kind === "mariadb" ? connectMariadb : connectRedis)(
      to,
      { caCertificate, serverName },
      engine.admin,
      5000,
    );

  beforeAll(async () => {
    engine = await start();
    nameOnly = await start("DNS:localhost");
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), "certificate-"));
    await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
    foreign = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    await fs.rm(directory, { recursive: true });
  }, 300_000);

  afterAll(async () => {
    await engine?.stop();
    await nameOnly?.stop();
  });

  test("is made to the address and to the name that the certificate carries", async () => {
    for (const serverName of [undefined, "127.0.0.1", "localhost"]) {
      const connection = await connect(engine, engine.caCertificate, serverName);
      expect((await connection.serverInfo()).tlsProtocol).toBe("TLSv1.3");
      await connection.close();
    }
  });

  test("is refused where the certificate carries another name", async () => {
    await expect(connect(engine, engine.caCertificate, "db.example.com")).rejects.toThrow(
      /must carry the name "db\.example\.com"/,
    );
  });

  test("is refused where the certificate carries another address", async () => {
    await expect(connect(engine, engine.caCertificate, "10.0.0.9")).rejects.toThrow(
      /must carry the name "10\.0\.0\.9"/,
    );
  });

  test("is refused where an address is asked for and the certificate carries localhost", async () => {
    await expect(connect(nameOnly, nameOnly.caCertificate)).rejects.toThrow(
      /must carry the name "127\.0\.0\.1"/,
    );
    await expect(connect(nameOnly, nameOnly.caCertificate, "localhost")).rejects.toThrow(/denied|WRONGPASS/);
  });

  test("is refused where the certificate is signed by another authority", async () => {
    await expect(connect(engine, foreign)).rejects.toThrow(/not the pinned one/);
  });

  test("is refused where the second certificate is wrong though the first was right", async () => {
    await (await connect(engine, engine.caCertificate)).close();
    await expect(connect(engine, foreign)).rejects.toThrow(/not the pinned one/);
    await expect(connect(engine, engine.caCertificate, "db.example.com")).rejects.toThrow(/must carry/);
  });

  test("is refused, without the password, by a server that talks no TLS", async () => {
    const heard: Buffer[] = [];
    const plain = net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => heard.push(data));
      socket.write("-ERR no TLS here\r\n");
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const { port } = plain.address() as net.AddressInfo;
    try {
      const refused = connect({ host: "127.0.0.1", port }, engine.caCertificate);
      await expect(refused).rejects.toThrow();
      expect(Buffer.concat(heard).includes(engine.admin.password)).toBe(false);
    } finally {
      plain.close();
    }
  });

  test("a wrong password is refused, and the error does not hold it", async () => {
    const login = { user: engine.admin.user, password: "a wrong password that must not show" };
    const attempt = (kind === "mariadb" ? connectMariadb : connectRedis)(engine, engine, login);
    const error: unknown = await attempt.catch((caught: unknown) => caught);
    expect(String(error)).toMatch(/cannot log in as admin at \w+ 127\.0\.0\.1:\d+: .*(denied|WRONGPASS)/);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("must not show");
  });
});

test("MariaDB is refused before the login is sent", async () => {
  const engine = await startMariadb("11.8");
  try {
    const trust = { caCertificate: engine.caCertificate, serverName: "10.0.0.9" };
    await expect(
      connectMariadb(engine, trust, { user: "stranger", password: "x".repeat(32) }),
    ).rejects.toThrow();
    expect(engine.log()).not.toContain("stranger");
  } finally {
    await engine.stop();
  }
}, 60_000);
