import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { quote } from "../../connect/host-script";
import { connectMariadb } from "../../connect/mariadb";
import type { RunResult } from "../../connect/ssh";
import type { ServerName } from "../../estate/types";
import { lastWords } from "../../ops/backup/hosts";
import { ended, type MariadbEngine } from "./engines-mariadb";
import { brittleHost, command, emptyManifest, type LocalHost } from "./local-host";
import { projectDirectory, succeed } from "./run";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A host of MariaDB whose users are real: steps run as its root, who comes in by the socket, in a Debian that keeps what they write. */
export interface MariadbHost extends LocalHost {
  /** Bash of that host's root; throws with its words where it fails. */
  shell(text: string, stdin?: string): Promise<string>;
}

/** The agent's and the restore's steps on this engine's own Debian, with namespaces and files of their own. */
export async function mariadbHost(engine: MariadbEngine, name: ServerName): Promise<MariadbHost> {
  await createRoot(engine);
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-host-"));
  const merged = path.join(directory, "merged");
  const { holder, pid } = await openHost(engine, directory);
  const enter = ["nsenter", "--target", String(pid), "--mount", "--pid", "--"];
  const inside = (...words: string[]) => [
    ...[...enter, "setpriv", "--pdeathsig", "TERM"],
    ...["chroot", merged, "env", "-i", `PATH=${PATH}`, "LC_ALL=C.UTF-8", ...words],
  ];
  const at = (file: string) => path.join(directory, "upper", file);
  const write = async (file: string, content: string, mode = 0o644) => {
    const text = `mkdir -p "$(dirname ${quote(file)})"; cat >${quote(file)}; chmod ${mode.toString(8)} ${quote(file)}`;
    await succeeded(
      command(inside("bash", "-c", text), { PATH }, { stdin: content, closed: new AbortController().signal }),
    );
  };
  const agent = path.join(projectDirectory, "components/agent");
  for (const script of (await fs.readdir(agent)).filter((file) => file.endsWith(".sh"))) {
    await write(`/usr/local/lib/estate-backup/${script}`, readFileSync(path.join(agent, script), "utf8"));
  }
  await write("/srv/free", String(2 ** 40));
  await write("/srv/agent.log", "");
  await write("/usr/local/bin/df", "#!/bin/bash\necho Avail\necho $(cat /srv/free)\n", 0o755);
  const manifest = quote(JSON.stringify(emptyManifest(name, "mariadb")));
  await write(
    "/usr/local/sbin/estate-backup",
    `#!/bin/bash\necho "$*" >>/srv/agent.log\necho ${manifest}\n`,
    0o755,
  );
  await fs.mkdir(path.join(directory, "bin"));
  for (const tool of ["mariadb", "mariadb-dump"]) {
    const line = inside(tool).map(quote).join(" ");
    await fs.writeFile(path.join(directory, "bin", tool), `#!/bin/bash\nexec ${line} "$@"\n`, {
      mode: 0o755,
    });
  }

  const host: MariadbHost = {
    directory,
    inside: inside(),
    async share(shared) {
      const [program = "", ...words] = enter;
      const target = path.join(merged, shared);
      await succeed(program, [...words, "mkdir", "-p", target]);
      await succeed(program, [...words, "mount", "--bind", shared, target]);
    },
    ...brittleHost(name, (text, options) =>
      command(inside("bash", "--norc", "-euo", "pipefail", "-c", text), { PATH }, options),
    ),
    shell: (text, stdin = "") =>
      succeeded(
        command(
          inside("bash", "--norc", "-euo", "pipefail", "-c", text),
          { PATH },
          { stdin, closed: new AbortController().signal },
        ),
      ),
    setFree: (bytes) => write("/srv/free", String(bytes)),
    safetyBackups: async () => (await fs.readFile(at("srv/agent.log"), "utf8")).split("\n").filter(Boolean),
    async backUp(database, recipient) {
      await write("/srv/backup/recipients.txt", `${recipient}\n`);
      await host.shell(`
etc=/srv/backup lib=/usr/local/lib/estate-backup state=/srv/backup work=/srv/backup PORT=${engine.port} LOCAL=/srv/backup ENGINE=mariadb
source "$lib/bounds.sh"; source "$lib/errors.sh"; source "$lib/common.sh"; source "$lib/mariadb.sh"
dump ${database} $work/rows.json | seal >$work/sealed`);
      return {
        sealed: await fs.readFile(at("srv/backup/sealed")),
        rows: JSON.parse(await fs.readFile(at("srv/backup/rows.json"), "utf8")),
        notes: JSON.parse(await fs.readFile(at("srv/backup/notes.json"), "utf8")),
      };
    },
    async remove() {
      await ended(holder);
      await fs.rm(directory, { recursive: true, force: true });
    },
  };
  return host;
}

/** Root of the host, as Debian has it. */
async function createRoot(engine: MariadbEngine): Promise<void> {
  const admin = await connectMariadb(engine, { caCertificate: engine.caCertificate }, engine.admin);
  await admin.query("CREATE OR REPLACE USER root@localhost IDENTIFIED VIA unix_socket");
  await admin.query("GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION");
  await admin.close();
}

/** The namespaces, and the process that keeps them. The engine's own directory is there as it is: its socket is the host's. */
async function openHost(
  engine: MariadbEngine,
  directory: string,
): Promise<{ holder: ChildProcess; pid: number }> {
  const merged = path.join(directory, "merged");
  for (const name of ["upper", "work", "merged"]) await fs.mkdir(path.join(directory, name));
  const own = `${engine.root}${engine.directory}`;
  const setUp = [
    `mount -t overlay overlay -o lowerdir=${engine.root},upperdir=${directory}/upper,workdir=${directory}/work ${merged}`,
    `mount -t proc proc ${merged}/proc`,
    `mount --rbind /dev ${merged}/dev`,
    `mkdir -p ${merged}/run/mysqld ${merged}/run/lock ${merged}/var/lib`,
    `mount --bind ${own} ${merged}/run/mysqld`,
    `mount --bind ${own} ${merged}${engine.directory}`,
    // What the package's scripts would make.
    `ln -sf mawk ${merged}/usr/bin/awk`,
    "echo ready",
    "exec sleep infinity",
  ].join("\n");
  const words = ["--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", setUp];
  const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    holder.stdout?.on("data", () => resolve());
    holder.stderr?.on("data", (text: Buffer) => {
      said += text.toString();
    });
    holder.once("close", (code) => reject(new Error(`no namespaces for a host (${code}): ${said}`)));
  });
  const children = await fs.readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8");
  return { holder, pid: Number(children.trim().split(" ")[0]) };
}

async function succeeded(running: Promise<RunResult>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(lastWords(stderr, 10) || `it ended with ${code}`);
  return stdout;
}
