import { run } from "./process";

/** Runs a text of the server's client as its superuser; one row a line, columns by tabs. Throws what the client says. */
export type Sql = (text: string) => Promise<string>;

/** A command as root on a host of the lab, by hand as it were: what the drill does itself never goes through the estate. */
export async function onHost(host: string, command: readonly string[], input = ""): Promise<string> {
  const finished = await run("lab/lab", ["exec", host, "--", ...command], { input });
  if (finished.code === 0) return finished.stdout;
  throw new Error(`${host}: ${finished.stderr.trim().split("\n").slice(-3).join("; ") || finished.code}`);
}

export const mariadbOn =
  (host: string): Sql =>
  (text) =>
    onHost(
      host,
      ["mariadb", "--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4"],
      text,
    );

/** Begins in the database `postgres`; `\connect` leads to others. */
export const postgresOn =
  (host: string): Sql =>
  (text) =>
    onHost(
      host,
      [...asPostgres, "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", "postgres"],
      text,
    );

export const asPostgres = ["runuser", "-u", "postgres", "--"];

/** Lines of columns. */
export function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}
