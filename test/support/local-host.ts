import { spawn } from "node:child_process";
import { quote } from "../../connect/host-script";
import { linesOf } from "../../connect/lines";
import type { RunOptions, RunResult } from "../../connect/ssh";
import type { ServerName } from "../../estate/types";
import { type DatabaseHost, HostRefusal, lastWords, type OpenHost } from "../../ops/backup/hosts";

/** A throw-away server as a database host: what runs there as root, and as the users it drops to, runs in the server's own root. */
export interface LocalHost {
  open: OpenHost;
  directory: string;
  /** Puts before a program what runs it there, as root. */
  inside: readonly string[];
  /** Lets the host see a directory of this machine under the same path. */
  share(directory: string): Promise<void>;
  /** Free bytes that the next steps find. */
  setFree(bytes: number): Promise<void>;
  /** How often the agent was asked for a backup, and for what. */
  safetyBackups(): Promise<string[]>;
  /** From now on a step whose text has these words breaks as a lost connection does, after it was carried out or not. */
  breakAt(words: string | undefined, carriedOut?: boolean): void;
  /** A dump by the agent's own functions, sealed to `recipient`. */
  backUp(
    database: string,
    recipient: string,
  ): Promise<{ sealed: Buffer; rows: Record<string, number>; notes?: string[] }>;
  remove(): Promise<void>;
}

/** What the agent says of a run that saved nothing. */
export function emptyManifest(host: string, engine: "mariadb" | "postgres") {
  return {
    run: "20260101T000000Z",
    host,
    engine,
    tag: "safety",
    ok: true,
    finished: "2026-01-01T00:00:00Z",
    durationMs: 1,
    versions: {},
    failed: [],
    objects: [],
  };
}

/** Steps by way of `run`, as a host answers them over SSH, and with connections that break where a test says so. */
export function brittleHost(
  name: ServerName,
  run: (text: string, options: ShellOptions) => Promise<RunResult>,
): Pick<LocalHost, "open" | "breakAt"> {
  let broken: { words: string; carriedOut: boolean } | undefined;
  const bash = async (text: string, options: ShellOptions): Promise<RunResult> => {
    const lost = broken !== undefined && text.trimEnd().endsWith(`\n${broken.words}`);
    if (lost && !broken?.carriedOut) throw new Error("lost the connection");
    const result = await run(text, options);
    if (lost) throw new Error("lost the connection");
    return result;
  };
  return {
    async open(_server, signal): Promise<DatabaseHost> {
      const closed = new AbortController();
      signal?.addEventListener("abort", () => closed.abort());
      return {
        name,
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
    breakAt: (words, carriedOut = false) => {
      broken = words === undefined ? undefined : { words, carriedOut };
    },
  };
}

export function withVariables(text: string, variables: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  return [...assignments, text].join("\n");
}

export interface ShellOptions extends Pick<RunOptions, "stdin" | "onStderr"> {
  /** The connection ends, and with it what runs in it. */
  closed: AbortSignal;
}

/** `inside`: what is put before bash. */
export function shell(
  inside: readonly string[],
  text: string,
  env: Record<string, string>,
  options: ShellOptions,
): Promise<RunResult> {
  const words = [...inside, "bash", "-euo", "pipefail", "-c", text];
  return command(words, { ...process.env, ...env }, options);
}

/** Ends, and so fails, with `closed`. */
export function command(
  [program = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin = "", onStderr, closed }: ShellOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    if (closed.aborted) return reject(new Error("not connected"));
    const child = spawn(program, args, { env });
    closed.addEventListener("abort", () => {
      child.stdin.destroy();
      child.kill();
      reject(new Error("the connection was closed"));
    });
    const result = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      result.stdout += text;
    });
    const lines = onStderr && linesOf(onStderr);
    child.stderr.on("data", (data: Buffer) => {
      result.stderr += data;
      lines?.take(data);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      lines?.end();
      resolve({ ...result, code: code ?? 1 });
    });
    child.stdin.on("error", () => undefined);
    if (typeof stdin === "string") child.stdin.end(stdin);
    else stdin.pipe(child.stdin);
  });
}
