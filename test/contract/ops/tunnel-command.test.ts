import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisUsers } from "../../../estate/catalogue";
import { loadStackConfig } from "../../../estate/load";
import { EXIT } from "../../../ops/exit";
import type { Io } from "../../../ops/io";
import { run } from "../../../ops/program";
import { declaredEndpoints } from "../../../ops/tunnel/endpoints";
import { sshdConfig } from "../../../ops/tunnel/grant";
import { defaultPidFile, findTunnel, stopTunnel } from "../../../ops/tunnel/running";
import { freePort } from "../../support/free-port";
import { projectDirectory } from "../../support/run";
import { type Sshd, startSshd } from "../../support/sshd";

/** A project whose web host is a throw-away SSH server; what it says, and what it has been told. */
let project: string;
let port: number;
let said: { out: string; err: string };

beforeEach(async () => {
  project = mkdtempSync(path.join(tmpdir(), "estate-project-"));
  port = await freePort();
});
afterEach(async () => {
  const pidFile = defaultPidFile({ XDG_RUNTIME_DIR: project }, port);
  const left = findTunnel(pidFile, port);
  if (left) await stopTunnel(left, pidFile);
  rmSync(project, { recursive: true, force: true });
});

function makeProject(sshd: Sshd): void {
  for (const file of ["package.json", "Pulumi.yaml"])
    copyFileSync(path.join(projectDirectory, file), path.join(project, file));
  const stack = readFileSync(path.join(projectDirectory, "Pulumi.local.yaml"), "utf8")
    .replace("ssh: { host: 10.77.0.11 }", `ssh: { host: 127.0.0.1, port: ${sshd.port} }`)
    .replace("/run/estate-lab/ssh/known_hosts", "known_hosts");
  writeFileSync(path.join(project, "Pulumi.local.yaml"), stack);
  writeFileSync(path.join(project, "known_hosts"), `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
}

async function estate(sshd: Sshd, ...words: string[]): Promise<number> {
  said = { out: "", err: "" };
  const io: Io = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: project, TUNNEL_PRIVATE_KEY_FILE: sshd.privateKeyPath },
    cwd: project,
    projectDir: project,
    colour: false,
    liveStderr: false,
  };
  return await run([...words, "--stack", "local"], io);
}

const declared = () => declaredEndpoints(loadStackConfig("local", projectDirectory), redisUsers);

describe("estate tunnel", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd(sshdConfig("estate_tunnel", declared()).split("\n"));
  });
  afterAll(() => sshd?.stop());
  beforeEach(() => makeProject(sshd));

  it("opens, shows and closes the way in, and tells its password to whoever asks for it alone", async () => {
    const tunnel = (...words: string[]) => estate(sshd, "tunnel", "--port", String(port), ...words);
    expect(await tunnel("--background"), said.err).toBe(EXIT.done);
    const [, password = ""] =
      new RegExp(`^export ALL_PROXY=socks5://estate:([A-Za-z0-9_-]{43})@127\\.0\\.0\\.1:${port}\n$`).exec(
        said.out,
      ) ?? [];
    expect(password).not.toBe("");
    expect(said.err).toMatch(
      new RegExp(`^tunnel open: 127\\.0\\.0\\.1:${port} through estate_tunnel@127\\.0\\.0\\.1:${sshd.port} `),
    );
    expect(said.err).not.toMatch(/WARNING/);
    expect(said.err).not.toContain(password);

    expect(await tunnel("--background", "--json")).toBe(EXIT.done);
    expect(JSON.parse(said.out)).toMatchObject({
      open: true,
      proxy: `socks5://estate:${password}@127.0.0.1:${port}`,
      endpoints: expect.arrayContaining(["127.0.0.1:3306", "redis.lab.internal:6380"]),
    });
    for (const words of [["--status"], ["--status", "--json"]]) {
      expect(await tunnel(...words)).toBe(EXIT.done);
      expect(said.out).toMatch(/open/);
      expect(said.out + said.err).not.toContain(password);
    }
    expect(await tunnel("--stop", "--json")).toBe(EXIT.done);
    expect(JSON.parse(said.out)).toEqual({ open: false });
    expect(await tunnel("--status")).toBe(EXIT.failed);
  });

  it("is refused a login by an own user where none is told of the key, and says what to write there", async () => {
    const keys = path.join(sshd.directory, "authorized_keys");
    const before = readFileSync(keys, "utf8");
    writeFileSync(keys, "");
    try {
      expect(await estate(sshd, "tunnel", "--port", String(port))).toBe(EXIT.failed);
      expect(said.err).toMatch(
        /refuses the login .* The line for estate_tunnel there prints: estate tunnel --authorized-keys/,
      );
    } finally {
      writeFileSync(keys, before);
    }
  });

  it("prints what the web host has to be told, from what is declared", async () => {
    expect(await estate(sshd, "tunnel", "--sshd-config")).toBe(EXIT.done);
    expect(said.out).toBe(sshdConfig("estate_tunnel", declared()));
    writeFileSync(path.join(project, "id.pub"), sshd.hostKey);
    expect(await estate(sshd, "tunnel", "--authorized-keys", "id.pub")).toBe(EXIT.done);
    expect(said.out).toMatch(
      /^restrict,port-forwarding,permitopen="127\.0\.0\.1:3306",.*,command="[^"]*" ssh-ed25519 /,
    );
    expect(await estate(sshd, "tunnel", "--authorized-keys", "nowhere.pub")).toBe(EXIT.unknown);
    expect(said.err).toMatch(
      /--authorized-keys is .*nowhere\.pub, which cannot be read \(ENOENT\): give a file/,
    );
  });

  it("passes the check: its user forwards and does nothing else", async () => {
    expect(await estate(sshd, "check", "--way-in"), said.err).toBe(EXIT.done);
    expect(said.out).toBe(
      `estate_tunnel@127.0.0.1:${sshd.port} forwards to ${declared().length} declared endpoints and does nothing else\n`,
    );
  });
});

describe("a user that may do more", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.stop());
  beforeEach(() => makeProject(sshd));

  it("is warned of when the tunnel opens, and is a failed check", async () => {
    expect(await estate(sshd, "tunnel", "--port", String(port), "--background")).toBe(EXIT.done);
    const finding =
      /estate_tunnel on the web host can do more than forward .*: runs commands; .*`estate tunnel --sshd-config` prints/;
    expect(said.err).toMatch(new RegExp(`WARNING: ${finding.source}`));
    await estate(sshd, "tunnel", "--port", String(port), "--stop");
    expect(await estate(sshd, "check", "--way-in")).toBe(EXIT.failed);
    expect(said.out).toMatch(finding);
    expect(await estate(sshd, "check", "--way-in", "--json")).toBe(EXIT.failed);
    expect(JSON.parse(said.out).rights).toContain("runs commands");
  });

  it("is nobody the program logs in as, nor root", async () => {
    const file = path.join(project, "Pulumi.local.yaml");
    const stack = readFileSync(file, "utf8");
    writeFileSync(file, stack.replace("tunnelUser: estate_tunnel", "tunnelUser: root"));
    expect(await estate(sshd, "tunnel", "--background")).toBe(EXIT.unknown);
    expect(said.err).toMatch(/access\.tunnelUser.*not root/);
    writeFileSync(file, stack.replace(`port: ${sshd.port} }`, `port: ${sshd.port}, user: estate_tunnel }`));
    expect(await estate(sshd, "tunnel", "--background")).toBe(EXIT.unknown);
    expect(said.err).toMatch(/access\.tunnelUser.*another user than servers\.plesk\.ssh\.user/);
  });
});
