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
import { provideKey } from "../../../ops/tunnel/key";
import { withLock } from "../../../ops/tunnel/lock";
import { adviceOn } from "../../../ops/tunnel/open";
import { runtimeDirectory } from "../../../ops/tunnel/private-directory";
import { findTunnel, forgetPid, writePid } from "../../../ops/tunnel/running";
import { portIsFree } from "../../../ops/tunnel/socks";
import {
  destinationOf,
  isTunnelOn,
  sshArguments,
  sshEnvironment,
  type TunnelPlan,
} from "../../../ops/tunnel/ssh-arguments";

const plan: TunnelPlan = {
  ssh: { host: "plesk.example", port: 2222, user: "operator" },
  port: 17077,
  keyFile: "/home/me/key",
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

describe("ssh's arguments", () => {
  it("are these, with pinned hosts and a key file", () => {
    expect(sshArguments(plan).join(" ")).toMatchInlineSnapshot(
      `"-N -T -D 127.0.0.1:17077 -o BatchMode=yes -o ExitOnForwardFailure=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -o StrictHostKeyChecking=yes -o UserKnownHostsFile="/project/known hosts" -o GlobalKnownHostsFile=/dev/null -o ControlMaster=no -o ControlPath=none -o ForwardAgent=no -o ForwardX11=no -o GatewayPorts=no -o PermitLocalCommand=no -o IdentitiesOnly=yes -i /home/me/key -p 2222 -l operator -- plesk.example"`,
    );
  });

  it("listen on 127.0.0.1 alone", () => {
    const argv = sshArguments(plan);
    expect(argv[argv.indexOf("-D") + 1]).toBe("127.0.0.1:17077");
    expect(argv).toContain("GatewayPorts=no");
  });

  it("refuse an unknown host where keys are pinned, and keep the first key elsewhere", () => {
    expect(sshArguments(plan)).toContain("StrictHostKeyChecking=yes");
    const open = sshArguments({ ...plan, knownHosts: { file: "/state/known_hosts", pinned: false } });
    expect(open).toContain("StrictHostKeyChecking=accept-new");
    expect(open).not.toContain("StrictHostKeyChecking=yes");
  });

  it("leave the choice of the key to the agent where none is given", () => {
    const argv = sshArguments({ ...plan, keyFile: undefined });
    expect(argv).not.toContain("-i");
    expect(argv).not.toContain("IdentitiesOnly=yes");
  });

  it("end the options before the host, which might begin with a dash", () => {
    expect(sshArguments({ ...plan, ssh: { ...plan.ssh, host: "-oProxyCommand=x" } }).slice(-2)).toEqual([
      "--",
      "-oProxyCommand=x",
    ]);
  });

  it("are recognised again in a running process, by program and port", () => {
    const argv = ["/usr/bin/ssh", ...sshArguments(plan)];
    expect(isTunnelOn(argv, 17077)).toBe(true);
    expect(isTunnelOn(argv, 1707)).toBe(false);
    expect(isTunnelOn(["vim", ...sshArguments(plan)], 17077)).toBe(false);
    expect(isTunnelOn([], 17077)).toBe(false);
    expect(destinationOf(argv)).toBe("operator@plesk.example:2222");
  });
});

describe("ssh's environment", () => {
  it("holds the agent and no secret of the caller", () => {
    const left = sshEnvironment({
      PATH: "/bin",
      SSH_AUTH_SOCK: "/agent",
      SSH_PRIVATE_KEY: "k",
      PULUMI_CONFIG_PASSPHRASE: "p",
    });
    expect(left).toEqual({ PATH: "/bin", SSH_AUTH_SOCK: "/agent" });
  });
});

describe("the key", () => {
  it("given as text is a file of our own alone, and gone after use", () => {
    const key = provideKey({ ...env, SSH_PRIVATE_KEY: keyText }, directory);
    const file = key.file ?? "";
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, "utf8")).toBe(`${keyText.replaceAll("\r", "")}\n`);
    expect(sshArguments({ ...plan, keyFile: file }).join(" ")).not.toContain("canary-key");
    key.remove();
    key.remove();
    expect(readdirSync(runtimeDirectory(env))).toEqual([]);
  });

  it("given as a file is used where it lies, and stays", () => {
    const file = path.join(directory, "id");
    writeFileSync(file, keyText);
    const key = provideKey({ ...env, SSH_PRIVATE_KEY_FILE: "id", SSH_PRIVATE_KEY: "ignored" }, directory);
    expect(key.file).toBe(file);
    key.remove();
    expect(existsSync(file)).toBe(true);
  });

  it("that is not there is named by its file", () => {
    expect(() => provideKey({ SSH_PRIVATE_KEY_FILE: "/nowhere/id" }, directory)).toThrow(
      "/nowhere/id, where no file is",
    );
  });

  it("that is none is not quoted", () => {
    expect(() => provideKey({ ...env, SSH_PRIVATE_KEY: "canary-key" }, directory)).toThrow(
      /^(?!.*canary-key).*no private key/,
    );
  });

  it("is left to ssh's agent where neither variable is set", () => {
    expect(provideKey({}, directory).file).toBeUndefined();
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
    forgetPid(file, 4243);
    expect(existsSync(file)).toBe(true);
    forgetPid(file, 4242);
    expect(existsSync(file)).toBe(false);
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
  it("follows from what ssh says", () => {
    expect(adviceOn("operator@plesk: Permission denied (publickey)", plan)).toContain("SSH_PRIVATE_KEY_FILE");
    expect(adviceOn("Host key verification failed", plan)).toContain(
      "/project/known hosts does not hold the key",
    );
    const open = { knownHosts: { file: "/state/known_hosts", pinned: false } };
    expect(adviceOn("Host key verification failed", open)).toContain(
      "remove its line from /state/known_hosts",
    );
    expect(adviceOn("Connection refused", plan)).toBe("");
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
