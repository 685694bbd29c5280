import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectPostgres } from "../../connect/postgres";
import { connectRedis } from "../../connect/redis";
import { selfSigned } from "../support/engines-mariadb";

/** Servers that have the right certificate and answer what no server does. Whoever asks them asks others in the same process. */

let directory: string;
let pair: { key: string; cert: string };
let server: net.Server | undefined;
/** What ended up where nobody catches it. */
let uncaught: unknown[];
const notice = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), "lying-"));
  await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
  const [key, cert] = await Promise.all(
    ["key.pem", "cert.pem"].map((name) => fs.readFile(path.join(directory, name), "utf8")),
  );
  pair = { key: key ?? "", cert: cert ?? "" };
});
afterEach(() => server?.close());
afterAll(() => fs.rm(directory, { recursive: true, force: true }));

async function listen(on: (socket: net.Socket) => void): Promise<number> {
  uncaught = [];
  server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    on(socket);
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return (listening.address() as net.AddressInfo).port;
}

function secured(socket: net.Socket, answers: (string | Buffer)[]): void {
  const secure = new tls.TLSSocket(socket, { isServer: true, ...pair });
  const left = [...answers];
  secure.on("error", () => undefined);
  secure.on("data", () => {
    const next = left.shift();
    if (next !== undefined) secure.write(next);
  });
}

async function withoutUncaught(work: () => Promise<unknown>): Promise<void> {
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", notice);
  try {
    await expect(work()).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 200));
  } finally {
    process.removeListener("uncaughtException", notice);
    for (const other of others) process.on("uncaughtException", other);
  }
  expect(uncaught).toEqual([]);
}

describe("Redis", () => {
  it.each([
    ["twice nothing", "*-5\r\n$-7\r\n"],
    ["a list in a list, on and on", "*1\r\n".repeat(1_000_000)],
    ["no reply at all", "hello\0\xff\r\n"],
  ])("that answers %s ends its own connection alone", async (_what, answer) => {
    const port = await listen((socket) => secured(socket, [answer]));
    await withoutUncaught(async () => {
      const at = { host: "127.0.0.1", port, proxy: "" };
      const redis = await connectRedis(
        at,
        { caCertificate: pair.cert },
        { user: "svc", password: "p" },
        1500,
      );
      try {
        await redis.call("PING");
      } finally {
        await redis.close();
      }
    });
  });
});

describe("PostgreSQL", () => {
  const say = (type: string, ...body: number[]) =>
    Buffer.from([type.charCodeAt(0), 0, 0, 0, 4 + body.length, ...body]);
  const ready = Buffer.concat([say("R", 0, 0, 0, 0), say("Z", 73)]);

  it.each([
    ["a row of no columns that it named", [ready, say("D", 0, 2, 0, 0, 0, 1, 65, 0, 0, 0, 1, 66)]],
    ["columns of which it says nothing", [ready, say("T", 255, 255)]],
    ["what no message is", [ready, say("\u00f0", 1, 2, 3)]],
    ["the end of a copy that nobody asked for", [ready, say("G", 0, 0, 0), say("H", 0, 0, 0)]],
    ["a login without a mechanism", [say("R", 0, 0, 0, 10)]],
    ["a login that goes on before it began", [say("R", 0, 0, 0, 11, 65)]],
    ["a login that ends before it began", [say("R", 0, 0, 0, 12, 65)]],
    ["an error without an end", [say("E", 77)]],
    ["that it is done, and rows then", [Buffer.concat([ready, say("C", 0), say("D", 0, 1)])]],
  ])("that answers %s ends its own connection alone", async (_what, answers) => {
    const port = await listen((socket) =>
      socket.once("data", () => {
        socket.write("S");
        secured(socket, answers);
      }),
    );
    await withoutUncaught(async () => {
      const at = { host: "127.0.0.1", port, proxy: "" };
      const postgres = await connectPostgres(
        at,
        { caCertificate: pair.cert },
        { user: "svc", password: "p" },
        1500,
      );
      const silent = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), 1500));
      await Promise.race([postgres.query("SELECT 1"), silent]);
    });
  });
});
