import { Command } from "commander";
import type { DrillOptions } from "../../drill/drill";
import type { Finish } from "../exit";
import type { Io } from "../io";

export function drillCommand(io: Io, finish: Finish): Command {
  return new Command("drill")
    .description("Destroy the lab's database hosts, bring them back from the bucket alone, and prove it.")
    .option("--stack <name>", "the lab's stack", "local")
    .option(
      "--out <directory>",
      "where report.html, report.json and commands.log go (default: a new temporary one)",
    )
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
It works on the lab alone, and refuses every other stack.

Examples:
  estate drill
  estate drill --out report

Exit codes: 0 passed, 1 failed, 2 something could not be verified, or refused.`,
    )
    .action(async (options: DrillOptions) => {
      // Loaded here: no other command has to do with the lab. By `require`, as `import()` looks for JavaScript.
      const { drill } = require("../../drill/drill") as typeof import("../../drill/drill");
      finish(await drill(options, io));
    });
}
