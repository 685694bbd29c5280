import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, projectDirectory, run, succeed } from "./run";

/** A copy of the project whose files a test may change, without a trace in the real one. */
export interface ProjectCopy {
  directory: string;
  /** Replaces a text that must be there in a file of the copy. */
  edit(file: string, text: string | RegExp, replacement: string): Promise<void>;
  pulumi(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>;
  remove(): Promise<void>;
}

export async function copyProject(): Promise<ProjectCopy> {
  const directory = await mkdtemp(join(tmpdir(), "estate-project-"));
  const files = (await succeed("git", ["ls-files", "-co", "--exclude-standard"])).split("\n").filter(Boolean);
  const folders = new Set(files.map((file) => file.split("/")[0] as string));
  for (const entry of folders) {
    if (["test", "bench", "docs", ".git"].includes(entry)) continue;
    // With their times: nothing that was built of these files is built anew.
    await cp(join(projectDirectory, entry), join(directory, entry), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
  await symlink(join(projectDirectory, "node_modules"), join(directory, "node_modules"));
  return {
    directory,
    async edit(file, text, replacement) {
      const path = join(directory, file);
      const before = await readFile(path, "utf8");
      const after = before.replace(text, replacement);
      if (after === before) throw new Error(`${file} does not contain ${text}`);
      await writeFile(path, after);
    },
    pulumi: (args, env = {}) => pulumi(args, { cwd: directory, env }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Pulumi.yaml of a project of its own, whose program runs as this one does; `rest`: more lines. */
export function pulumiYaml(name: string, rest = ""): string {
  return `name: ${name}
main: index.ts
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: "--require '${join(projectDirectory, "toolchain/start.cjs")}'"
${rest}`;
}

/** The plain `pulumi` command, as an operator types it. Colours off, nothing interactive. */
export function pulumi(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  return run("pulumi", [...args, "--color", "never", "--non-interactive"], options);
}

/** One step of a preview that is not `same`: its resource's type and name, and the fields that change. */
export interface PlannedChange {
  resource: string;
  op: string;
  fields: string[];
}

interface PreviewStep {
  op: string;
  urn: string;
  detailedDiff?: Record<string, unknown> | null;
}

/** What a preview of the local stack would change. Throws when the preview fails. */
export async function plannedChanges(options: { cwd?: string } = {}): Promise<PlannedChange[]> {
  const finished = await pulumi(["preview", "--stack", "local", "--json"], options);
  if (finished.code !== 0) throw new Error(`the preview failed:\n${finished.output}`);
  const preview = JSON.parse(finished.stdout) as { steps: PreviewStep[] };
  return preview.steps
    .filter(({ op }) => op !== "same" && op !== "read")
    .map(({ op, urn, detailedDiff }) => ({
      op,
      resource: resourceOf(urn),
      fields: Object.keys(detailedDiff ?? {}).sort(),
    }));
}

/** `estate:mariadb:Account mo_crm-account` from a URN. */
function resourceOf(urn: string): string {
  const [, , types = "", name = ""] = urn.split("::");
  return `${types.split("$").pop()} ${name}`;
}
