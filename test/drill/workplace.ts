import { cp, mkdir, symlink } from "node:fs/promises";
import * as path from "node:path";
import { projectDirectory, run } from "./process";

/**
 * A checkout and a home in which nothing of earlier runs lies, as on the machine of somebody who comes to help. Packages and the
 * Pulumi toolchain are the ones that are installed.
 */
export async function copyOfProject(below: string): Promise<{ directory: string; home: string }> {
  const directory = path.join(below, "project");
  const home = path.join(below, "home");
  await mkdir(home, { recursive: true });
  const listed = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"]);
  if (listed.code !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  for (const file of listed.stdout.split("\0").filter(Boolean)) {
    if (/^(test|bench|docs)\//.test(file)) continue;
    // A file that was deleted and not committed yet is listed, too.
    await cp(path.join(projectDirectory, file), path.join(directory, file)).catch(
      (error: { code?: string }) => {
        if (error.code !== "ENOENT") throw error;
      },
    );
  }
  await symlink(path.join(projectDirectory, "node_modules"), path.join(directory, "node_modules"));
  return { directory, home };
}
