import { execFile } from "node:child_process";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { debianRoot } from "./debian-root";

const run = promisify(execFile);

/**
 * Writes into `directory` a program for each of the Debian 13 packages that has one of its own name. Each sees this machine's files
 * and is loaded with the libraries of its own release, so that none of them has to be installed here. Needs root, as the Debian root does.
 */
export async function debianPrograms(directory: string, packages: readonly string[]): Promise<void> {
  const root = await debianRoot("trixie", [...packages]);
  const loader = await theOnly(path.join(root, "usr/lib64"), /^ld-linux.*\.so\.\d$/);
  const libraries = await theOnly(path.join(root, "usr/lib"), /-linux-gnu$/);
  for (const name of packages) {
    const program = path.join(root, "usr/bin", name);
    if (!(await exists(program))) continue;
    const dynamic = await run(loader, ["--verify", program]).then(
      () => true,
      () => false,
    );
    const loaded = dynamic ? `${loader} --argv0 ${name} --library-path ${libraries} ` : "";
    const script = `#!/bin/sh\nexec ${loaded}${program} "$@"\n`;
    await fs.writeFile(path.join(directory, name), script, { mode: 0o755 });
  }
}

async function theOnly(directory: string, name: RegExp): Promise<string> {
  const [found, ...more] = (await fs.readdir(directory)).filter((each) => name.test(each));
  if (found === undefined || more.length > 0) throw new Error(`${directory} has not one ${name}`);
  return path.join(directory, found);
}

function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}
