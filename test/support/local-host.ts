import { spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { quote } from "../../connect/host-script";
import type { RunOptions, RunResult } from "../../connect/ssh";
import type { ServerName } from "../../estate/types";
import { type DatabaseHost, HostRefusal, lastWords, type OpenHost } from "../../ops/backup/hosts";
import { debianRoot } from "./debian-root";
import type { MariadbEngine, MariadbVersion } from "./engines-mariadb";
import type { PostgresEngine } from "./engines-postgres";
import { projectDirectory, succeed } from "./run";

/** This machine as a database host of one throw-away server: what runs there as root over the socket runs here. */
export interface LocalHost {
  open: OpenHost;
  directory: string;
  /** Free bytes that the next steps find. */
  setFree(bytes: number): Promise<void>;
  /** How often the agent was asked for a backup, and for what. */
  safetyBackups(): Promise<string[]>;
  /** From now on a step whose text has these words breaks as a lost connection does, after it was carried out or not. */
  breakAt(words: string | undefined, carriedOut?: boolean): void;
  /** A dump by the agent's own functions, sealed to `recipient`. */
  backUp(database: string, recipient: string): Promise<{ sealed: Buffer; rows: Record<string, number> }>;
  remove(): Promise<void>;
}

export type LocalServer =
  | { name: ServerName; kind: "mariadb"; engine: MariadbEngine; version: MariadbVersion }
  | { name: ServerName; kind: "postgres"; engine: PostgresEngine };

export async function localHost(server: LocalServer): Promise<LocalHost> {
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-host-"));
  const bin = path.join(directory, "bin");
  await fs.mkdir(bin);
  const program = (name: string, ...lines: string[]) =>
    fs.writeFile(path.join(bin, name), ["#!/bin/bash", ...lines, ""].join("\n"), { mode: 0o755 });
  const { host, port, admin } = server.engine;
  if (server.kind === "mariadb") {
    const suite = server.version === "10.11" ? "bookworm" : "trixie";
    const root = await debianRoot(suite, ["mariadb-server-core", "mariadb-server"]);
    const options = `--no-defaults --ssl --skip-ssl-verify-server-cert --host=${host} --port=${port} --user=${admin.user}`;
    for (const name of ["mariadb", "mariadb-dump"]) {
      await program(
        name,
        "args=()",
        'for arg in "$@"; do case $arg in --no-defaults|--skip-ssl|--protocol=socket) ;; *) args+=("$arg") ;; esac; done',
        `MYSQL_PWD=${admin.password} exec chroot ${root} /usr/bin/${name} ${options} "\${args[@]}"`,
      );
    }
  } else {
    const root = await debianRoot("trixie", ["postgresql-17", "dash", "util-linux"]);
    await program(
      "runuser",
      "shift 3; tool=$1; shift; args=()",
      'while (($#)); do case $1 in -h) shift 2 ;; *) args+=("$1"); shift ;; esac; done',
      `export PGHOST=${host} PGUSER=${admin.user} PGPASSWORD=${admin.password} PGSSLMODE=require`,
      `exec chroot ${root} /usr/lib/postgresql/17/bin/$tool "\${args[@]}"`,
    );
  }
  const freeFile = path.join(directory, "free");
  const agentLog = path.join(directory, "agent.log");
  await fs.writeFile(freeFile, String(2 ** 40));
  await fs.writeFile(agentLog, "");
  await program("df", "echo Avail", `echo $(cat ${freeFile})`);
  const manifest = {
    run: "20260101T000000Z",
    host: server.name,
    engine: server.kind,
    tag: "safety",
    ok: true,
    finished: "2026-01-01T00:00:00Z",
    durationMs: 1,
    versions: {},
    failed: [],
    objects: [],
  };
  await program("estate-backup", `echo "$*" >>${agentLog}`, `echo ${quote(JSON.stringify(manifest))}`);

  let broken: { words: string; carriedOut: boolean } | undefined;
  const bash = async (text: string, options: ShellOptions): Promise<RunResult> => {
    const here = text
      .replaceAll("/var/lib/estate-restore", path.join(directory, "state"))
      .replaceAll("/run/lock/", `${directory}/`)
      .replaceAll("/usr/local/sbin/estate-backup", path.join(bin, "estate-backup"));
    const lost = broken !== undefined && text.trimEnd().endsWith(`\n${broken.words}`);
    if (lost && !broken?.carriedOut) throw new Error("lost the connection");
    const result = await shell(here, { PATH: `${bin}:${process.env.PATH}` }, options);
    if (lost) throw new Error("lost the connection");
    return result;
  };
  return {
    directory,
    async open(_server, signal): Promise<DatabaseHost> {
      const closed = new AbortController();
      signal?.addEventListener("abort", () => closed.abort());
      return {
        name: server.name,
        async script(text, variables = {}) {
          const result = await bash(withVariables(text, variables), { closed: closed.signal });
          if (result.code === 0) return result.stdout;
          throw new HostRefusal(lastWords(result.stderr) || `a step ended with ${result.code}`);
        },
        filter: (text, variables, options) =>
          bash(withVariables(text, variables), { ...options, closed: closed.signal }),
        close: () => closed.abort(),
      };
    },
    setFree: (bytes) => fs.writeFile(freeFile, String(bytes)),
    safetyBackups: async () => (await fs.readFile(agentLog, "utf8")).split("\n").filter(Boolean),
    breakAt: (words, carriedOut = false) => {
      broken = words === undefined ? undefined : { words, carriedOut };
    },
    async backUp(database, recipient) {
      await fs.writeFile(path.join(directory, "recipients.txt"), `${recipient}\n`);
      const agent = path.join(projectDirectory, "components/agent");
      const text = [
        `etc=${directory} state=${directory} work=${directory} PORT=${port} LOCAL=${directory}`,
        `source ${agent}/common.sh; source ${agent}/${server.kind}.sh`,
        `dump ${database} ${directory}/rows.json | seal >${directory}/sealed`,
      ].join("\n");
      await succeed("bash", ["-euo", "pipefail", "-c", text], {
        env: { PATH: `${bin}:${process.env.PATH}` },
      });
      return {
        sealed: await fs.readFile(path.join(directory, "sealed")),
        rows: JSON.parse(await fs.readFile(path.join(directory, "rows.json"), "utf8")),
      };
    },
    remove: () => fs.rm(directory, { recursive: true, force: true }),
  };
}

function withVariables(text: string, variables: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  return [...assignments, text].join("\n");
}

interface ShellOptions extends Pick<RunOptions, "stdin" | "onStderr"> {
  /** The connection ends, and with it what runs in it. */
  closed: AbortSignal;
}

function shell(
  text: string,
  env: Record<string, string>,
  { stdin = "", onStderr, closed }: ShellOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (closed.aborted) return reject(new Error("not connected"));
    const child = spawn("bash", ["-euo", "pipefail", "-c", text], { env: { ...process.env, ...env } });
    closed.addEventListener("abort", () => {
      child.stdin.destroy();
      child.kill();
      reject(new Error("the connection was closed"));
    });
    const result = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => {
      result.stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      result.stderr += data.toString();
      onStderr?.(data.toString());
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ ...result, code: code ?? 1 }));
    child.stdin.on("error", () => undefined);
    if (typeof stdin === "string") child.stdin.end(stdin);
    else stdin.pipe(child.stdin);
  });
}
