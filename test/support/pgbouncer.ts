import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { debianRoot } from "./debian-root";
import { ended, LOCAL_NAMES, selfSigned } from "./engines-mariadb";
import type { PostgresEngine } from "./engines-postgres";
import { freePort } from "./free-port";

/** PgBouncer refuses to run as root. */
const UNPRIVILEGED = 65534;

export interface Pgbouncer {
  /** One more client; closed by `stop`. */
  connect(user: string, database: string): Promise<PostgresConnection>;
  stop(): Promise<void>;
}

/**
 * A real pooler in transaction mode before a throw-away server, TLS on both sides. All clients of one user and database share
 * one connection to the server. Needs root (chroot).
 * @param passwords of the users, by name
 */
export async function startPgbouncer(
  engine: PostgresEngine,
  passwords: Readonly<Record<string, string>>,
): Promise<Pgbouncer> {
  const root = await debianRoot("trixie", ["pgbouncer", "util-linux"]);
  const inside = `/srv/pgbouncer-${randomBytes(6).toString("hex")}`;
  const directory = path.join(root, inside);
  const clients: PostgresConnection[] = [];
  let pooler: ChildProcess | undefined;
  const killNow = () => pooler?.kill("SIGKILL");
  process.on("exit", killNow);
  const stop = async () => {
    process.off("exit", killNow);
    await Promise.all(clients.map((client) => client.close()));
    if (pooler) await ended(pooler);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    await fs.mkdir(directory, { mode: 0o700 });
    await selfSigned(directory, LOCAL_NAMES);
    const port = await freePort();
    const files: Record<string, string> = {
      "server-ca.pem": engine.caCertificate,
      "users.txt": Object.entries(passwords)
        .map(([user, password]) => `"${user}" "${password}"\n`)
        .join(""),
      "pgbouncer.ini": configuration(engine.port, port, inside),
    };
    for (const [name, text] of Object.entries(files)) await fs.writeFile(path.join(directory, name), text);
    for (const name of ["", ...(await fs.readdir(directory))]) {
      await fs.chown(path.join(directory, name), UNPRIVILEGED, UNPRIVILEGED);
    }
    const drop = [`--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, "--clear-groups"];
    // Root is dropped inside: a change of user after it would undo --pdeathsig.
    const command = [
      root,
      "setpriv",
      "--pdeathsig",
      "KILL",
      ...drop,
      "/usr/sbin/pgbouncer",
      `${inside}/pgbouncer.ini`,
    ];
    const child = spawn("chroot", command, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: "/usr/sbin:/usr/bin" },
    });
    pooler = child;
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        said = (said + text.toString()).slice(-2000);
      });
    }
    const caCertificate = await fs.readFile(path.join(directory, "cert.pem"), "utf8");
    const open = (user: string, database: string) =>
      connectPostgres(
        { host: "127.0.0.1", port },
        { caCertificate },
        { user, password: passwords[user], database },
      );
    for (let attempt = 1; !/process up/.test(said); attempt++) {
      if (child.exitCode !== null || attempt === 100) throw new Error(`pgbouncer does not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return {
      async connect(user, database) {
        const client = await open(user, database);
        clients.push(client);
        return client;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(server: number, port: number, inside: string): string {
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    pool_mode: "transaction",
    default_pool_size: 1,
    auth_type: "scram-sha-256",
    auth_file: `${inside}/users.txt`,
    client_tls_sslmode: "require",
    client_tls_key_file: `${inside}/key.pem`,
    client_tls_cert_file: `${inside}/cert.pem`,
    server_tls_sslmode: "verify-full",
    server_tls_ca_file: `${inside}/server-ca.pem`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return ["[databases]", `* = host=127.0.0.1 port=${server}`, "[pgbouncer]", ...lines, ""].join("\n");
}
