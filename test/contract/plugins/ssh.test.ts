import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprintOf, openSsh, type SshTarget } from "../../../connect/ssh";
import { hostMachine } from "../../../provider/kinds/host-machine";
import { freePort } from "../../support/free-port";
import { type Sshd, startSshd } from "../../support/sshd";

let sshd: Sshd;
let target: SshTarget;
let savedAgent: string | undefined;

beforeAll(async () => {
  savedAgent = process.env.SSH_AUTH_SOCK;
  delete process.env.SSH_AUTH_SOCK;
  sshd = await startSshd();
  target = targetOf(sshd);
});

afterAll(async () => {
  if (savedAgent !== undefined) process.env.SSH_AUTH_SOCK = savedAgent;
  await sshd?.stop();
});

function targetOf({ host, port, user, privateKey, hostKey }: Sshd): SshTarget {
  return { host, port, user, privateKey, hostKey };
}

test("runs a command with stdin and gives stdout, stderr and the exit code", async () => {
  const ssh = await openSsh(target);
  const ran = await ssh.run("cat; echo oops >&2; exit 3", { stdin: "in\n" });
  ssh.close();
  expect(ran).toEqual({ stdout: "in\n", stderr: "oops\n", code: 3 });
});

test("carries a megabyte of stdin and back", async () => {
  const ssh = await openSsh(target);
  const text = "x".repeat(1 << 20);
  const ran = await ssh.run("cat", { stdin: text });
  ssh.close();
  expect(ran.stdout === text).toBe(true);
});

test("a command that never reads its stdin is no error", async () => {
  const ssh = await openSsh(target);
  expect((await ssh.run("exit 0", { stdin: "x".repeat(1 << 20) })).code).toBe(0);
  ssh.close();
});

test("a command ended by a signal is an error that names it", async () => {
  const ssh = await openSsh(target);
  await expect(ssh.run("kill -KILL $$")).rejects.toThrow("ended by SIGKILL");
  ssh.close();
});

test("several commands run at a time on one connection", async () => {
  const ssh = await openSsh(target);
  const ran = await Promise.all(["1", "2", "3"].map((n) => ssh.run(`echo ${n}`)));
  ssh.close();
  expect(ran.map(({ stdout }) => stdout.trim())).toEqual(["1", "2", "3"]);
});

test("another host key than the pinned one ends it before the login", async () => {
  const other = await startSshd();
  const wrong = { ...target, hostKey: other.hostKey };
  await other.stop();
  await expect(openSsh(wrong)).rejects.toMatchObject({
    code: "host-key",
    message: expect.stringContaining(
      `${fingerprintOf(target.hostKey ?? "")}, not ${fingerprintOf(wrong.hostKey)}`,
    ),
  });
});

test("a pinned key of a type the host does not have is told apart", async () => {
  const rsa = `${target.hostKey}`.replace("ssh-ed25519", "ssh-rsa");
  await expect(openSsh({ ...target, hostKey: rsa })).rejects.toThrow("is no OpenSSH public key");
});

test("without a pinned key the shown one is reported", async () => {
  const ssh = await openSsh({ ...target, hostKey: undefined });
  ssh.close();
  expect(ssh.hostKey).toBe(sshd.hostKey.split(" ").slice(0, 2).join(" "));
  const listed = execFileSync("ssh-keygen", ["-lf", path.join(sshd.directory, "host.pub")]).toString();
  expect(listed).toContain(ssh.fingerprint);
});

test("a refused key, no key at all and a broken key each say so", async () => {
  const other = await startSshd();
  const { privateKey } = other;
  await other.stop();
  await expect(openSsh({ ...target, privateKey })).rejects.toMatchObject({ code: "auth" });
  await expect(openSsh({ ...target, privateKey: undefined })).rejects.toThrow("SSH_AUTH_SOCK is not set");
  await expect(openSsh({ ...target, privateKey: "broken" })).rejects.toMatchObject({ code: "key-file" });
});

test("nobody listening is an error that names the address", async () => {
  const port = await freePort();
  await expect(openSsh({ ...target, port })).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});

test("a server that does not listen for a moment is asked again, unless the caller counts the attempts itself", async () => {
  const port = await freePort();
  await expect(openSsh({ ...target, port }, { patienceMs: 0 })).rejects.toMatchObject({
    code: "unreachable",
  });
  const late = net.createServer((socket) => {
    const onward = net.connect(target.port, target.host);
    socket.pipe(onward).pipe(socket);
  });
  const opening = openSsh({ ...target, port });
  setTimeout(() => late.listen(port, "127.0.0.1"), 700);
  try {
    const ssh = await opening;
    expect(await ssh.run("echo in")).toMatchObject({ stdout: "in\n", code: 0 });
    ssh.close();
  } finally {
    late.close();
  }
});

test("ALL_PROXY is for database ports: SSH goes direct", async () => {
  process.env.ALL_PROXY = `socks5://127.0.0.1:${await freePort()}`;
  try {
    (await openSsh(target)).close();
  } finally {
    delete process.env.ALL_PROXY;
  }
});

test("goes through a bastion", async () => {
  const inner = await startSshd();
  try {
    const ssh = await openSsh({ ...targetOf(inner), proxy: target });
    const ran = await ssh.run("echo through");
    expect(ran.stdout).toBe("through\n");
    expect(ssh.fingerprint).toBe(fingerprintOf(inner.hostKey));
    ssh.close();
  } finally {
    await inner.stop();
  }
});

test("an abort ends the command that runs", async () => {
  const abort = new AbortController();
  const ssh = await openSsh(target, { signal: abort.signal });
  const running = ssh.run("sleep 30");
  setTimeout(() => abort.abort(), 100);
  await expect(running).rejects.toMatchObject({ code: "cancelled" });
});

test("logs in by an agent", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "agent-"));
  const socket = path.join(directory, "socket");
  const agent: ChildProcess = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    await expect.poll(() => agentKnows(socket, sshd.privateKeyPath), { timeout: 5_000 }).toBe(true);
    const ssh = await openSsh({ ...target, privateKey: undefined, agentSocketPath: socket });
    expect((await ssh.run("echo agent")).stdout).toBe("agent\n");
    ssh.close();
  } finally {
    agent.kill();
    rmSync(directory, { recursive: true });
  }
});

function agentKnows(socket: string, key: string): boolean {
  try {
    execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("a machine's identity changes when another one answers at its address", async () => {
  const machine = await startSshd();
  const call = {
    config: { ssh: { ...targetOf(machine), hostKey: undefined } },
    urn: "urn",
    signal: new AbortController().signal,
  };
  try {
    const inputs = { label: "db", hostKey: null };
    const { id, state } = await hostMachine.create(call, inputs);
    expect(state.identity).toMatch(/^[0-9a-f]{32} SHA256:\S+$/);
    const same = await hostMachine.read(call, id, { inputs, state });
    expect(same?.state).toEqual(state);
    await machine.replace();
    const other = await hostMachine.read(call, id, { inputs, state });
    expect(other?.inputs).toEqual(inputs);
    expect(other?.state.identity).not.toBe(state.identity);
  } finally {
    await machine.stop();
  }
});

test("a machine whose pinned key changed is looked at again; a refresh with the former key says what to do", async () => {
  const machine = await startSshd();
  const { hostKey } = machine;
  const call = (pinned: string) => ({
    config: { ssh: { ...targetOf(machine), hostKey: pinned } },
    urn: "urn",
    signal: new AbortController().signal,
  });
  try {
    const inputs = { label: "db", hostKey };
    const { id, state } = await hostMachine.create(call(hostKey), inputs);
    await machine.replace();
    await expect(hostMachine.read(call(hostKey), id, { inputs, state })).rejects.toThrow(
      /machine "db": .*another host key than the pinned one.*with the new one pinned, `pulumi up` takes it over/s,
    );
    const news = { label: "db", hostKey: machine.hostKey };
    const updated = await hostMachine.update(call(machine.hostKey), id, { inputs, state }, news);
    expect(updated).toMatchObject(news);
    expect(updated.identity).not.toBe(state.identity);
  } finally {
    await machine.stop();
  }
});
