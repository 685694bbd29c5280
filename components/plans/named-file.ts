import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** More than any key, password, certificate or list of them that a person names. */
const LARGEST_FILE = 2 ** 20;
/** How long a pipe is waited for, such as one of `<(command)`. */
const PATIENCE = 10_000;
const PAUSE = 20;

/**
 * Text of a file that a person names, which may be anything: a pipe that nobody writes to would hold the process where no Ctrl-C reaches
 * it, and a device never ends. Errors: those of open and read; it says nothing for ten seconds; it is larger than 1 MiB.
 */
export function readAnyFile(file: string): string {
  const opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    return readAll(opened, Date.now() + PATIENCE);
  } finally {
    closeSync(opened);
  }
}

function readAll(opened: number, end: number): string {
  const parts: Buffer[] = [];
  let bytes = 0;
  while (bytes <= LARGEST_FILE) {
    const part = Buffer.alloc(2 ** 16);
    const count = readNow(opened, part);
    // Of a pipe that nobody has opened for writing yet a read says that it has ended.
    const unopened = count === 0 && bytes === 0 && fstatSync(opened).isFIFO();
    if (count === 0 && !unopened) return Buffer.concat(parts).toString("utf8");
    if (count === undefined || unopened) {
      if (Date.now() > end) throw new Error(`nothing came of it within ${PATIENCE / 1000} s`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
      continue;
    }
    parts.push(part.subarray(0, count));
    bytes += count;
  }
  throw new Error(`it is larger than ${LARGEST_FILE} bytes`);
}

/** undefined: not yet. */
function readNow(opened: number, into: Buffer): number | undefined {
  try {
    return readSync(opened, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Text of a file that `field` names, such as `backup.caBundle`. Errors: it cannot be read. */
export function readNamedFile(field: string, file: string): string {
  try {
    return readAnyFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${field} is "${file}", which cannot be read: ${reason}`);
  }
}
