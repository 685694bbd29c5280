import { currentRun, deployedCommit } from "./github-event";

/** deployed-commits ENVIRONMENT...: a line `environment=commit` for each, as a step's outputs are written. */
async function main(environments: string[]): Promise<void> {
  if (environments.length === 0) throw new Error("give ENVIRONMENT...");
  const run = currentRun(process.env);
  const commits = await Promise.all(environments.map((environment) => deployedCommit(run, environment)));
  process.stdout.write(environments.map((name, index) => `${name}=${commits[index]}\n`).join(""));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`deployed-commits: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
