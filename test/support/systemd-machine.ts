import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { endGroup, unifiedHierarchy } from "../../lab/cgroups";
import { scripts } from "../../lab/paths";
import { debianRoot } from "./debian-root";
import { freePort } from "./free-port";
import type { MachineNetwork } from "./machine-network";

const run = promisify(execFile);

/** A running machine with systemd and sshd, and what scripts of hosts call. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "openssh-server", "openssl", "iproute2", "libc-bin", "libpam-systemd"],
  ...["bash", "dash", "coreutils", "diffutils", "findutils", "grep", "sed", "gawk", "util-linux", "procps"],
];

export interface SystemdMachine {
  ssh: { host: string; port: number; user: "root"; privateKey: string; hostKey: string };
  /** A command as root, as on its console; its standard output. */
  exec(...command: string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Boots a Debian 13 with real systemd, an sshd and the named packages, in namespaces of its own. Its network is this machine's, where
 * sshd listens on 127.0.0.1, or the given one. Blank but for that, and thrown away. Limits of its units are noted and shown; they hold where this machine's cgroups
 * hand their controllers on. Needs root and a cgroup2 hierarchy.
 */
export async function bootMachine(
  packages: readonly string[],
  network?: MachineNetwork,
): Promise<SystemdMachine> {
  const lower = await debianRoot("trixie", [...PACKAGES, ...packages]);
  const hierarchy = unifiedHierarchy();
  if (!hierarchy) throw new Error("this machine has no cgroup2 hierarchy mounted");
  const name = `test-${randomBytes(4).toString("hex")}`;
  const directory = await fs.mkdtemp(path.join(tmpdir(), "machine-"));
  const at = (file: string) => path.join(directory, file);
  const group = path.join(hierarchy, `estate-${name}`);
  let first: ChildProcess | undefined;
  const stop = async () => {
    await endGroup(group);
    first?.kill("SIGKILL");
    await run("umount", [at("disk")]).catch(() => undefined);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    for (const one of ["disk", "root", "mirror"]) await fs.mkdir(at(one));
    // An overlay on another overlay has no upper layer of its own: memory is one.
    await run("mount", ["-t", "tmpfs", "-o", "mode=0755", "machine", at("disk")]);
    for (const one of ["upper", "work"]) await fs.mkdir(at(`disk/${one}`));
    const host = network?.machine.ipv4 ?? "127.0.0.1";
    const port = network ? 22 : await freePort();
    for (const key of ["user", "host"])
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", at(key)]);
    await layer(at("disk/upper"), host, port, directory);
    await fs.mkdir(group);
    // Nothing is left running where a test ends without its end.
    process.once("exit", () =>
      spawnSync("sh", ["-c", 'kill -9 $(cat "$1"/cgroup.procs "$1"/init.scope/cgroup.procs)', "sh", group]),
    );
    first = spawn(
      "sh",
      [
        ...[
          "-c",
          'exec "$@"',
          "sh",
          ...(network?.enter ?? []),
          "unshare",
          "--mount",
          "--uts",
          "--ipc",
          "--pid",
          "--fork",
        ],
        ...["sh", path.join(scripts, "boot.sh"), name, lower, at("disk/upper"), at("disk/work"), at("root")],
        ...[at("mirror"), group],
      ],
      { stdio: "ignore", cwd: "/" },
    );
    const text = (file: string) => fs.readFile(at(file), "utf8").then((content) => content.trim());
    const ssh = {
      ...{ host, port, user: "root" as const },
      ...{ privateKey: `${await text("user")}\n`, hostKey: await text("host.pub") },
    };
    const exec = async (...command: string[]) => {
      const options = [
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
      ];
      const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
      const { stdout } = await run("ssh", [
        "-i",
        at("user"),
        "-p",
        String(port),
        ...options,
        `root@${host}`,
        words,
      ]);
      return stdout;
    };
    // Its kernel modules are this machine's: as a whole it counts as degraded.
    await until(
      () =>
        exec("systemctl", "is-active", "multi-user.target").then(
          () => true,
          () => false,
        ),
      60,
    );
    return { ssh, exec, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What packages' scripts and the first boot would have made. */
async function layer(upper: string, host: string, port: number, keys: string): Promise<void> {
  const write = async (file: string, text: string, mode = 0o644) => {
    await fs.mkdir(path.dirname(path.join(upper, file)), { recursive: true });
    await fs.writeFile(path.join(upper, file), text, { mode });
  };
  await write("etc/machine-id", `${randomBytes(16).toString("hex")}\n`);
  await write("etc/hosts", "127.0.0.1 localhost\n");
  for (const service of ["runuser", "other"]) {
    await write(
      `etc/pam.d/${service}`,
      "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
    );
  }
  await write("root/.ssh/authorized_keys", await fs.readFile(path.join(keys, "user.pub"), "utf8"), 0o600);
  await write("etc/ssh/host", await fs.readFile(path.join(keys, "host"), "utf8"), 0o600);
  await write(
    "etc/ssh/test_config",
    [
      ...[`ListenAddress ${host}`, `Port ${port}`, "HostKey /etc/ssh/host", "StrictModes no", "UsePAM no"],
      ...[
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "",
      ],
    ].join("\n"),
  );
  await write(
    "etc/systemd/system/test-sshd.service",
    "[Service]\nRuntimeDirectory=sshd\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/test_config\n",
  );
  const wants = path.join(upper, "etc/systemd/system/multi-user.target.wants");
  await fs.mkdir(wants, { recursive: true });
  await fs.symlink("/etc/systemd/system/test-sshd.service", path.join(wants, "test-sshd.service"));
  await fs.symlink(
    "/usr/lib/systemd/system/multi-user.target",
    path.join(upper, "etc/systemd/system/default.target"),
  );
  for (const [link, target] of [
    ["usr/bin/awk", "gawk"],
    ["usr/bin/which", "which.debianutils"],
  ] as const) {
    await fs.mkdir(path.dirname(path.join(upper, link)), { recursive: true });
    await fs.symlink(target, path.join(upper, link));
  }
  const users = [
    ["root", 0],
    ["redis", 983],
    ["sshd", 980],
    ["messagebus", 979],
    ["nobody", 65534],
  ] as const;
  await write("etc/passwd", users.map(([user, id]) => `${user}:x:${id}:${id}::/root:/bin/sh\n`).join(""));
  await write("etc/group", users.map(([user, id]) => `${user}:x:${id}:\n`).join(""));
  await fs.mkdir(path.join(upper, "var/lib/redis"), { recursive: true, mode: 0o750 });
  await fs.chown(path.join(upper, "var/lib/redis"), 983, 983);
}

async function until(condition: () => Promise<boolean>, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`the machine is not up within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
