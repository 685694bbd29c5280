import { projectDirectory, succeed } from "./run";

type Host = "plesk" | "mariadb" | "postgres" | "redis" | "cloud" | "stranger";

/** Runs a command as root on a host of the running lab, by hand as it were. */
export function onHost(host: Host, command: readonly string[], input = ""): Promise<string> {
  return succeed("lab/lab", ["exec", host, "--", ...command], { input, cwd: projectDirectory });
}

/** SQL as the server's own superuser over its socket; one row a line, columns separated by tabs. */
export function mariadb(host: "plesk" | "mariadb", sql: string): Promise<string> {
  return onHost(host, ["mariadb", "--batch", "--skip-column-names"], sql);
}

/** SQL as `postgres` over the socket; unaligned, columns separated by `|`. */
export function postgres(database: string, sql: string): Promise<string> {
  return onHost(
    "postgres",
    ["runuser", "-u", "postgres", "--", "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database],
    sql,
  );
}
