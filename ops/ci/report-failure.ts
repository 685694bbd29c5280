import { endWithResult } from "../exit";
import { currentRun, reportFailure } from "./github-event";

/** report-failure WHAT STACK: opens an issue for a scheduled run that failed, or adds to the one that is open. */
async function main([what, stack]: string[]): Promise<undefined> {
  if (!what || !stack) throw new Error("give WHAT STACK");
  const run = currentRun(process.env);
  const body = `The run of ${new Date().toISOString().slice(0, 10)} on ${run.commit.slice(0, 12)} failed: [its log](${run.url}).`;
  await reportFailure(run, `${what} of ${stack} failed`, what, body);
}

void endWithResult("report-failure", main(process.argv.slice(2)));
