import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectPostgres } from "../../../connect/postgres";
import { openSocket } from "../../../connect/socket";
import { type OpenRequest, type OpenTunnel, openTunnel } from "../../../ops/tunnel/open";
import { passwordFile, proxyUrl } from "../../../ops/tunnel/password";
import { defaultPidFile, findTunnel, stopTunnel } from "../../../ops/tunnel/running";
import { proxyState } from "../../../ops/tunnel/socks";
import { startPostgres } from "../../support/engines-postgres";
import { freePort } from "../../support/free-port";
import { type Sshd, startSshd } from "../../support/sshd";

let sshd: Sshd;
let echo: net.Server;
let directory: string;
let request: OpenRequest;
let opened: OpenTunnel[];

beforeAll(async () => {
  sshd = await startSshd();
  // Ends its side only after the client has ended its own: half a connection has to pass, too.
  echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  echo?.close();
  await sshd?.stop();
});

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "estate-tunnel-"));
  const knownHosts = path.join(directory, "known_hosts");
  writeFileSync(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey}\n`);
  opened = [];
  const port = await freePort();
  const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, SSH_PRIVATE_KEY: sshd.privateKey };
  request = {
    plan: {
      ssh: { host: sshd.host, port: sshd.port, user: sshd.user },
      port,
      endpoints: [{ host: "127.0.0.1", port: portOf(echo) }],
      knownHosts: { file: knownHosts, pinned: true },
    },
    env,
    cwd: directory,
    pidFile: defaultPidFile(env, port),
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

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}

const proxyOf = ({ port, password }: OpenTunnel) => proxyUrl(port, password);
const loginOf = ({ port, password }: { port: number; password: string }) => ({
  host: "127.0.0.1",
  port,
  login: { user: "estate", password },
});
const filesLeft = () => readdirSync(path.dirname(request.pidFile));

/** Whole of what comes back for `text`, after our side has ended. */
async function through(proxy: string, text: string, port = portOf(echo)): Promise<string> {
  const socket = await openSocket({ host: "127.0.0.1", port, proxy });
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Runs a program of Node as `nobody`. */
function asNobody(script: string, ...words: string[]): Promise<string> {
  const user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
  return new Promise((resolve, reject) => {
    execFile(
      "setpriv",
      [...user, process.execPath, "-e", script, ...words],
      { cwd: "/" },
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout.trim())),
    );
  });
}

describe("the tunnel", () => {
  it("carries a connection, and leaves no key and no process behind", async () => {
    const tunnel = await open();
    const megabyte = "x".repeat(1 << 20);
    expect((await through(proxyOf(tunnel), megabyte)) === megabyte).toBe(true);
    expect(filesLeft().sort()).toEqual(
      ["", ".log", ".password"].map((end) => `tunnel-${tunnel.port}.pid${end}`),
    );
    await tunnel.close();
    expect(await proxyState(loginOf(tunnel))).toBe("silent");
    expect(filesLeft()).toEqual([]);
    expect(existsSync(`/proc/${tunnel.pid}`)).toBe(false);
  });

  it("carries many sessions of a real server at once, each verified", async () => {
    const engine = await startPostgres("17");
    try {
      const endpoint = { host: "127.0.0.1", port: engine.port };
      const tunnel = await open({ plan: { ...request.plan, endpoints: [endpoint] } });
      const session = async (number: number) => {
        const trust = { caCertificate: engine.caCertificate };
        const connection = await connectPostgres(
          { ...endpoint, proxy: proxyOf(tunnel) },
          trust,
          engine.admin,
        );
        const [row] = await connection.query<{ text: string }>(`SELECT repeat('${number}', 100000) AS text`);
        await connection.close();
        return row?.text.length;
      };
      const lengths = await Promise.all(Array.from({ length: 20 }, (_, number) => session(number)));
      expect(lengths).toEqual(Array.from({ length: 20 }, (_, number) => (number < 10 ? 100_000 : 200_000)));
    } finally {
      await engine.stop();
    }
  }, 120_000);

  it("is kept when it is open already, also by two who open it at once, and all have its password", async () => {
    const [first, second] = await Promise.all([open({ detached: true }), open({ detached: true })]);
    const third = await open();
    expect([first?.opened, second?.opened, third.opened].filter(Boolean)).toHaveLength(1);
    expect(new Set([first?.pid, second?.pid, third.pid]).size).toBe(1);
    expect(new Set([first?.password, second?.password, third.password]).size).toBe(1);
    expect(await through(proxyOf(third), "again")).toBe("again");
  });

  it("goes on with the password that a file names, when it is opened anew", async () => {
    const file = path.join(directory, "password");
    writeFileSync(file, "a".repeat(32), { mode: 0o600 });
    const env = { ...request.env, TUNNEL_PASSWORD_FILE: file };
    const first = await open({ env });
    await first.close();
    await open({ env });
    expect(await through(proxyOf(first), "as before")).toBe("as before");
  });

  it("can be found and stopped by its pid file alone", async () => {
    const { pid, port, password } = await open({ detached: true });
    const found = findTunnel(request.pidFile, port);
    expect(found).toMatchObject({ pid, destination: `${sshd.user}@${sshd.host}:${sshd.port}`, password });
    if (found) await stopTunnel(found, request.pidFile);
    expect(findTunnel(request.pidFile, port)).toBeUndefined();
    expect(await proxyState(loginOf({ port, password }))).toBe("silent");
    expect(filesLeft()).toEqual([]);
  });

  it("ends with whoever holds it in the foreground, even one that is killed", async () => {
    const script = `
      const { openTunnel } = require(${JSON.stringify(path.resolve("ops/tunnel/open.ts"))});
      const request = JSON.parse(process.env.REQUEST);
      openTunnel({ ...request, signal: new AbortController().signal }).then((tunnel) => {
        process.stdout.write(String(tunnel.pid));
        process.kill(process.pid, "SIGKILL");
      });
      setTimeout(() => {}, 60_000);`;
    const env = { ...process.env, REQUEST: JSON.stringify(request) };
    const pid = await new Promise<number>((resolve) => {
      execFile(process.execPath, ["--import", "tsx", "-e", script], { env }, (_error, stdout) =>
        resolve(Number(stdout)),
      );
    });
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5_000 }).toBe(false);
  });

  it("is not kept when it leads to another host", async () => {
    await open();
    const elsewhere = { ...request.plan, ssh: { ...request.plan.ssh, host: "other.example" } };
    writeFileSync(request.plan.knownHosts.file, `[other.example]:${sshd.port} ${sshd.hostKey}\n`);
    await expect(open({ plan: elsewhere })).rejects.toThrow(
      /carries a tunnel to .*127\.0\.0\.1.*, not to .*other\.example/,
    );
  });

  it("is not kept when it does not lead to what has been declared since", async () => {
    await open();
    const endpoints = [...request.plan.endpoints, { host: "new.example", port: 6399 }];
    await expect(open({ plan: { ...request.plan, endpoints } })).rejects.toThrow(
      "does not lead everywhere: since it was opened, new.example:6399 came to what the stack declares. Stop it",
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
    await expect(open()).rejects.toThrow(/has no key of 127\.0\.0\.1/);
    const another = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString("base64")}`;
    writeFileSync(request.plan.knownHosts.file, `[${sshd.host}]:${sshd.port} ${another}\n`);
    await expect(open()).rejects.toThrow(/shows another host key than the pinned one.*The pinned key is in/);
    expect(filesLeft()).toEqual([]);
  });

  it("takes an unknown host's key on first sight where none is pinned, and holds to it", async () => {
    const knownHosts = { file: path.join(directory, "first-seen"), pinned: false };
    const plan = { ...request.plan, knownHosts };
    await (await open({ plan })).close();
    expect(readFileSync(knownHosts.file, "utf8")).toBe(`[${sshd.host}]:${sshd.port} ${sshd.hostKey}\n`);
    await sshd.replace();
    await expect(open({ plan })).rejects.toThrow(/remove its line from/);
  });

  it("says what to do when the key is refused", async () => {
    const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, HOME: directory };
    await expect(open({ env })).rejects.toThrow(/no way to log in.*TUNNEL_PRIVATE_KEY_FILE/);
  });

  it("is closed again when it is interrupted before it is open", async () => {
    const interrupted = AbortSignal.abort();
    await expect(open({ signal: interrupted })).rejects.toThrow("interrupted");
    expect(filesLeft()).toEqual([]);
  });

  it("tells its end, its own and the web host's", async () => {
    const killed = await open();
    process.kill(killed.pid, "SIGKILL");
    expect(await killed.ended).toBe("its process ended (SIGKILL)");
    const { ended } = await open();
    await sshd.dropConnections();
    expect(await ended).toMatch(/hung up|lost the connection/);
  });
});

describe("another user of the machine", () => {
  it("does not get through the tunnel: not without the password, nor with a wrong one", async () => {
    const tunnel = await open();
    const attempt = `
      const net = require("node:net");
      const [port, target] = process.argv.slice(1).map(Number);
      const connect = Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, target >> 8, target & 255]);
      const login = (password) => Buffer.concat([Buffer.from([1, 6]), Buffer.from("estate"), Buffer.from([password.length]), Buffer.from(password)]);
      const attempts = [
        [[5, 1, 0], connect],
        [[5, 2, 0, 2], connect],
        [[5, 1, 2], login("guess"), connect],
        [[5, 1, 2], login(""), connect],
        [[4, 1, target >> 8, target & 255, 127, 0, 0, 1, 0]],
        [Buffer.from("CONNECT 127.0.0.1:" + target + " HTTP/1.1\\r\\n\\r\\n")],
      ];
      Promise.all(attempts.map((parts) => new Promise((done) => {
        const socket = net.connect(port, "127.0.0.1");
        const heard = [];
        socket.on("data", (data) => heard.push(data));
        socket.on("error", () => {});
        socket.on("close", () => done(Buffer.concat(heard).toString("hex")));
        for (const part of parts) socket.write(Buffer.from(part));
        socket.write("hello");
      }))).then((all) => console.log(JSON.stringify(all)));`;
    const heard = JSON.parse(await asNobody(attempt, String(tunnel.port), String(portOf(echo))));
    // "No acceptable method", or the choice of the password, and "wrong" after a wrong one: never the answer to CONNECT.
    expect(heard).toEqual(["05ff", "0502", "05020101", "05020101", "", ""]);
  });

  it("finds the password nowhere: not in arguments, environment, files or the log", async () => {
    const tunnel = await open();
    await proxyState(loginOf({ ...tunnel, password: "a wrong one" }));
    await through(proxyOf(tunnel), "x", 9).catch(() => undefined);
    const secrets = [tunnel.password, sshd.privateKey.split("\n")[1] ?? ""];
    for (const file of [
      `/proc/${tunnel.pid}/cmdline`,
      `/proc/${tunnel.pid}/environ`,
      `${request.pidFile}.log`,
    ]) {
      const text = readFileSync(file, "utf8");
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
    expect(readFileSync(`${request.pidFile}.log`, "utf8")).toMatch(/refused: a wrong password/);
    const held = passwordFile(request.pidFile);
    expect(readFileSync(held, "utf8")).toBe(tunnel.password);
    expect(statSync(held).mode & 0o777).toBe(0o600);
    const read = `try { require("node:fs").readFileSync(process.argv[1]); console.log("read") } catch (error) { console.log(error.code) }`;
    expect(await asNobody(read, held)).toBe("EACCES");
    expect(await asNobody(read, `/proc/${tunnel.pid}/environ`)).toBe("EACCES");
  });

  it("keeps nobody out with connections that say nothing: some of them wait, and not for long", async () => {
    const tunnel = await open();
    let closed = 0;
    const silent = Array.from({ length: 600 }, () => {
      const socket = net.connect(tunnel.port, "127.0.0.1").on("error", () => {});
      return socket.once("close", () => closed++).resume();
    });
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await expect.poll(() => closed, { timeout: 3_000 }).toBe(100);
    expect(await through(proxyOf(tunnel), "still")).toBe("still");
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(600);
    for (const socket of silent) socket.destroy();
  });

  it("lets in the pools of many services that open at once", async () => {
    const tunnel = await open();
    const texts = Array.from({ length: 300 }, (_, number) => `connection ${number}`);
    expect(await Promise.all(texts.map((text) => through(proxyOf(tunnel), text)))).toEqual(texts);
  });

  it("does not fill the disk with what is refused", async () => {
    const tunnel = await open();
    for (let attempt = 0; attempt < 150; attempt++)
      await proxyState(loginOf({ ...tunnel, password: "a wrong one" }));
    const lines = readFileSync(`${request.pidFile}.log`, "utf8").trim().split("\n");
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe("more that is refused is not told");
  });

  it("is not believed when it has written the password's file, or may read it", async () => {
    const { port } = await open({ detached: true });
    const file = passwordFile(request.pidFile);
    chmodSync(file, 0o644);
    expect(findTunnel(request.pidFile, port)?.password).toBe("");
    await expect(open()).rejects.toThrow("is in use by another program");
    chmodSync(file, 0o600);
  });
});

describe("whoever has the password", () => {
  it("reaches declared endpoints alone, and is told so", async () => {
    const undeclared = net.createServer((socket) => socket.end("reached"));
    await new Promise<void>((resolve) => undeclared.listen(0, "127.0.0.1", resolve));
    const tunnel = await open();
    const proxy = proxyOf(tunnel);
    await expect(through(proxy, "x", portOf(undeclared))).rejects.toThrow(
      /cannot connect to 127\.0\.0\.1:\d+ through socks5:\/\/127\.0\.0\.1:\d+: .*NotAllowed\. The tunnel leads to the endpoints that the stack declares/,
    );
    // Another name of the same machine is another endpoint.
    await expect(openSocket({ host: "localhost", port: portOf(echo), proxy })).rejects.toThrow("NotAllowed");
    expect(readFileSync(`${request.pidFile}.log`, "utf8")).toMatch(
      /refused: "127\.0\.0\.1" port \d+ is not declared in the stack\nrefused: "localhost" port \d+ is not declared/,
    );
    undeclared.close();
  });

  it("hears that a declared server does not answer, and no password in the error", async () => {
    const nobody = { host: "127.0.0.1", port: await freePort() };
    const tunnel = await open({ plan: { ...request.plan, endpoints: [nobody] } });
    const error = await openSocket({ ...nobody, proxy: proxyOf(tunnel) }).catch(String);
    expect(error).toMatch(/HostUnreachable\. The tunnel is open, but the web host gets no answer from there/);
    expect(error).not.toContain(tunnel.password);
    const wrong = await openSocket({ ...nobody, proxy: proxyUrl(tunnel.port, "guess") }).catch(String);
    expect(wrong).toMatch(/ALL_PROXY has not the password of this tunnel/);
  });

  it("gets nothing but connections: no listening port, no datagrams", async () => {
    const { port, password } = await open();
    const ask = (command: number) =>
      new Promise<string>((resolve) => {
        const socket = net.connect(port, "127.0.0.1");
        const heard: Buffer[] = [];
        socket.on("data", (data) => heard.push(data));
        socket.on("close", () => resolve(Buffer.concat(heard).toString("hex")));
        socket.write(Uint8Array.of(5, 1, 2, 1, 6, ...Buffer.from("estate"), password.length));
        socket.write(password);
        socket.write(Uint8Array.of(5, command, 0, 1, 127, 0, 0, 1, 0, 80));
      });
    expect(await ask(2)).toMatch(/^050201000507/);
    expect(await ask(3)).toMatch(/^050201000507/);
  });
});
