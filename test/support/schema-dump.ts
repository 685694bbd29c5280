import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { debianRoot } from "./debian-root";
import type { MariadbEngine } from "./engines-mariadb";
import type { PostgresEngine } from "./engines-postgres";

const run = promisify(execFile);
const MOST_BYTES = 32 * 1024 * 1024;

/** The schema of one database as the server's own dump program tells it, without what differs from run to run. */
export async function dumpPostgres(engine: PostgresEngine, database: string): Promise<string> {
  // The same root as the server of version 17: a pg_dump refuses a newer server, and takes an older one.
  const root = await debianRoot("trixie", ["postgresql-17", "dash", "util-linux"]);
  const env = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C.UTF-8",
    PGHOST: engine.host,
    PGPORT: String(engine.port),
    PGUSER: engine.admin.user,
    PGPASSWORD: engine.admin.password,
    PGSSLMODE: "require",
  };
  const what = [
    "--schema-only",
    "--no-owner",
    "--no-privileges",
    "--exclude-schema=estate",
    "--exclude-extension=*",
  ];
  const { stdout } = await run("chroot", [root, "/usr/lib/postgresql/17/bin/pg_dump", ...what, database], {
    env,
    maxBuffer: MOST_BYTES,
  });
  return tidy(
    stdout
      // What the dump says of itself, of every object's owner, and of the session that restores it.
      .replace(/^--\n(?:-- .*\n)+--\n/gm, "")
      .replace(/^-- Dumped (?:from|by) .*\n/gm, "")
      .replace(/^\\(?:un)?restrict .*\n/gm, "")
      .replace(/^SET [a-z_]+ = .*;\n/gm, "")
      .replace(/^SELECT pg_catalog\.set_config\('search_path'.*\n/gm, "")
      .replace(/^COMMENT ON SCHEMA public .*\n/gm, "")
      .replace(/^CREATE SCHEMA public;\n/gm, ""),
  );
}

export async function dumpMariadb(engine: MariadbEngine, database: string): Promise<string> {
  const root = await debianRoot("trixie", ["mariadb-server-core", "mariadb-server"]);
  const login = [`--host=${engine.host}`, `--port=${engine.port}`, `--user=${engine.admin.user}`];
  const what = ["--no-data", "--routines", "--triggers", "--events", "--compact", "--skip-dump-date"];
  const { stdout } = await run(
    "chroot",
    [
      root,
      "/usr/bin/mariadb-dump",
      "--no-defaults",
      ...login,
      "--ssl",
      "--skip-ssl-verify-server-cert",
      ...what,
      `--ignore-table=${database}.migration_history`,
      database,
    ],
    {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", MYSQL_PWD: engine.admin.password },
      maxBuffer: MOST_BYTES,
    },
  );
  return tidy(
    stdout
      .replace(/^\/\*M?!\d+\\?-? ?(?:enable the sandbox mode|SET [^\n]*) ?\*\/ ?;?\n/gm, "")
      .replace(/ AUTO_INCREMENT=\d+/g, "")
      .replace(/ ?(?:\/\*!\d+ )?DEFINER=`[^`]*`@`[^`]*`(?: SQL SECURITY DEFINER)?(?: \*\/)?/g, "")
      // mariadb-dump names the database in the headings of its routines and views.
      .replaceAll(`\`${database}\`.`, ""),
  );
}

function tidy(dump: string): string {
  const text = dump
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
  return text === "" ? "" : `${text}\n`;
}
