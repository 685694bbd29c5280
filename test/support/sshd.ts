import { type ChildProcess, execFile, spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import * as net from "node:net";
import { tmpdir, userInfo } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Sshd {
  host: "127.0.0.1";
  port: number;
  /** The user that runs the test; the server knows no other way in than `privateKey`. */
  user: string;
  privateKey: string;
  /** Path of `privateKey`, for ssh-add. */
  privateKeyPath: string;
  /** `ssh-ed25519 AAAA...` */
  hostKey: string;
  directory: string;
  /** Gives the server a new host key and starts it again on the same port: another machine behind the same address. */
  replace(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a real, throw-away OpenSSH server on 127.0.0.1 and a random port. `options`: more lines of sshd_config. */
export async function startSshd(options: readonly string[] = []): Promise<Sshd> {
  const directory = await fs.mkdtemp(path.join(tmpdir(), "sshd-"));
  const port = await freePort();
  const at = (name: string) => path.join(directory, name);
  let server: ChildProcess | undefined;
  const stop = async () => {
    await ended(server);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    await makeKey(at("user"));
    await makeKey(at("host"));
    await fs.copyFile(at("user.pub"), at("authorized_keys"));
    await fs.writeFile(at("config"), configOf(directory, port, options));
    server = await start(at("config"), port);
    const sshd: Sshd = {
      host: "127.0.0.1",
      port,
      user: userInfo().username,
      privateKey: await fs.readFile(at("user"), "utf8"),
      privateKeyPath: at("user"),
      hostKey: await publicKey(at("host.pub")),
      directory,
      stop,
      replace: async () => {
        await ended(server);
        await fs.rm(at("host"));
        await makeKey(at("host"));
        sshd.hostKey = await publicKey(at("host.pub"));
        server = await start(at("config"), port);
      },
    };
    return sshd;
  } catch (error) {
    await stop();
    throw error;
  }
}

function configOf(directory: string, port: number, options: readonly string[]): string {
  return [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${directory}/host`,
    `AuthorizedKeysFile ${directory}/authorized_keys`,
    `PidFile ${directory}/pid`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "Subsystem sftp internal-sftp",
    "LogLevel ERROR",
    ...options,
    "",
  ].join("\n");
}

async function makeKey(file: string): Promise<void> {
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], {}).catch(
    async (error) => {
      throw new Error(`ssh-keygen failed: ${error.message}. Install openssh-client`);
    },
  );
}

async function publicKey(file: string): Promise<string> {
  return (await fs.readFile(file, "utf8")).trim();
}

async function start(config: string, port: number): Promise<ChildProcess> {
  // The directory that sshd drops its privileges in; absent where sshd was never started by the system.
  await fs.mkdir("/run/sshd", { recursive: true });
  const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  let complaints = "";
  server.stderr?.on("data", (text: Buffer) => {
    complaints += text.toString();
  });
  process.once("exit", () => server.kill("SIGKILL"));
  for (let attempt = 0; attempt < 100; attempt++) {
    if (server.exitCode !== null) break;
    if (await answers(port)) return server;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ended(server);
  throw new Error(`sshd did not start: ${complaints}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function ended(server: ChildProcess | undefined): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await gone;
}

/** A port nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
