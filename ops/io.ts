import { fstatSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { failed, messageOf } from "./exit";

/** The world around a command: what it reads and writes. Handed in, so that a test sees every byte. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  env: NodeJS.ProcessEnv;
  /** The user's working directory; relative paths in options start here. */
  cwd: string;
  /** Where Pulumi.yaml lies. */
  projectDir: string;
  /** Colours may be used on stdout. */
  colour: boolean;
  /** A progress line may be redrawn on stderr. */
  liveStderr: boolean;
}

export function processIo(): Io {
  const { env, stdout, stderr } = process;
  return {
    out: isStream(stdout) ? (text) => stdout.write(text) : (text) => writeWhole(stdout.fd, text),
    err: (text) => stderr.write(text),
    env,
    cwd: env.ESTATE_CWD || process.cwd(),
    projectDir: path.resolve(__dirname, ".."),
    colour: Boolean(stdout.isTTY) && !env.NO_COLOR && env.TERM !== "dumb",
    liveStderr: Boolean(stderr.isTTY) && env.TERM !== "dumb",
  };
}

/** A terminal, a pipe, a socket; and not a file, to which Node writes what fits and says nothing of the rest. */
function isStream({ fd, isTTY }: NodeJS.WriteStream & { fd: number }): boolean {
  const to = fstatSync(fd);
  return isTTY || to.isFIFO() || to.isSocket();
}

/** Errors: the disk is full. */
function writeWhole(fd: number, text: string): void {
  try {
    writeFileSync(fd, text);
  } catch (error) {
    throw failed(`the result cannot be written to stdout: ${messageOf(error)}`);
  }
}
