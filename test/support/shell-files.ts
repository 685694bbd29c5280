import { execFileSync } from "node:child_process";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import * as path from "node:path";
import { projectDirectory } from "./run";

/** Every shell file that is checked in, or is about to be, as paths from the project's directory. */
export function shellFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: projectDirectory,
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  return listed
    .split("\0")
    .filter((file) => file.endsWith(".sh") || /^#!.*\b(ba|da)?sh\b/.test(firstLine(file)));
}

/** Empty for a link to a directory, and for a file that is deleted and not yet committed. */
export function firstLine(file: string): string {
  const at = path.join(projectDirectory, file);
  if (!statSync(at, { throwIfNoEntry: false })?.isFile()) return "";
  const descriptor = openSync(at, "r");
  const head = Buffer.alloc(80);
  const bytes = readSync(descriptor, head);
  closeSync(descriptor);
  return head.subarray(0, bytes).toString("latin1").split("\n")[0] ?? "";
}
