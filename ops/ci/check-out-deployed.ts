import { endWithResult } from "../exit";
import { processIo } from "../io";
import { checkOutDeployed } from "./deployed-commit";

/** check-out-deployed STACK: from a checkout of main with its whole history to the commit that the stack's last `up` ran. */
async function main([stack]: string[]): Promise<undefined> {
  if (!stack) throw new Error("give STACK");
  const commit = await checkOutDeployed(processIo(), stack);
  process.stdout.write(`${stack}: ${commit}, as deployed\n`);
}

void endWithResult("check-out-deployed", main(process.argv.slice(2)));
