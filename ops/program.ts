import { readFileSync } from "node:fs";
import * as path from "node:path";
import { Command, CommanderError } from "commander";
import { backupCommand } from "./commands/backup";
import { checkCommand } from "./commands/check";
import { drillCommand } from "./commands/drill";
import { keysCommand } from "./commands/keys";
import { lintCommand } from "./commands/lint";
import { listCommand } from "./commands/list";
import { migrateCommand } from "./commands/migrate";
import { restoreCommand } from "./commands/restore";
import { rotateCommand } from "./commands/rotate";
import { tunnelCommand } from "./commands/tunnel";
import { EXIT, type ExitCode, exitCodeOf, messageOf } from "./exit";
import type { Io } from "./io";

/** Runs one command line and gives the exit code. Never throws, never ends the process. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message by now; code 0 is --help and --version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.unknown;
    io.err(`estate: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** How a command hands back its exit code. */
export type Finish = (code: ExitCode) => void;

function buildProgram(io: Io, finish: Finish): Command {
  const program = new Command("estate")
    .description("Operates the estate of databases that this project declares.")
    .version(projectVersion(io), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText(
      "after",
      `
Examples:
  estate list                                       what is declared
  eval "$(estate tunnel --stack prod --background)"   open the way in
  estate check --stack prod                         log in everywhere as every service

Exit codes: 0 done, 1 failed, 2 could not tell (or wrong usage).`,
    );
  program.addCommand(listCommand(io, finish));
  program.addCommand(checkCommand(io, finish));
  program.addCommand(lintCommand(io, finish));
  program.addCommand(migrateCommand(io, finish));
  program.addCommand(keysCommand(io, finish));
  program.addCommand(rotateCommand(io, finish));
  program.addCommand(backupCommand(io, finish));
  program.addCommand(restoreCommand(io, finish));
  program.addCommand(drillCommand(io, finish));
  program.addCommand(tunnelCommand(io, finish));
  for (const command of withSubcommands(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(`${oneLine(text)} See: ${pathOf(command)} --help\n`),
    });
  }
  return program;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Commander puts its suggestion on a second line. */
function oneLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "estate: ")
    .replace(/\n\(Did you mean (.*)\?\)$/, "; did you mean $1?");
  return /[.?]$/.test(line) ? line : `${line}.`;
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function projectVersion(io: Io): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(io.projectDir, "package.json"), "utf8"));
  const version =
    manifest && typeof manifest === "object" && "version" in manifest ? manifest.version : undefined;
  return typeof version === "string" ? version : "unknown";
}
