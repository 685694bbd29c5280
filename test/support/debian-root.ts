import { execFile, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { debianMirror } from "../../lab/debian-mirror";
import { cloudPackages } from "../../lab/packages";

const run = promisify(execFile);

export type DebianSuite = "bookworm" | "trixie";

/** Where engines for tests are kept between runs: `${ESTATE_CACHE}` or `~/.cache/database-estate`. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return (
    env.ESTATE_CACHE || path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "database-estate")
  );
}

/** What ca-certificates collects; Python's requests does not start without it. */
export const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/**
 * What most roots are asked for, unpacked once: a root of these serves whoever asks for no others. Systemd is not among them, nor what a
 * machine of a test would start by itself.
 */
const SHARED: Record<DebianSuite, readonly string[]> = {
  bookworm: [
    ...["mariadb-server-core", "mariadb-server", "mariadb-client", "mariadb-backup", "redis-server"],
    ...["age", "bash", "ca-certificates", "coreutils", "curl", "dash", "findutils", "grep", "jq", "libc-bin"],
    ...["libeatmydata1", "mawk", "mount", "perl-base", "sed", "util-linux", "zstd"],
  ],
  trixie: [
    ...["mariadb-server-core", "mariadb-server", "mariadb-client", "mariadb-backup", "redis-server"],
    ...[
      "postgresql-17",
      "postgresql-17-cron",
      "pgbouncer",
      "openssh-server",
      "python3-pip",
      "python3-minimal",
    ],
    ...["age", "bash", "ca-certificates", "coreutils", "curl", "dash", "findutils", "grep", "jq", "libc-bin"],
    ...[
      "libeatmydata1",
      "libpam-modules",
      "mawk",
      "mount",
      "perl-base",
      "procps",
      "sed",
      "shellcheck",
      "tar",
    ],
    ...["util-linux", "zstd", ...cloudPackages],
  ],
};

const building = new Map<string, Promise<string>>();

/**
 * A cached directory with the named packages of a Debian suite and everything they depend on (the C library
 * included), unpacked without running any maintainer script: enough to start a server with `chroot <directory>`.
 * It has /tmp, /srv, /dev/null, /dev/urandom, /dev/shm, the users root, mysql, postgres, redis, nobody and those of backups and restores.
 * Share it: write nowhere in it but in a directory of your own under /srv or /tmp, which you remove again.
 *
 * Needs root, apt and dpkg (any Debian). The mirror is the one that this machine's apt uses.
 */
export function debianRoot(suite: DebianSuite, packages: string[]): Promise<string> {
  const shared = packages.every((name) => SHARED[suite].includes(name));
  const wanted = [...new Set(shared ? SHARED[suite] : packages)].sort();
  const key = createHash("sha256").update(wanted.join(" ")).digest("hex").slice(0, 12);
  const directory = path.join(cacheDirectory(), "engines", `${suite}-${key}`);
  let pending = building.get(directory);
  if (!pending) {
    pending = once(directory, () => build(suite, wanted, directory));
    building.set(directory, pending);
  }
  return pending;
}

/** Other test processes that want the same root wait for the one that builds it. The lock ends with its process. */
async function once(directory: string, work: () => Promise<string>): Promise<string> {
  if (await exists(directory)) return directory;
  await fs.mkdir(path.dirname(directory), { recursive: true });
  const lock = spawn("flock", ["--exclusive", `${directory}.lock`, "sh", "-c", "echo held; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      lock.once("error", reject);
      lock.once("exit", (code) => reject(new Error(`flock of ${directory}.lock ended with ${code}`)));
      lock.stdout.once("data", () => resolve());
    });
    return await work();
  } finally {
    lock.stdin.end();
  }
}

async function build(suite: DebianSuite, packages: string[], directory: string): Promise<string> {
  if (await exists(directory)) return directory;
  if (process.getuid?.() !== 0)
    throw new Error(`a ${suite} root for tests needs root (chroot, device nodes): run as root`);
  // Built beside its place and renamed: an interrupted build is never mistaken for a finished one.
  const work = `${directory}.building-${randomUUID().slice(0, 8)}`;
  try {
    const root = path.join(work, "root");
    await prepare(root);
    const debs = await download(suite, packages, path.join(work, "apt"));
    // Two at a time: to unpack is a matter of the processor.
    const unpackAll = async () => {
      for (let deb = debs.pop(); deb !== undefined; deb = debs.pop()) await unpack(deb, root);
    };
    await Promise.all([unpackAll(), unpackAll()]);
    await fs.rename(root, directory);
    return directory;
  } catch (error) {
    const detail = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(
      `cannot unpack ${packages.join(", ")} of Debian ${suite} into ${directory}: ${detail || String(error)}`,
    );
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/** The skeleton that maintainer scripts would make: merged /usr, devices, users. */
async function prepare(root: string): Promise<void> {
  for (const dir of [
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "etc",
    "dev",
    "srv",
    "proc",
    "run",
    "var/lib",
  ]) {
    await fs.mkdir(path.join(root, dir), { recursive: true });
  }
  for (const link of ["bin", "sbin", "lib", "lib64"]) await fs.symlink(`usr/${link}`, path.join(root, link));
  for (const open of ["tmp", "dev/shm"]) {
    await fs.mkdir(path.join(root, open), { recursive: true });
    await fs.chmod(path.join(root, open), 0o1777);
  }
  const devices = [
    ["null", "3"],
    ["zero", "5"],
    ["random", "8"],
    ["urandom", "9"],
  ] as const;
  for (const [name, minor] of devices) {
    await run("mknod", ["-m", "666", path.join(root, "dev", name), "c", "1", minor]);
  }
  const users = [
    ["root", 0],
    ["mysql", 981],
    ["postgres", 982],
    ["redis", 983],
    ["nobody", 65534],
    // Whom backups and restores run as.
    ["estate-backup", 970],
    ["estate-restore", 971],
    ["estate-proof", 972],
  ] as const;
  const shell = (name: string) =>
    name.startsWith("estate-") ? "/nonexistent:/usr/sbin/nologin" : "/tmp:/bin/sh";
  const passwd = users.map(([name, id]) => `${name}:x:${id}:${id}::${shell(name)}\n`).join("");
  const group = users.map(([name, id]) => `${name}:x:${id}:\n`).join("");
  await fs.writeFile(path.join(root, "etc/passwd"), passwd);
  await fs.writeFile(path.join(root, "etc/group"), group);
  await fs.writeFile(path.join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  await fs.mkdir(path.join(root, "etc/ssl/certs"), { recursive: true });
  await fs.cp(AUTHORITIES, path.join(root, AUTHORITIES));
}

/** Downloads the packages with their whole closure; apt believes that nothing is installed. */
async function download(suite: DebianSuite, packages: string[], state: string): Promise<string[]> {
  await fs.mkdir(path.join(state, "lists/partial"), { recursive: true });
  await fs.mkdir(path.join(state, "archives/partial"), { recursive: true });
  await fs.writeFile(path.join(state, "status"), "");
  const mirror = debianMirror();
  const keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  const sources = [suite, `${suite}-updates`].map((name) => `deb ${keyring} ${mirror} ${name} main\n`);
  await fs.writeFile(path.join(state, "sources.list"), sources.join(""));
  const options = Object.entries({
    "Dir::Etc::sourcelist": `${state}/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State": state,
    "Dir::State::status": `${state}/status`,
    "Dir::Cache": state,
    "Dir::Cache::archives": `${state}/archives`,
    "APT::Sandbox::User": "root",
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await run("apt-get", [...options, "-qq", "update"], { maxBuffer: 1e8 });
  const install = ["-qq", "--yes", "--download-only", "install", ...packages];
  await run("apt-get", [...options, ...install], { maxBuffer: 1e8 });
  const archives = path.join(state, "archives");
  return (await fs.readdir(archives))
    .filter((name) => name.endsWith(".deb"))
    .map((name) => path.join(archives, name));
}

/** tar, not `dpkg -x`: the links of the merged /usr have to survive packages that carry /bin or /lib. */
async function unpack(deb: string, root: string): Promise<void> {
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory "$2"';
  await run("bash", ["-o", "pipefail", "-c", script, "bash", deb, root]);
}

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}
