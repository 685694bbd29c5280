import { readFileSync } from "node:fs";
import * as path from "node:path";
import { Command, CommanderError } from "commander";
import { backupCommand } from "./commands/backup";
import { checkCommand } from "./commands/check";
import { keysCommand } from "./commands/keys";
import { lintCommand } from "./commands/lint";
import { listCommand } from "./commands/list";
import { migrateCommand } from "./commands/migrate";
import { restoreCommand } from "./commands/restore";
import { rotateCommand } from "./commands/rotate";
import { tunnelCommand } from "./commands/tunnel";
import { EXIT, type ExitCode, exitCodeOf, type Finish, messageOf } from "./exit";
import type { Io } from "./io";
import { harmless } from "./render/printable";

/** Runs one command line and gives the exit code. Never throws, never ends the process. Nothing that others said moves the terminal. */
export async function run(argv: readonly string[], world: Io): Promise<ExitCode> {
  const io: Io = {
    ...world,
    out: (text) => world.out(harmless(text)),
    err: (text) => world.err(harmless(text)),
  };
  let exitCode: ExitCode = EXIT.done;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withoutHelp(program, argv), { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message by now; code 0 is --help and --version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.unknown;
    io.err(`estate: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

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

/** `help` of a command that there is not is an unknown command, and not everybody's help. */
function withoutHelp(program: Command, argv: readonly string[]): string[] {
  const [first, name] = argv;
  const known = name === undefined || program.commands.some((command) => command.name() === name);
  return first === "help" && !known ? argv.slice(1) : [...argv];
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
