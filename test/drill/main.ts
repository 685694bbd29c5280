import { Command, CommanderError } from "commander";
import { EXIT, type ExitCode, endWithResult, exitCodeOf, messageOf } from "../../ops/exit";
import { processIo } from "../../ops/io";
import { type DrillOptions, drill } from "./drill";

/** What `make drill` starts. */
async function main(): Promise<ExitCode> {
  const io = processIo();
  let exitCode: ExitCode = EXIT.done;
  const command = new Command("drill")
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

Exit codes: 0 passed, 1 failed, 2 something could not be verified, or refused.`,
    )
    .action(async (options: DrillOptions) => {
      exitCode = await drill(options, io);
    });
  try {
    await command.exitOverride().parseAsync();
  } catch (error) {
    // Commander has printed its own message by now; code 0 is --help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.unknown;
    io.err(`drill: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
  return exitCode;
}

void endWithResult("drill", main());
