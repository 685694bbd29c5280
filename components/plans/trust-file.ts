import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @pulumi/postgresql takes the certificate it trusts as the path of a file, and nothing else. The path is relative to the
 * project, where the engine starts its plugins, so it is the same on every machine; its name carries the certificate's
 * hash, so another certificate is another path. Every run of the program writes it. `pulumi refresh` and `destroy` do not
 * run the program: on a machine that never ran `preview` or `up` add `--run-program`.
 */
export const TRUST_DIRECTORY = join(".cache", "trust");

/** Writes a pinned certificate (PEM) and returns its path, relative to the project. */
export function writeTrustFile(name: string, certificate: string, project: string = process.cwd()): string {
  const hash = createHash("sha256").update(certificate).digest("hex").slice(0, 16);
  const file = join(TRUST_DIRECTORY, `${name}-${hash}.pem`);
  const absolute = join(project, file);
  mkdirSync(join(project, TRUST_DIRECTORY), { recursive: true });
  // Renamed into place: a plugin never reads half of it.
  writeFileSync(`${absolute}.${process.pid}`, certificate);
  renameSync(`${absolute}.${process.pid}`, absolute);
  return file;
}
