import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { connectMariadb } from "../../connect/mariadb";
import type { Trust } from "../../connect/socket";
import { type DebianSuite, debianRoot } from "./debian-root";
import { freePort } from "./free-port";

const run = promisify(execFile);

export type MariadbVersion = "10.11" | "11.8";

export interface MariadbEngine {
  /** Full version, `11.8.6-MariaDB-...`. */
  version: string;
  host: "127.0.0.1";
  port: number;
  /** May do everything, from 127.0.0.1 over TLS. */
  admin: { user: string; password: string };
  /** The Debian that it runs in, and the directory there (`/srv/...`) of its data and its socket `mysqld.sock`. */
  root: string;
  directory: string;
  /** PEM; the certificate carries localhost and 127.0.0.1. */
  caCertificate: string;
  /** Everything the general log holds so far. */
  log(): string;
  /** The server ends as by a power cut; what is given back starts it again on the same files. */
  crash(): Promise<() => Promise<void>>;
  /** Makes these the authorities of its clients, PEM texts; of one that was started with some. */
  trustClients(authorities: string): Promise<void>;
  stop(): Promise<void>;
}

/** A database host of MariaDB: the server, its tools, and what the steps of backups and restores call. */
const PACKAGES = [
  "mariadb-server-core",
  "mariadb-server",
  "mariadb-client",
  "mariadb-backup",
  "bash",
  "dash",
  "util-linux",
  "mount",
  "coreutils",
  "libc-bin",
  "sed",
  "grep",
  "mawk",
  "perl-base",
  "findutils",
  "jq",
  "zstd",
  "age",
  "libeatmydata1",
];

const SOURCES: Record<MariadbVersion, { suite: DebianSuite; share: string; prefix: string }> = {
  "10.11": { suite: "bookworm", share: "usr/share/mysql", prefix: "mysql" },
  "11.8": { suite: "trixie", share: "usr/share/mariadb", prefix: "mariadb" },
};

/**
 * Starts a real, empty, throw-away server with TLS on 127.0.0.1 and a random port. Needs root (chroot).
 * @param options.names what the certificate carries, as subject alternative names
 * @param options.settings beside, and instead of, those that every engine has
 * @param options.clientAuthorities whose certificates it takes from clients, PEM texts; default: it asks for none
 * @param options.packages of its Debian, beside those that a database host has for its server
 */
export async function startMariadb(
  version: MariadbVersion,
  options: {
    names?: string | undefined;
    settings?: Record<string, string>;
    packages?: string[];
    clientAuthorities?: string;
  } = {},
): Promise<MariadbEngine> {
  const { suite, share, prefix } = SOURCES[version];
  const root = await debianRoot(suite, [...PACKAGES, ...(options.packages ?? [])]);
  const inside = `/srv/mariadb-${randomBytes(6).toString("hex")}`;
  const directory = path.join(root, inside);
  const admin = { user: "admin", password: randomBytes(24).toString("base64url") };
  let server: ChildProcess | undefined;
  const stop = async () => {
    process.off("exit", killNow);
    if (server) await ended(server);
    await fs.rm(directory, { recursive: true, force: true });
  };
  const killNow = () => server?.kill("SIGKILL");
  process.on("exit", killNow);
  try {
    // A server that starts removes the temporary tables of others that it finds in its own: each has a place of its own.
    for (const name of ["data", "tmp"]) await fs.mkdir(path.join(directory, name), { recursive: true });
    await createSystemTables(root, inside, path.join(root, share), prefix);
    await selfSigned(directory, options.names ?? LOCAL_NAMES);
    const caCertificate = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    await fs.writeFile(path.join(directory, "init.sql"), adminAccount(admin));
    const port = await freePort();
    const clients = path.join(directory, "clients.crt");
    if (options.clientAuthorities !== undefined) await fs.writeFile(clients, options.clientAuthorities);
    server = start(root, inside, port, {
      ...(options.clientAuthorities !== undefined && { "ssl-ca": `${inside}/clients.crt` }),
      ...options.settings,
    });
    let complaints = "";
    server.stderr?.on("data", (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-4000);
    });
    const trust = { caCertificate, serverName: options.names === undefined ? undefined : "localhost" };
    const full = await answering(server, port, trust, admin, () => complaints);
    const crash = async () => {
      if (server) await ended(server, "SIGKILL");
      return async () => {
        await fs.writeFile(path.join(directory, "init.sql"), "SELECT 1;\n");
        server = start(root, inside, port, options.settings ?? {});
        server.stderr?.resume();
        await answering(server, port, trust, admin, () => "started again");
      };
    };
    const log = () => readFileSync(path.join(directory, "general.log"), "utf8");
    return {
      version: full,
      host: "127.0.0.1",
      port,
      admin,
      root,
      directory: inside,
      caCertificate,
      log,
      crash,
      async trustClients(authorities) {
        await fs.writeFile(clients, authorities);
        const connection = await connectMariadb({ host: "127.0.0.1", port }, trust, admin);
        await connection.query("FLUSH SSL");
        await connection.close();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The locales of this machine are not those of the root. */
const LOCALE_FREE = { PATH: process.env.PATH, LC_ALL: "C" };
/** Nothing is synced to disk: what a killed server has written is there, and no machine loses its power here. */
const SERVER = ["env", "LD_PRELOAD=libeatmydata.so.1", "/usr/sbin/mariadbd"];
const LEAN = ["--no-defaults", "--user=root", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=24M"];

async function createSystemTables(
  root: string,
  inside: string,
  share: string,
  prefix: string,
): Promise<void> {
  const names = ["system_tables", "performance_tables", "system_tables_data"].map(
    (name) => `${prefix}_${name}.sql`,
  );
  const parts = await Promise.all(names.map((name) => fs.readFile(path.join(share, name), "utf8")));
  const args = [
    root,
    ...SERVER,
    ...LEAN,
    "--bootstrap",
    `--datadir=${inside}/data`,
    `--tmpdir=${inside}/tmp`,
  ];
  const bootstrap = spawn("chroot", args, { stdio: ["pipe", "ignore", "pipe"], env: LOCALE_FREE });
  let complaints = "";
  bootstrap.stderr.on("data", (text: Buffer) => {
    complaints += text.toString();
  });
  bootstrap.stdin.end(`CREATE DATABASE mysql;\nUSE mysql;\n${parts.join("\n")}`);
  const code = await new Promise((resolve) => bootstrap.once("close", resolve));
  if (code !== 0) throw new Error(`mariadbd --bootstrap failed: ${complaints.slice(-2000)}`);
}

/** Subject alternative names of a server's certificate. */
export const LOCAL_NAMES = "DNS:localhost,IP:127.0.0.1";

/** Writes key.pem and cert.pem, self-signed, for the given subject alternative names. */
export async function selfSigned(directory: string, names: string): Promise<void> {
  const files = ["-keyout", path.join(directory, "key.pem"), "-out", path.join(directory, "cert.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  await run("openssl", [
    "req",
    "-x509",
    ...kind,
    ...files,
    "-subj",
    "/CN=throw-away",
    "-addext",
    `subjectAltName=${names}`,
  ]);
}

function adminAccount({ user, password }: { user: string; password: string }): string {
  const sha1 = (data: string | Buffer) => createHash("sha1").update(data).digest();
  const hash = `*${sha1(sha1(password)).toString("hex").toUpperCase()}`;
  const account = `'${user}'@'127.0.0.1'`;
  return (
    `CREATE USER ${account} IDENTIFIED VIA mysql_native_password USING '${hash}' REQUIRE SSL;\n` +
    `GRANT ALL ON *.* TO ${account} WITH GRANT OPTION;\n` +
    // The bootstrap leaves root accounts without a password.
    "DELETE FROM mysql.global_priv WHERE User = 'root';\nFLUSH PRIVILEGES;\n"
  );
}

function start(
  root: string,
  inside: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): ChildProcess {
  const options = {
    datadir: `${inside}/data`,
    tmpdir: `${inside}/tmp`,
    socket: `${inside}/mysqld.sock`,
    "pid-file": `${inside}/mariadb.pid`,
    "init-file": `${inside}/init.sql`,
    "bind-address": "127.0.0.1",
    port: String(port),
    "ssl-cert": `${inside}/cert.pem`,
    "ssl-key": `${inside}/key.pem`,
    "general-log": "1",
    "general-log-file": `${inside}/general.log`,
    "skip-name-resolve": "1",
    "character-set-server": "utf8mb4",
    // As on the hosts that the program provisions: a password in clear has its length judged, an account without one too.
    "plugin-load-add": "simple_password_check",
    "simple-password-check-minimal-length": "1",
    "simple-password-check-digits": "0",
    "simple-password-check-letters-same-case": "0",
    "simple-password-check-other-characters": "0",
    "strict-password-validation": "OFF",
    ...settings,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // The server dies with the test process, however that ends.
  const command = ["--pdeathsig", "KILL", "chroot", root, ...SERVER, ...LEAN, ...args];
  return spawn("setpriv", command, { stdio: ["ignore", "ignore", "pipe"], env: LOCALE_FREE });
}

async function answering(
  server: ChildProcess,
  port: number,
  trust: Trust,
  admin: { user: string; password: string },
  complaints: () => string,
): Promise<string> {
  for (let attempt = 0; attempt < 150; attempt++) {
    if (server.exitCode !== null) throw new Error(`mariadbd ended with ${server.exitCode}: ${complaints()}`);
    try {
      const connection = await connectMariadb({ host: "127.0.0.1", port }, trust, admin);
      const { version } = await connection.serverInfo();
      await connection.close();
      return version;
    } catch (error) {
      if (attempt === 149) throw new Error(`mariadbd does not answer: ${String(error)}\n${complaints()}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error("mariadbd does not answer");
}

/** Terminates the process and waits; kills it where it does not go in ten seconds. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(timer);
}
