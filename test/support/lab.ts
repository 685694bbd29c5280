import { hostNamed, type LabHostName } from "../../lab/hosts";
import { consoleArguments } from "../../lab/machine";
import { succeed } from "./run";

/** Runs a command as root on a host of the running lab, by hand as it were. */
export async function onHost(host: LabHostName, command: readonly string[], input = ""): Promise<string> {
  return await succeed("nsenter", consoleArguments(hostNamed(host), command), { input });
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
