import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { debianRoot } from "./debian-root";
import type { PostgresEngine } from "./engines-postgres";

/**
 * A directory whose `bin/runuser` makes `runuser -u postgres -- TOOL` on this machine the superuser's client of a throw-away server,
 * for commands that a drill carries out on its own hosts.
 */
export async function socketShim({ host, admin }: PostgresEngine) {
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-shim-"));
  await fs.mkdir(path.join(directory, "bin"));
  const root = await debianRoot("trixie", ["postgresql-17", "dash", "util-linux"]);
  const lines = [
    "#!/bin/bash",
    "shift 3; tool=$1; shift; args=()",
    'while (($#)); do case $1 in -h) shift 2 ;; *) args+=("$1"); shift ;; esac; done',
    `export PGHOST=${host} PGUSER=${admin.user} PGPASSWORD=${admin.password} PGSSLMODE=require`,
    `exec chroot ${root} /usr/lib/postgresql/17/bin/$tool "\${args[@]}"`,
  ];
  await fs.writeFile(path.join(directory, "bin/runuser"), `${lines.join("\n")}\n`, { mode: 0o755 });
  return { directory, remove: () => fs.rm(directory, { recursive: true, force: true }) };
}
