import { lstatSync, mkdirSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { failed } from "../exit";

/** Directory for pid files and keys on their way to ssh: ours alone. It goes with the login session or a reboot. */
export function runtimeDirectory(env: NodeJS.ProcessEnv): string {
  return privateDirectory(path.join(env.XDG_RUNTIME_DIR || "/tmp", `estate-${process.getuid?.() ?? 0}`));
}

/** Directory for what has to last, such as the host keys seen first. */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_STATE_HOME || path.join(env.HOME || os.homedir(), ".local", "state");
  return privateDirectory(path.join(base, "database-estate"));
}

/** Makes the directory 0700, or refuses one that another user owns, can write to or has put a link in place of. */
function privateDirectory(directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stat = lstatSync(directory);
  const foreign = process.getuid !== undefined && stat.uid !== process.getuid();
  if (!stat.isDirectory() || foreign || (stat.mode & 0o077) !== 0) {
    throw failed(`${directory} is open to other users. Remove it, or run: chmod 700 ${directory}`);
  }
  return directory;
}
