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
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StackConfig } from "../../../estate/types";
import { declaredEndpoints, keyOf } from "../../../ops/tunnel/endpoints";
import { authorizedKeys, sshdConfig } from "../../../ops/tunnel/grant";
import { tunnelKey } from "../../../ops/tunnel/key";
import { withLock } from "../../../ops/tunnel/lock";
import { adviceOn } from "../../../ops/tunnel/open";
import { keepPassword, newPassword, proxyUrl, tunnelPassword } from "../../../ops/tunnel/password";
import { runtimeDirectory } from "../../../ops/tunnel/private-directory";
import { serveArguments, serveEnvironment, type TunnelPlan, tunnelOf } from "../../../ops/tunnel/process";
import { findTunnel, forgetTunnel, writePid } from "../../../ops/tunnel/running";
import { portIsFree } from "../../../ops/tunnel/socks";

const plan: TunnelPlan = {
  ssh: { host: "plesk.example", port: 2222, user: "estate_tunnel" },
  port: 17077,
  endpoints: [
    { host: "127.0.0.1", port: 3306 },
    { host: "fd77:0::12", port: 5432 },
  ],
  knownHosts: { file: "/project/known hosts", pinned: true },
};
const keyText = "-----BEGIN OPENSSH PRIVATE KEY-----\r\ncanary-key\r\n-----END OPENSSH PRIVATE KEY-----";

let directory: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "estate-tunnel-"));
  env = { XDG_RUNTIME_DIR: directory };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the arguments of the tunnel's process", () => {
  it("tell what it is, and are recognised again, by program and port", () => {
    const argv = ["/usr/bin/node", ...serveArguments(plan)];
    expect(argv.slice(4)).toEqual([
      "17077",
      "estate_tunnel@plesk.example:2222",
      "/project/known hosts",
      "127.0.0.1:3306",
      "[fd77::12]:5432",
    ]);
    expect(tunnelOf(argv, 17077)).toEqual({
      destination: "estate_tunnel@plesk.example:2222",
      endpoints: ["127.0.0.1:3306", "[fd77::12]:5432"],
    });
    expect(tunnelOf(argv, 1707)).toBeUndefined();
    expect(tunnelOf(["/usr/bin/ssh", "-D", "127.0.0.1:17077", "plesk.example"], 17077)).toBeUndefined();
    expect(tunnelOf(["vim", "ops/tunnel/serve.ts"], 17077)).toBeUndefined();
    expect(tunnelOf([], 17077)).toBeUndefined();
  });
});

describe("the environment of the tunnel's process", () => {
  it("holds the agent and no secret of the caller", () => {
    const left = serveEnvironment({
      PATH: "/bin",
      SSH_AUTH_SOCK: "/agent",
      SSH_PRIVATE_KEY: "k",
      TUNNEL_PRIVATE_KEY: "k",
      TUNNEL_PASSWORD_FILE: "/p",
      ALL_PROXY: "socks5://estate:p@127.0.0.1:1",
      PULUMI_CONFIG_PASSPHRASE: "p",
    });
    expect(left).toEqual({ PATH: "/bin", SSH_AUTH_SOCK: "/agent" });
  });
});

describe("declared endpoints", () => {
  const server = (host: string, port: number) => ({ host, port });
  const servers = {
    plesk: server("127.0.0.1", 3306),
    mariadb: server("mariadb.example", 3306),
    postgres: server("pg.example", 5432),
  };
  const declared = (given: object) =>
    declaredEndpoints({ servers: given as StackConfig["servers"] }, [{ port: 6380 }, { port: 6381 }]);

  it("are the servers and, where there is a Redis, its instances", () => {
    expect(declared(servers).map(keyOf)).toEqual([
      "127.0.0.1:3306",
      "mariadb.example:3306",
      "pg.example:5432",
    ]);
    expect(
      declared({ ...servers, redis: { host: "redis.example" } })
        .map(keyOf)
        .slice(3),
    ).toEqual(["redis.example:6380", "redis.example:6381"]);
  });

  it("count once, and are the same in another form", () => {
    expect(declared({ ...servers, mariadb: server("PG.example", 5432) })).toHaveLength(2);
    expect(keyOf({ host: "fd77:0:0:0:0:0:0:12", port: 1 })).toBe(keyOf({ host: "fd77::12", port: 1 }));
    expect(keyOf({ host: "127.0.0.1", port: 1 })).not.toBe(keyOf({ host: "localhost", port: 1 }));
  });
});

describe("what the web host is told", () => {
  const publicKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9wiZAZmQFjBbDnZuKeJ3SzpB4CaMpgJz3rLxrHuVxs operator@laptop";

  it("is a line of authorized_keys a key", () => {
    expect(authorizedKeys(`# mine\n${publicKey}\r\n\n`, "key.pub", plan.endpoints)).toBe(
      'restrict,port-forwarding,permitopen="127.0.0.1:3306",permitopen="[fd77:0::12]:5432",permitlisten="localhost:1",' +
        `command="/usr/sbin/nologin" ${publicKey}\n`,
    );
  });

  it("is no line of something else: a private key, options of a stranger, nothing", () => {
    const refusal = /^(?!.*canary).*key\.pub(:\d)? (is|holds) no public key/;
    expect(() => authorizedKeys(keyText, "key.pub", [])).toThrow(refusal);
    expect(() => authorizedKeys(`command="canary" ${publicKey}`, "key.pub", [])).toThrow(refusal);
    expect(() => authorizedKeys("\n", "key.pub", [])).toThrow(refusal);
  });

  it("is a file of sshd_config", () => {
    expect(sshdConfig("estate_tunnel", plan.endpoints)).toMatchInlineSnapshot(`
      "# The way in of operators: forwards to declared endpoints and does nothing else (estate tunnel --sshd-config).
      Match User estate_tunnel
        AuthenticationMethods publickey
        AllowTcpForwarding local
        PermitOpen 127.0.0.1:3306 [fd77:0::12]:5432
        PermitListen none
        AllowStreamLocalForwarding no
        AllowAgentForwarding no
        X11Forwarding no
        PermitTunnel no
        PermitTTY no
        PermitUserRC no
        ForceCommand /usr/sbin/nologin
      Match all
      "
    `);
  });
});

describe("the key", () => {
  it("comes from the tunnel's own variables before those of the hosts", () => {
    const own = path.join(directory, "own");
    writeFileSync(own, keyText.replace("canary-key", "own"));
    const variables = { SSH_PRIVATE_KEY: keyText, SSH_PRIVATE_KEY_FILE: "/nowhere/id" };
    expect(tunnelKey({ ...variables, TUNNEL_PRIVATE_KEY_FILE: "own" }, directory)).toMatch(/\nown\n/);
    expect(tunnelKey({ ...variables, TUNNEL_PRIVATE_KEY: readFileSync(own, "utf8") }, directory)).toMatch(
      /\nown\n/,
    );
  });

  it("has the ends of lines that OpenSSH writes", () => {
    expect(tunnelKey({ SSH_PRIVATE_KEY: keyText }, directory)).toBe(`${keyText.replaceAll("\r", "")}\n`);
  });

  it("that is not there is named by its file", () => {
    expect(() => tunnelKey({ SSH_PRIVATE_KEY_FILE: "/nowhere/id" }, directory)).toThrow(
      "SSH_PRIVATE_KEY_FILE is /nowhere/id, where no file is",
    );
  });

  it("that is none is not quoted", () => {
    expect(() => tunnelKey({ TUNNEL_PRIVATE_KEY: "canary-key" }, directory)).toThrow(
      /^(?!.*canary-key).*TUNNEL_PRIVATE_KEY holds no private key/,
    );
    writeFileSync(path.join(directory, "id.pub"), "canary-key");
    expect(() => tunnelKey({ SSH_PRIVATE_KEY_FILE: "id.pub" }, directory)).toThrow(
      /^(?!.*canary-key).*SSH_PRIVATE_KEY_FILE holds no private key/,
    );
  });

  it("is left to ssh's agent where no variable is set", () => {
    expect(tunnelKey({}, directory)).toBeUndefined();
  });
});

describe("the password", () => {
  it("is another one for each tunnel, and stands in a URL as it is", () => {
    const [one, other] = [newPassword(), newPassword()];
    expect(one).not.toBe(other);
    expect(new URL(proxyUrl(1080, one)).password).toBe(one);
    expect(one.length).toBeGreaterThan(40);
  });

  it("of a file is taken where nobody else can read it, and it cannot be guessed", () => {
    const file = path.join(directory, "password");
    const given = () => tunnelPassword({ TUNNEL_PASSWORD_FILE: "password" }, directory);
    expect(given).toThrow("which is no file that only you can read");
    writeFileSync(file, "a-password-of-more-than-32-characters\n", { mode: 0o600 });
    expect(given()).toBe("a-password-of-more-than-32-characters");
    chmodSync(file, 0o640);
    expect(given).toThrow("which is no file that only you can read");
    chmodSync(file, 0o600);
    writeFileSync(file, "canary");
    expect(given).toThrow(/^(?!.*canary).*holds no password of 32 to 255/);
  });
});

describe("the private directory", () => {
  it("is refused when others can look into it", () => {
    const opened = runtimeDirectory(env);
    expect(statSync(opened).mode & 0o777).toBe(0o700);
    chmodSync(opened, 0o755);
    expect(() => runtimeDirectory(env)).toThrow("is open to other users");
  });
});

describe("the pid file", () => {
  it("proves nothing when its process is another program", () => {
    const file = path.join(directory, "tunnel.pid");
    writePid(file, process.pid);
    expect(readFileSync(file, "utf8")).toBe(`${process.pid}\n`);
    expect(findTunnel(file, 17077)).toBeUndefined();
  });

  it.each(["", "0", "1", "-5", "x"])("may hold %j, which is no process of ours", (text) => {
    const file = path.join(directory, "tunnel.pid");
    writeFileSync(file, text);
    expect(findTunnel(file, 17077)).toBeUndefined();
  });

  it("is removed by the process it names only", () => {
    const file = path.join(directory, "tunnel.pid");
    writePid(file, 4242);
    keepPassword(file, "secret");
    forgetTunnel(file, 4243);
    expect(existsSync(file)).toBe(true);
    forgetTunnel(file, 4242);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("the lock", () => {
  it("lets one in at a time and goes when its work fails", async () => {
    const file = path.join(directory, "lock");
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all([withLock(file, work), withLock(file, work), withLock(file, work)]);
    expect(most).toBe(1);
    await expect(withLock(file, async () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(existsSync(file)).toBe(false);
  });

  it("is taken over from a process that is gone", async () => {
    const file = path.join(directory, "lock");
    writeFileSync(file, "4194305");
    expect(await withLock(file, async () => "in")).toBe("in");
  });
});

describe("advice", () => {
  it("follows from what SSH says", () => {
    expect(adviceOn("auth", plan)).toContain(
      "The line for estate_tunnel there prints: estate tunnel --authorized-keys",
    );
    expect(adviceOn("key-file", plan)).toContain("ssh-add");
    expect(adviceOn("host-key", plan)).toContain("/project/known hosts");
    const open = { ...plan, knownHosts: { file: "/state/known_hosts", pinned: false } };
    expect(adviceOn("host-key", open)).toContain("remove its line from /state/known_hosts");
    expect(adviceOn("unreachable", plan)).toBe("");
  });
});

describe("portIsFree", () => {
  it("tells a port that is listened on", async () => {
    const net = await import("node:net");
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as import("node:net").AddressInfo;
    expect(await portIsFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await portIsFree(port)).toBe(true);
  });
});
