import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as z from "zod";
import type { Io } from "../io";
import { runPulumi } from "../stack";

const run = promisify(execFile);

const UPDATE = z.object({
  kind: z.string(),
  result: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
});

/**
 * The commit that the newest finished `up` ran, from what `pulumi stack history --json` prints, newest first. Pulumi writes it
 * down with the state, where only the roles of an `up` may write. Throws where there is none, or it was of no clean checkout.
 */
export function deployedCommit(history: unknown): string {
  const updates = z.array(UPDATE).parse(history);
  const last = updates.find(({ kind, result }) => kind === "update" && result === "succeeded");
  if (!last) throw new Error("no `up` of this stack came to its end yet: run the workflow deploy first");
  const { "git.head": commit = "", "git.dirty": dirty } = last.environment;
  if (!/^[0-9a-f]{40}$/.test(commit) || dirty !== "false") {
    throw new Error(
      "the last `up` of this stack ran no commit, or one with changes beside it: run the workflow deploy, which " +
        "makes it from main",
    );
  }
  return commit;
}

/**
 * Takes the checkout in `io.projectDir`, which is of main with its whole history, to the commit of the stack's last `up`, and
 * gives that back. Throws where it is no ancestor of the checkout: nobody reviewed it.
 */
export async function checkOutDeployed(io: Io, stack: string): Promise<string> {
  const history = await runPulumi(io, ["stack", "history", "--json", "--page-size", "50", "--stack", stack]);
  const commit = deployedCommit(JSON.parse(history));
  const git = (...args: string[]) => run("git", args, { cwd: io.projectDir });
  await git("merge-base", "--is-ancestor", commit, "HEAD").catch(() => {
    throw new Error(`${commit} was the last \`up\` of ${stack} and is not on main: run the workflow deploy`);
  });
  await git("checkout", "--quiet", "--detach", commit, "--");
  return commit;
}
