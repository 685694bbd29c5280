import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";

/**
 * A directory of this user's alone for a backup that is fetched. What a run that was killed has left there goes first: nobody else would
 * ever take it away, and it outlives the retention of the backups that it is of.
 */
export async function makePlace(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(/^estate-restore-(\d+)-/.exec(name)?.[1]);
    const left = path.join(tmpdir(), name);
    if (pid && !runs(pid) && (await isOurs(left))) await rm(left, { recursive: true, force: true });
  }
  return mkdtemp(path.join(tmpdir(), `estate-restore-${process.pid}-`));
}

/** The error of something that writes there; of a full disk it says which, and how to take another. */
export function placeError(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== "ENOSPC") return error;
  return new Error(
    `${tmpdir()} is full, where the backup is fetched to: make room, or name another place by TMPDIR`,
  );
}

/** Of this user, and no link: nothing of somebody else's is followed into. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
