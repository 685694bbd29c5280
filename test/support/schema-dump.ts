import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type DebianSuite, debianRoot } from "./debian-root";
import type { MariadbEngine } from "./engines-mariadb";
import type { PostgresEngine } from "./engines-postgres";
import { schemaText } from "./schema-text";

const run = promisify(execFile);
const MOST_BYTES = 32 * 1024 * 1024;

/** The schema of one database as the server's own dump program tells it, as `schema.sql` holds it. */
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
  return schemaText(stdout, "postgres");
}

/** `client`: the release that the dump program is of; bookworm has 10.11, trixie 11.8. */
export async function dumpMariadb(
  engine: MariadbEngine,
  database: string,
  client: DebianSuite = "trixie",
): Promise<string> {
  const root = await debianRoot(client, ["mariadb-server-core", "mariadb-server"]);
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
  // mariadb-dump names the database in the headings of its routines and views.
  return schemaText(stdout.replaceAll(`\`${database}\`.`, ""), "mariadb");
}
