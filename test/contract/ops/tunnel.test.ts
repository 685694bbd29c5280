import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openSocket } from "../../../connect/socket";
import { type OpenRequest, type OpenTunnel, openTunnel } from "../../../ops/tunnel/open";
import { findTunnel, stopTunnel } from "../../../ops/tunnel/running";
import { socksAnswers } from "../../../ops/tunnel/socks";
import { freePort, type Sshd, startSshd } from "../../support/sshd";

let sshd: Sshd;
let directory: string;
let request: OpenRequest;
let opened: OpenTunnel[];

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd?.stop());

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "estate-tunnel-"));
  const knownHosts = path.join(directory, "known_hosts");
  writeFileSync(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey}\n`);
  opened = [];
  request = {
    plan: {
      ssh: { host: sshd.host, port: sshd.port, user: sshd.user },
      port: await freePort(),
      knownHosts: { file: knownHosts, pinned: true },
    },
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, SSH_PRIVATE_KEY: sshd.privateKey },
    cwd: directory,
    pidFile: path.join(directory, "run", "tunnel.pid"),
    detached: false,
    signal: new AbortController().signal,
  };
});

afterEach(async () => {
  for (const tunnel of opened) await tunnel.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(changes: Partial<OpenRequest> = {}): Promise<OpenTunnel> {
  const tunnel = await openTunnel({ ...request, ...changes });
  opened.push(tunnel);
  return tunnel;
}

describe("the tunnel", () => {
  it("carries a connection, and leaves no key and no process behind", async () => {
    const echo = net.createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    const tunnel = await open();
    const { port } = echo.address() as net.AddressInfo;
    const socket = await openSocket({ host: "127.0.0.1", port, proxy: `socks5://127.0.0.1:${tunnel.port}` });
    socket.write("through");
    expect(String(await new Promise((resolve) => socket.once("data", resolve)))).toBe("through");
    socket.destroy();
    echo.close();
    expect(readdirSync(path.join(directory, `estate-${process.getuid?.()}`))).toEqual([]);
    await tunnel.close();
    expect(await socksAnswers("127.0.0.1", tunnel.port)).toBe(false);
    expect(readdirSync(path.dirname(request.pidFile))).toEqual([]);
    expect(existsSync(`/proc/${tunnel.pid}`)).toBe(false);
  });

  it("is kept when it is open already, also by two who open it at once", async () => {
    const [first, second] = await Promise.all([open({ detached: true }), open({ detached: true })]);
    const third = await open();
    expect([first?.opened, second?.opened, third.opened].filter(Boolean)).toHaveLength(1);
    expect(new Set([first?.pid, second?.pid, third.pid]).size).toBe(1);
  });

  it("can be found and stopped by its pid file alone", async () => {
    const { pid, port } = await open({ detached: true });
    const found = findTunnel(request.pidFile, port);
    expect(found).toMatchObject({ pid, destination: `${sshd.user}@${sshd.host}:${sshd.port}` });
    if (found) await stopTunnel(found, request.pidFile);
    expect(findTunnel(request.pidFile, port)).toBeUndefined();
    expect(await socksAnswers("127.0.0.1", port)).toBe(false);
  });

  it("is not kept when it leads to another host", async () => {
    await open();
    const elsewhere = { ...request.plan, ssh: { ...request.plan.ssh, host: "other.example" } };
    await expect(open({ plan: elsewhere })).rejects.toThrow(
      /carries a tunnel to .*127\.0\.0\.1.*, not to .*other\.example/,
    );
  });

  it("does not take a port that another program holds", async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(request.plan.port, "127.0.0.1", resolve));
    await expect(open()).rejects.toThrow("is in use by another program");
    other.close();
  });

  it("refuses a host whose key is not the pinned one", async () => {
    writeFileSync(request.plan.knownHosts.file, "");
    await expect(open()).rejects.toThrow(/does not hold the key this host shows/);
    expect(readdirSync(path.dirname(request.pidFile))).toEqual([]);
  });

  it("takes an unknown host's key on first sight where none is pinned, and holds to it", async () => {
    const knownHosts = { file: path.join(directory, "first-seen"), pinned: false };
    const plan = { ...request.plan, knownHosts };
    await (await open({ plan })).close();
    expect(existsSync(knownHosts.file)).toBe(true);
    await sshd.replace();
    await expect(open({ plan })).rejects.toThrow(/remove its line from/);
  });

  it("says what to do when the key is refused", async () => {
    const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, HOME: directory };
    await expect(open({ env })).rejects.toThrow(/Permission denied.*SSH_PRIVATE_KEY_FILE/);
  });

  it("is closed again when it is interrupted before it is open", async () => {
    const interrupted = AbortSignal.abort();
    await expect(open({ signal: interrupted })).rejects.toThrow("interrupted");
    expect(readdirSync(path.dirname(request.pidFile))).toEqual([]);
    expect(await socksAnswers("127.0.0.1", request.plan.port)).toBe(false);
  });

  it("tells ssh's end", async () => {
    const { ended, pid } = await open();
    process.kill(pid, "SIGKILL");
    expect(await ended).toBe("ssh ended (SIGKILL)");
  });
});
