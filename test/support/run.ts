import { spawn } from "node:child_process";
import { join } from "node:path";

export const projectDirectory = join(__dirname, "../..");

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
  /** stdout and stderr as they were printed. */
  output: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/** Runs a program to its end; never throws on a non-zero exit. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? projectDirectory,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const finished = { stdout: "", stderr: "", output: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      finished.stdout += text;
      finished.output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      finished.stderr += text;
      finished.output += text;
    });
    child.once("error", (error) => reject(new Error(`${command} did not start: ${error.message}`)));
    child.once("close", (code) => resolve({ code: code ?? 1, ...finished }));
    // A program may end without reading its input: what it printed and its exit code tell the test more than EPIPE.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** Runs a program that has to succeed and gives back what it printed on stdout. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const finished = await run(command, args, options);
  if (finished.code !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${finished.code}:\n${finished.output}`);
  return finished.stdout;
}
