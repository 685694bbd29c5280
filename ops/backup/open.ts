import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import * as path from "node:path";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { couldNotTell } from "../exit";
import type { Io } from "../io";

/** A backup cannot be opened; the text says why. */
export class Unreadable extends Error {}

/** Path of the private key of age that opens the backups. Throws "could not tell". */
export function keyFile(io: Pick<Io, "env" | "cwd">): string {
  const named = io.env.BACKUP_KEY_FILE;
  if (!named) {
    throw couldNotTell(
      "BACKUP_KEY_FILE is not set: give the path of the private key (age) that opens the backups",
    );
  }
  const file = path.resolve(io.cwd, named);
  try {
    accessSync(file, constants.R_OK);
  } catch {
    throw couldNotTell(`BACKUP_KEY_FILE is "${named}", which cannot be read`);
  }
  return file;
}

/**
 * Decrypts and unpacks `sealed` into `plain`. age and zstd do the work: both see a missing end and a changed byte, and
 * say so by their exit codes. Resolves when all of it came through. Throws Unreadable, and whatever `sealed` or `plain` throw.
 */
export async function unseal(
  sealed: Readable,
  plain: Writable,
  { key, env, signal }: { key: string; env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
): Promise<void> {
  const age = start("age", ["--decrypt", "--identity", key], env);
  const zstd = start("zstd", ["--decompress", "--stdout", "--quiet"], env);
  const options = signal ? { signal } : {};
  const flow = Promise.allSettled([
    pipeline(sealed, age.stdin, options),
    pipeline(age.stdout, zstd.stdin, options),
    pipeline(zstd.stdout, plain, options),
  ]);
  const ends = await Promise.all([age.ended, zstd.ended]);
  const [source, , sink] = await flow;
  signal?.throwIfAborted();
  // Whoever fails first makes the others fail: the words are the first one's.
  const [ageSaid, zstdSaid] = ends;
  if (source.status === "rejected" && !isBrokenPipe(source.reason)) throw source.reason;
  if (ageSaid !== undefined) throw new Unreadable(explainAge(ageSaid));
  if (sink.status === "rejected") throw sink.reason;
  if (zstdSaid !== undefined) throw new Unreadable(`it cannot be unpacked: ${zstdSaid}`);
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(program, args, { env: { PATH: env.PATH, LC_ALL: "C.UTF-8" }, stdio: "pipe" });
  return { stdin: child.stdin, stdout: child.stdout, ended: wordsOf(program, child) };
}

/** What it complained of when it has ended; undefined: nothing. */
function wordsOf(program: string, child: ChildProcess): Promise<string | undefined> {
  let words = "";
  child.stderr?.on("data", (text: Buffer) => {
    words = (words + text.toString()).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? couldNotTell(`there is no ${program} on PATH. Install the package ${program}`)
          : error,
      ),
    );
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : words.trim() || `${program} ended with ${signal ?? code}`),
    );
  });
}

function explainAge(words: string): string {
  if (/no identity matched/.test(words)) {
    return "the key in BACKUP_KEY_FILE does not open it: it was encrypted to other keys (backup.recipients)";
  }
  const first = words
    .split("\n")
    .find((line) => line.startsWith("age: error"))
    ?.replace("age: error: ", "");
  return `it cannot be decrypted, so it was cut off or changed: ${first ?? words}`;
}

function isBrokenPipe(error: unknown): boolean {
  return ["EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes((error as { code?: string }).code ?? "");
}
