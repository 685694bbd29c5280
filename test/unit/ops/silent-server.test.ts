import * as net from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectMariadb } from "../../../connect/mariadb";
import { checkAll } from "../../../ops/reach/check";
import { connectAs } from "../../../ops/reach/connectors";
import type { Target } from "../../../ops/reach/targets";
import { requireWayIn, tellingEndpoints } from "../../../ops/reach/way-in";
import { proxyState } from "../../../ops/tunnel/socks";
import { target } from "./support";

/** A server that takes the connection and then says `greeting`, or nothing at all. */
let server: net.Server;
let greeting: Buffer | undefined;
const sockets = new Set<net.Socket>();

beforeEach(async () => {
  greeting = undefined;
  server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => greeting && socket.write(greeting));
  });
  await listen();
});

function listen(): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => server.close(resolve));
});

const port = () => (server.address() as net.AddressInfo).port;
const advice = 'Open the tunnel: eval "$(npx estate tunnel)"';

describe("a server that falls silent", () => {
  it.each<Target["engine"]>([
    "mariadb",
    "postgres",
    "redis",
  ])("does not hold up the check of %s", async (engine) => {
    const silent = target({ engine, endpoint: { host: "127.0.0.1", port: port() } });
    const [result] = await checkAll([silent], { connect: connectAs({}), timeoutMs: 250, parallel: 8 });
    expect(result?.reachable).toBe(false);
    expect(result?.reason).toMatch(/no answer within 0\.25 s|within 250 ms|timeout|ETIMEDOUT/i);
    expect(JSON.stringify(result)).not.toContain("canary-password");
  });
});

it("of MariaDB may have a full disk, and the error says so", async () => {
  const trust = { caCertificate: "-", serverName: "mariadb.example" };
  await expect(
    connectMariadb({ host: "127.0.0.1", port: port() }, trust, { user: "svc_x", password: "canary" }, 250),
  ).rejects.toThrow(
    /^cannot log in as svc_x at MariaDB .*It took the connection and says nothing: .*its disk is full/,
  );
});

describe("the way in", () => {
  it("is open when a server answers directly", async () => {
    await expect(requireWayIn([{ host: "127.0.0.1", port: port() }], {}, advice)).resolves.toBeUndefined();
  });

  it("is closed when none does, and the error says how to open it", async () => {
    const closed = port();
    server.close();
    await expect(requireWayIn([{ host: "127.0.0.1", port: closed }], {}, advice)).rejects.toMatchObject({
      exitCode: 2,
      message: `ALL_PROXY is not set and no server answers directly (127.0.0.1:${closed}). ${advice}`,
    });
    await listen();
  });

  it("is not judged by this machine's own 127.0.0.1, which is not the plesk host's", () => {
    const own = { host: "127.0.0.1", port: 3306 };
    const remote = { host: "mariadb.example", port: 3306 };
    expect(tellingEndpoints([own, remote, own, { ...remote }])).toEqual([remote]);
    expect(tellingEndpoints([own, own])).toEqual([own]);
  });

  it("is closed when the proxy's port is held by something that speaks no SOCKS", async () => {
    greeting = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await proxyState({ host: "127.0.0.1", port: port(), login: undefined })).toBe("silent");
    const env = { ALL_PROXY: `socks5://127.0.0.1:${port()}` };
    await expect(requireWayIn([], env, advice)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("the tunnel is closed"),
    });
  });

  it("is open when a SOCKS proxy answers", async () => {
    greeting = Buffer.from([5, 0]);
    const env = { ALL_PROXY: `socks5://127.0.0.1:${port()}` };
    await expect(requireWayIn([], env, advice)).resolves.toBeUndefined();
  });

  it.each([
    ["has another password", [5, 2, 1, 1]],
    ["asks for no password", [5, 0, 1, 0]],
  ])("is not open to us when the proxy %s, and the error does not tell ours", async (_, bytes) => {
    greeting = Buffer.from(bytes);
    const env = { ALL_PROXY: `socks5://estate:canary@127.0.0.1:${port()}` };
    await expect(requireWayIn([], env, advice)).rejects.toMatchObject({
      exitCode: 2,
      message: `the tunnel at socks5://127.0.0.1:${port()} has another password than ALL_PROXY says. ${advice}`,
    });
  });

  it.each([
    ["no URL", "canary@127.0.0.1"],
    ["another protocol", "http://estate:canary@127.0.0.1:3128"],
    ["closed", "socks5://estate:canary@127.0.0.1:1"],
    ["of letters that no URL has", "socks5://estate:%zz@127.0.0.1:1"],
  ])("cannot be %s, and the error repeats no password", async (_, ALL_PROXY) => {
    await expect(requireWayIn([], { ALL_PROXY }, advice)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^(?!.*(canary|%zz))/),
    });
  });
});
