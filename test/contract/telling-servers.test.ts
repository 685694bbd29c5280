import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectMariadb } from "../../connect/mariadb";
import { connectPostgres } from "../../connect/postgres";
import { selfSigned } from "../support/engines-mariadb";

/** Servers that have the right certificate and do what no server of ours does: a database host that was taken over. */

const password = "canary-password";
let directory: string;
let pair: { key: string; cert: string };
let server: net.Server | undefined;
let heard: string;

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), "telling-"));
  await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
  const [key, cert] = await Promise.all(
    ["key.pem", "cert.pem"].map((name) => fs.readFile(path.join(directory, name), "utf8")),
  );
  pair = { key: key ?? "", cert: cert ?? "" };
});
afterEach(() => server?.close());
afterAll(() => fs.rm(directory, { recursive: true, force: true }));

/** Greets, lets the wish for TLS of so many bytes be followed by TLS, and then says an answer to each packet, as long as there are some. */
async function serve(
  greeting: Buffer | undefined,
  wish: number,
  consent: string,
  answers: Buffer[],
): Promise<number> {
  heard = "";
  server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    if (greeting) socket.write(greeting);
    socket.once("data", (asked) => {
      socket.pause();
      if (asked.length > wish) socket.unshift(asked.subarray(wish));
      socket.write(consent);
      const secure = new tls.TLSSocket(socket, { isServer: true, ...pair });
      const left = [...answers];
      secure.on("error", () => undefined);
      secure.on("data", (data: Buffer) => {
        heard += data.toString("latin1");
        const next = left.shift();
        if (next) secure.write(next);
        else secure.destroy();
      });
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return (listening.address() as net.AddressInfo).port;
}

const trust = () => ({ caCertificate: pair.cert });
const login = { user: "svc", password };

describe("a server of PostgreSQL", () => {
  const asks = (how: number, ...salt: number[]) =>
    Buffer.from([0x52, 0, 0, 0, 8 + salt.length, 0, 0, 0, how, ...salt]);

  it.each([
    ["the password", asks(3)],
    ["its MD5", asks(5, 1, 2, 3, 4)],
  ])("that asks for %s is not told", async (_what, request) => {
    const port = await serve(undefined, 8, "S", [request]);
    await expect(
      connectPostgres({ host: "127.0.0.1", port, proxy: "" }, trust(), login, 5000),
    ).rejects.toThrow(/asks for the password itself/);
    expect(heard).toContain("svc");
    expect(heard).not.toMatch(/canary|md5/);
  });
});

describe("a server of MariaDB", () => {
  const scramble = Buffer.alloc(20, "A");
  const packet = (number: number, ...parts: (string | Buffer | number[])[]) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    const head = Buffer.alloc(4);
    head.writeUIntLE(body.length, 0, 3);
    head.writeUInt8(number, 3);
    return Buffer.concat([head, body]);
  };
  /** Long passwords, transactions, protocol 4.1, TLS, and plugins to log in by. */
  const greeting = (plugin: string) =>
    packet(
      0,
      ...["\x0a11.8.6-MariaDB\0", [1, 0, 0, 0], scramble.subarray(0, 8), [0, 0x89, 0x8a, 45, 2, 0, 8, 0, 21]],
      ...[Buffer.alloc(10), scramble.subarray(8), [0], `${plugin}\0`],
    );
  const change = (plugin: string) => packet(3, [0xfe], `${plugin}\0`, scramble, [0]);
  const wholePassword = (number: number) => packet(number, [1, 4]);

  it.each([
    [
      "caching_sha2_password",
      greeting("mysql_native_password"),
      [change("caching_sha2_password"), wholePassword(5)],
    ],
    ["caching_sha2_password from the start", greeting("caching_sha2_password"), [wholePassword(3)]],
    ["sha256_password from the start", greeting("sha256_password"), [change("sha256_password")]],
    [
      "mysql_clear_password from the start",
      greeting("mysql_clear_password"),
      [change("mysql_clear_password")],
    ],
    ["sha256_password", greeting("mysql_native_password"), [change("sha256_password"), wholePassword(5)]],
    ["mysql_clear_password", greeting("mysql_native_password"), [change("mysql_clear_password")]],
  ])("that asks for the password by %s is not told", async (_how, greets, answers) => {
    const port = await serve(greets, 36, "", answers);
    await expect(
      connectMariadb({ host: "127.0.0.1", port, proxy: "" }, trust(), login, 5000),
    ).rejects.toThrow(/asks for the password in clear|no auth plugin/);
    expect(heard).toContain("svc");
    expect(heard).not.toContain("canary");
  });

  it("that asks for a file of this machine instead of answering gets none", async () => {
    const done = packet(5, [0, 0, 0, 2, 0, 0, 0]);
    const file = packet(1, [0xfb], "/etc/passwd");
    const port = await serve(greeting("mysql_native_password"), 36, "", [
      change("mysql_native_password"),
      done,
      file,
    ]);
    await expect(
      connectMariadb({ host: "127.0.0.1", port, proxy: "" }, trust(), login, 5000),
    ).rejects.toThrow();
    expect(heard).toContain("SET SESSION");
    expect(heard).not.toContain("root:");
  });
});
