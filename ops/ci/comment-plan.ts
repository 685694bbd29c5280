import { readFileSync } from "node:fs";
import { endWithResult } from "../exit";
import { marker, renderPlan } from "./comment";
import { currentRun, keepComment } from "./github-event";

/** comment-plan STACK PULL_REQUEST OUTCOME FILE: shows a preview's output on a pull request, in one comment. */
async function main([stack, pullRequest, outcome, file]: string[]): Promise<undefined> {
  if (!stack || !/^\d+$/.test(pullRequest ?? "") || !outcome || !file) {
    throw new Error("give STACK PULL_REQUEST OUTCOME FILE");
  }
  const run = currentRun(process.env);
  const plan = { stack, text: readFileSync(file, "utf8"), failed: outcome !== "success", ...run };
  const { GITHUB_TOKEN = "", SSH_PRIVATE_KEY = "", PLESK_DB_ADMIN_PASSWORD = "" } = process.env;
  const body = renderPlan(plan, [GITHUB_TOKEN, SSH_PRIVATE_KEY, PLESK_DB_ADMIN_PASSWORD]);
  await keepComment(run, Number(pullRequest), marker(stack), body);
}

void endWithResult("comment-plan", main(process.argv.slice(2)));
