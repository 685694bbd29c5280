import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as net from "node:net";
import { tmpdir, userInfo } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { debianRoot } from "./debian-root";
import { freePort } from "./free-port";

const run = promisify(execFile);

/** The server, and what the commands that tests send over it call. */
const PACKAGES = [
  "openssh-server",
  "openssl",
  ...["bash", "dash", "coreutils", "findutils", "grep", "sed", "mawk", "util-linux"],
  // The locale C.UTF-8.
  "libc-bin",
];

export interface Sshd {
  host: "127.0.0.1";
  port: number;
  /** The user that runs the test; the server knows no other way in than `privateKey`. It lets `estate_tunnel` in, too. */
  user: string;
  privateKey: string;
  /** Path of `privateKey`, for ssh-add. */
  privateKeyPath: string;
  /** `ssh-ed25519 AAAA...` */
  hostKey: string;
  /** The same path here and on the server, which sees nothing else of this machine's files. */
  directory: string;
  /** Gives the server a new host key and a new machine id and starts it again on the same port: another machine behind the same address. */
  replace(): Promise<void>;
  /** Ends every connection that is open; the server goes on. */
  dropConnections(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a real, throw-away OpenSSH server on 127.0.0.1 and a random port, in a Debian root: none has to be installed here.
 * Needs root. `options`: more lines of sshd_config.
 */
export async function startSshd(options: readonly string[] = []): Promise<Sshd> {
  const root = await debianRoot("trixie", PACKAGES);
  const directory = await fs.mkdtemp(path.join(tmpdir(), "sshd-"));
  const port = await freePort();
  const at = (name: string) => path.join(directory, name);
  // authorized_keys is read as the user who logs in.
  await fs.chmod(directory, 0o711);
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
    await fs.mkdir(at("root"));
    server = await start(root, directory, port);
    const sshd: Sshd = {
      host: "127.0.0.1",
      port,
      user: userInfo().username,
      privateKey: await fs.readFile(at("user"), "utf8"),
      privateKeyPath: at("user"),
      hostKey: await publicKey(at("host.pub")),
      directory,
      stop,
      dropConnections: async () => {
        for (const id of (await descendants(server?.pid ?? 0)).reverse()) {
          await ifThere(() => process.kill(id, "SIGKILL"));
        }
      },
      replace: async () => {
        await ended(server);
        await fs.rm(at("host"));
        await makeKey(at("host"));
        sshd.hostKey = await publicKey(at("host.pub"));
        server = await start(root, directory, port);
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

async function start(root: string, directory: string, port: number): Promise<ChildProcess> {
  await fs.writeFile(path.join(directory, "machine-id"), `${randomBytes(16).toString("hex")}\n`);
  // The server dies with the test process, however that ends; its mounts die with it.
  const alone = ["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"];
  const script = ["sh", path.join(__dirname, "sshd.sh"), root, directory, userInfo().username];
  const server = spawn("setpriv", [...alone, "--", ...script], {
    // The locales and the agent of this machine are not those of the root.
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    stdio: ["ignore", "ignore", "pipe"],
  });
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

/** Processes of connections: each has one that serves it, and may have another that guards its rights. */
/** A process may end by itself before it is asked. */
async function ifThere<T>(ask: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (["ESRCH", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

async function descendants(id: number): Promise<number[]> {
  const children = (await ifThere(() => fs.readFile(`/proc/${id}/task/${id}/children`, "utf8"))) ?? "";
  const found = children.trim().split(" ").filter(Boolean).map(Number);
  return [...found, ...(await Promise.all(found.map(descendants))).flat()];
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
