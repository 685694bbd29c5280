import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openSocket } from "../../../connect/socket";
import { openSsh } from "../../../connect/ssh";
import { renderRights } from "../../../ops/render/tunnel";
import { checkWayIn } from "../../../ops/tunnel/check";
import type { DeclaredEndpoint } from "../../../ops/tunnel/endpoints";
import { authorizedKeys, sshdConfig } from "../../../ops/tunnel/grant";
import { openTunnel } from "../../../ops/tunnel/open";
import { proxyUrl } from "../../../ops/tunnel/password";
import type { TunnelPlan } from "../../../ops/tunnel/process";
import { rightsOf } from "../../../ops/tunnel/rights";
import { freePort } from "../../support/free-port";
import { type Sshd, startSshd } from "../../support/sshd";

/** The user that runs the test, who has every right where sshd does not take it: what holds for root holds for all. */
const user = "root";
let echo: net.Server;
let endpoints: DeclaredEndpoint[];
let directory: string;

beforeAll(async () => {
  echo = net.createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  endpoints = [
    { host: "127.0.0.1", port: (echo.address() as net.AddressInfo).port },
    { host: "fd77::12", port: 3306 },
    { host: "redis.example", port: 6380 },
  ];
});
afterAll(() => {
  echo?.close();
});
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "estate-way-in-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function planOf(sshd: Sshd): TunnelPlan {
  const knownHosts = path.join(directory, "known_hosts");
  writeFileSync(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey}\n`);
  return {
    ssh: { host: sshd.host, port: sshd.port, user },
    port: 1,
    endpoints,
    knownHosts: { file: knownHosts, pinned: true },
  };
}

const loginOf = ({ host, port, privateKey, hostKey }: Sshd) => ({ host, port, user, privateKey, hostKey });

/** With a socket that is there: the host of the test has no systemd. */
async function rights(sshd: Sshd): Promise<string[]> {
  const socket = path.join(sshd.directory, "host.sock");
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const connection = await openSsh(loginOf(sshd));
  try {
    return await rightsOf(connection, { sshPort: sshd.port, endpoints, sockets: ["/nowhere", socket] });
  } finally {
    connection.close();
    server.close();
  }
}

const REFUSED = {
  command: "refused",
  forward: "refused",
  listen: "refused",
  listenOnSocket: "refused",
};

/** The same by OpenSSH's own client, which is no part of the program. */
function withOpenSsh({ host, port, privateKeyPath }: Sshd) {
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const forward = ["-o", "ExitOnForwardFailure=yes", "-N"];
  const attempt = (refusal: RegExp, ...words: string[]) => {
    const asked = ["-F", "none", "-i", privateKeyPath, "-p", String(port), "-l", user];
    const { stdout, stderr, error } = spawnSync(
      "ssh",
      [...asked, ...options.flatMap((option) => ["-o", option]), ...words],
      { encoding: "utf8", timeout: 5_000 },
    );
    const said = stdout + stderr;
    return refusal.test(said) && !error ? "refused" : `allowed: ${said}`;
  };
  return {
    command: attempt(/^(?!.*7407402)/s, host, "echo $((6 * 1234567))"),
    forward: attempt(/administratively prohibited/, "-W", `127.0.0.1:${port}`, host),
    listen: attempt(/forwarding failed/, ...forward, "-R", "0:127.0.0.1:22", host),
    listenOnSocket: attempt(/forwarding failed/, ...forward, "-R", "/tmp/estate.sock:127.0.0.1:22", host),
  };
}

describe("a user of whom nothing was taken", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.stop());

  it("is found to have every right, by trying each", async () => {
    expect(await rights(sshd)).toEqual([
      "runs commands",
      "reads and writes files over SFTP",
      `reaches undeclared ports (tried: 127.0.0.1:${sshd.port})`,
      "reaches Unix sockets of the host",
      "has the host listen on ports",
    ]);
    for (const outcome of Object.values(withOpenSsh(sshd))) expect(outcome).toMatch(/^allowed/);
  });

  it("is told with the tunnel that it opens", async () => {
    const tunnel = await openTunnel({
      plan: { ...planOf(sshd), port: await freePort() },
      env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, SSH_PRIVATE_KEY: sshd.privateKey },
      cwd: directory,
      pidFile: path.join(directory, "run", "pid"),
      detached: false,
      signal: new AbortController().signal,
    });
    await tunnel.close();
    expect(tunnel.rights).toEqual([
      "runs commands",
      "reads and writes files over SFTP",
      `reaches undeclared ports (tried: 127.0.0.1:${sshd.port})`,
      "has the host listen on ports",
    ]);
    expect(renderRights(user, tunnel.rights)).toMatch(
      /^root on the web host can do more .*: runs commands; .*\. Put what `estate tunnel --sshd-config` prints into/,
    );
  });

  it("is told by the check, which cannot tell where there is no login", async () => {
    const found = await checkWayIn(planOf(sshd), { SSH_PRIVATE_KEY: sshd.privateKey }, directory);
    expect(found).toContain("runs commands");
    const stranger = path.join(directory, "stranger");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", stranger]);
    const refused = checkWayIn(planOf(sshd), { TUNNEL_PRIVATE_KEY_FILE: stranger }, directory);
    await expect(refused).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /refuses the login.*The line for root there prints: estate tunnel --authorized-keys/,
      ),
    });
  });

  it("has a right until it is refused: no answer is none", async () => {
    const connection = await openSsh(loginOf(sshd));
    const silent = Object.assign(Object.create(connection), { listens: () => new Promise(() => {}) });
    const found = await rightsOf(silent, { sshPort: sshd.port, endpoints, patienceMs: 2_000 });
    connection.close();
    expect(found.at(-1)).toBe("has the host listen on ports (no refusal within 2 s)");
  });
});

describe("with the line of authorized_keys alone", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
    const file = path.join(sshd.directory, "authorized_keys");
    writeFileSync(file, authorizedKeys(readFileSync(file, "utf8"), file, endpoints));
  });
  afterAll(() => sshd?.stop());

  it("the user can do nothing but forward to declared endpoints", async () => {
    expect(await rights(sshd)).toEqual([]);
    // What authorized_keys has no word for; sshd_config has.
    const listenOnSocket = expect.stringMatching(/^allowed/);
    expect(withOpenSsh(sshd)).toEqual({ ...REFUSED, listenOnSocket });
  });

  it("declared endpoints are reached", async () => {
    const connection = await openSsh(loginOf(sshd));
    const channel = await connection.forward("127.0.0.1", endpoints[0]?.port ?? 0);
    channel.write("through");
    expect(String(await new Promise((resolve) => channel.once("data", resolve)))).toBe("through");
    connection.close();
  });
});

describe("with the lines of sshd_config", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd(sshdConfig(user, endpoints).split("\n"));
  });
  afterAll(() => sshd?.stop());

  it("the user can do nothing but forward to declared endpoints", async () => {
    expect(await rights(sshd)).toEqual([]);
    expect(withOpenSsh(sshd)).toEqual(REFUSED);
  });

  it("the tunnel carries connections, and says what the web host does not permit", async () => {
    const more = { host: "127.0.0.1", port: sshd.port };
    const tunnel = await openTunnel({
      plan: { ...planOf(sshd), port: await freePort(), endpoints: [...endpoints, more] },
      env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: directory, SSH_PRIVATE_KEY: sshd.privateKey },
      cwd: directory,
      pidFile: path.join(directory, "run", "pid"),
      detached: false,
      signal: new AbortController().signal,
    });
    try {
      const proxy = proxyUrl(tunnel.port, tunnel.password);
      const socket = await openSocket({ ...(endpoints[0] as DeclaredEndpoint), proxy });
      socket.write("through");
      expect(String(await new Promise((resolve) => socket.once("data", resolve)))).toBe("through");
      socket.destroy();
      expect(tunnel.rights).toEqual([]);
      await expect(openSocket({ ...more, proxy })).rejects.toThrow(/NotAllowed.*estate tunnel --sshd-config/);
      const log = readFileSync(path.join(directory, "run", "pid.log"), "utf8");
      expect(log).toContain(
        `${user}@127.0.0.1:${sshd.port} is not allowed to forward to 127.0.0.1:${sshd.port}`,
      );
    } finally {
      await tunnel.close();
    }
  });
});

describe("a forced command that is a shell", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd(sshdConfig(user, endpoints).replace("/usr/sbin/nologin", "/bin/sh").split("\n"));
  });
  afterAll(() => sshd?.stop());

  it("is found", async () => {
    expect(await rights(sshd)).toContain("runs commands");
  });
});
