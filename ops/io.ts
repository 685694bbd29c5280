import * as path from "node:path";

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
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    env,
    cwd: env.ESTATE_CWD || process.cwd(),
    projectDir: path.resolve(__dirname, ".."),
    colour: Boolean(stdout.isTTY) && !env.NO_COLOR && env.TERM !== "dumb",
    liveStderr: Boolean(stderr.isTTY) && env.TERM !== "dumb",
  };
}
