import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { connectRedis, type RedisLogin } from "../../connect/redis";
import type { Trust } from "../../connect/socket";
import { type DebianSuite, debianRoot } from "./debian-root";
import { ended, LOCAL_NAMES, selfSigned } from "./engines-mariadb";
import { freePort } from "./free-port";
import { succeed } from "./run";

export type RedisVersion = "7.0" | "8.0";

/** `tls-auth-clients` */
export type Asks = "no" | "optional" | "yes";

/** Whom a server asks for a certificate, whose it takes (PEM texts), and what its admin shows. */
export interface AskedClients {
  asks: Asks;
  authorities: string;
  admin: string;
}

export interface RedisEngine {
  /** `8.0.2` */
  version: string;
  host: "127.0.0.1";
  /** TLS only; there is no other port. */
  port: number;
  /** May do everything. The user `default` is off. */
  admin: { user: string; password: string };
  /** PEM; the certificate carries localhost and 127.0.0.1. */
  caCertificate: string;
  /** Content of the ACL file; empty without one. */
  aclFile(): string;
  /** As the program's instance is told while it runs: whom it asks for a certificate, and whose it takes. Of one that began with some. */
  ask(asks: Asks, authorities: string): Promise<void>;
  /** Stops the server and starts it again on the same port with the ACL file it saved. */
  restart(): Promise<void>;
  /** Its directory has no byte of room while `work` runs. */
  withFullDisk<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

const SUITES: Record<RedisVersion, DebianSuite> = { "7.0": "bookworm", "8.0": "trixie" };

/** Starts a real, empty, throw-away server with TLS on 127.0.0.1 and a random port. Needs root (chroot). */
export async function startRedis(
  version: RedisVersion,
  options: { aclFile: boolean; names?: string | undefined; clients?: AskedClients } = { aclFile: true },
): Promise<RedisEngine> {
  const root = await debianRoot(SUITES[version], ["redis-server"]);
  const inside = `/srv/redis-${randomBytes(6).toString("hex")}`;
  const directory = path.join(root, inside);
  const admin = { user: "admin", password: randomBytes(24).toString("base64url") };
  const hash = createHash("sha256").update(admin.password).digest("hex");
  const users = ["default off", `admin on #${hash} ~* &* +@all`].map((rule) => `user ${rule}\n`);
  let server: ChildProcess | undefined;
  const stop = async () => {
    if (server) await ended(server);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    await fs.mkdir(directory, { recursive: true });
    await selfSigned(directory, options.names ?? LOCAL_NAMES);
    const caCertificate = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    const trust = { caCertificate, serverName: options.names === undefined ? undefined : "localhost" };
    const port = await freePort();
    const aclFile = path.join(directory, "users.acl");
    const { clients } = options;
    const trusted = path.join(directory, "clients.crt");
    if (clients) await fs.writeFile(trusted, clients.authorities);
    if (options.aclFile) await fs.writeFile(aclFile, users.join(""));
    await fs.writeFile(
      path.join(directory, "redis.conf"),
      `bind 127.0.0.1\nport 0\ntls-port ${port}\ntls-cert-file ${inside}/cert.pem\ntls-key-file ${inside}/key.pem\n` +
        `tls-auth-clients ${clients?.asks ?? "no"}\ndir ${inside}\nsave ""\n` +
        (clients ? `tls-ca-cert-file ${inside}/clients.crt\ntls-session-caching no\n` : "") +
        (options.aclFile ? `aclfile ${inside}/users.acl\n` : users.join("")),
    );
    const login = { ...admin, clientCertificate: clients?.admin };
    let full = "";
    let complaints = "";
    const note = (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-2000);
    };
    const start = async () => {
      const command = [
        "--pdeathsig",
        "KILL",
        "chroot",
        root,
        "/usr/bin/redis-server",
        `${inside}/redis.conf`,
      ];
      // The locales of this machine are not those of the root: Redis 8 refuses to start with one it does not find.
      const env = { PATH: process.env.PATH, LC_ALL: "C" };
      server = spawn("setpriv", command, { stdio: ["ignore", "pipe", "pipe"], env });
      for (const stream of [server.stdout, server.stderr]) stream?.on("data", note);
      full = await answering(server, port, trust, login, () => complaints);
    };
    const restart = async () => {
      if (server) await ended(server);
      await start();
    };
    await start();
    const ask: RedisEngine["ask"] = async (asks, authorities) => {
      const connection = await connectRedis({ host: "127.0.0.1", port }, trust, login);
      await fs.writeFile(trusted, authorities);
      const words = ["tls-auth-clients", asks, "tls-ca-cert-file", `${inside}/clients.crt`];
      await connection.call("CONFIG", "SET", ...words);
      await connection.close();
    };
    const acls = () => (options.aclFile ? readFileSync(aclFile, "utf8") : "");
    const withFullDisk = async <T>(work: () => Promise<T>) => {
      await succeed("mount", ["-t", "tmpfs", "-o", "size=4k", "none", directory]);
      try {
        await fs.writeFile(path.join(directory, "fill"), Buffer.alloc(4096));
        return await work();
      } finally {
        await succeed("umount", [directory]);
      }
    };
    return {
      version: full,
      host: "127.0.0.1",
      port,
      admin,
      caCertificate,
      aclFile: acls,
      ask,
      restart,
      withFullDisk,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answering(
  server: ChildProcess,
  port: number,
  trust: Trust,
  admin: RedisLogin,
  complaints: () => string,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    if (server.exitCode !== null)
      throw new Error(`redis-server ended with ${server.exitCode}: ${complaints()}`);
    try {
      const connection = await connectRedis({ host: "127.0.0.1", port }, trust, admin);
      const { version } = await connection.serverInfo();
      await connection.close();
      return version;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
