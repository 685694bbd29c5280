import { execFile } from "node:child_process";
import { couldNotTell } from "./exit";
import type { Io } from "./io";

const NOT_INSTALLED =
  'pulumi is not on PATH. Run: eval "$(toolchain/env)" (and make install once, where it was never installed)';
const MEGABYTE = 1024 * 1024;

/**
 * Runs `pulumi` in the project and gives its stdout. Its stdout may hold secrets and so never enters an error;
 * stderr, which tells what is wrong, does.
 */
export function runPulumi(io: Io, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      "pulumi",
      [...args, "--non-interactive"],
      { cwd: io.projectDir, env: io.env, maxBuffer: 64 * MEGABYTE },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        if (error.code === "ENOENT") return reject(couldNotTell(NOT_INSTALLED));
        const reason = stderr.trim().replace(/^error: /, "") || `it ended with code ${error.code ?? "none"}`;
        reject(couldNotTell(`pulumi ${args.slice(0, 2).join(" ")} did not work: ${reason}`));
      },
    );
  });
}

/** The stack asked for, else $PULUMI_STACK, else the one Pulumi has selected. */
export async function resolveStack(io: Io, asked: string | undefined): Promise<string> {
  if (asked === "") throw couldNotTell('--stack is "": name a stack, or leave --stack out');
  const named = asked ?? (io.env.PULUMI_STACK || undefined);
  if (named) return named;
  let selected: string;
  try {
    selected = (await runPulumi(io, ["stack", "--show-name"])).trim();
  } catch {
    throw couldNotTell("no stack is selected. Name one: --stack local (or set PULUMI_STACK)");
  }
  return selected;
}
