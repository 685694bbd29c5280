import { spawn } from "node:child_process";
import * as path from "node:path";

export const projectDirectory = path.resolve(__dirname, "../..");

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  input?: string | undefined;
  /** Each line of standard error as it comes. */
  onStderr?: ((line: string) => void) | undefined;
}

/** Runs a program to its end; never throws on a non-zero exit. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? projectDirectory,
      env: options.env ?? process.env,
      stdio: "pipe",
    });
    const finished = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      finished.stdout += text;
    });
    let unfinished = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      finished.stderr += text;
      const lines = (unfinished + text).split("\n");
      unfinished = lines.pop() ?? "";
      for (const line of lines) options.onStderr?.(line);
    });
    child.once("error", (error) => reject(new Error(`${command} did not start: ${error.message}`)));
    child.once("close", (code) => resolve({ code: code ?? 1, ...finished }));
    // A program that ends early is judged by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}
