import { spawn } from "node:child_process";
import { Command } from "commander";
import { messageOf, reset, up } from "./bring-up";
import { describeDown, down } from "./down";
import { environment, renderEnvironment } from "./environment";
import { hostNamed } from "./hosts";
import { endBuilds } from "./images";
import { exclusively } from "./lock";
import { consoleArguments } from "./machine";
import { terminalProgress } from "./progress";
import { isEmpty } from "./remains";
import { checkPrograms } from "./requirements";
import { renderStatus, status } from "./status";

const program = new Command("lab")
  .description("A real data centre on one machine: Debian hosts in network namespaces on 10.77.0.0/24.")
  .enablePositionalOptions()
  .showHelpAfterError();

program
  .command("up")
  .description("build what the cache lacks, start what is not running; repeatable")
  .action(async () => {
    const progress = terminalProgress();
    await interruptible(() => progress.stage("lab", () => up(progress)));
    console.log(renderStatus(await status()));
  });

program
  .command("down")
  .description("take every process, mount, namespace and file of the lab away; the cache stays")
  .action(async () => {
    requireRoot();
    const result = await exclusively(down);
    console.log(describeDown(result));
    if (!isEmpty(result.left)) process.exitCode = 1;
  });

program
  .command("status")
  .description("each host, and whether it answers; exit code 1 unless all do")
  .option("--json", "machine-readable")
  .action(async (options: { json?: boolean }) => {
    const found = await status();
    console.log(options.json ? JSON.stringify(found, null, 2) : renderStatus(found));
    if (!found.up) process.exitCode = 1;
  });

program
  .command("programs")
  .description("install the programs that the lab, the tests and the bench call, or say which are missing")
  .action(() => checkPrograms(terminalProgress()));

program
  .command("env")
  .description('what the program needs to find the lab; use: eval "$(lab/lab env)"')
  .action(() => console.log(renderEnvironment(environment())));

program
  .command("exec")
  .description("run a command on a host as root, as on its console: lab/lab exec redis -- systemctl status")
  .argument("<host>")
  .argument("<command...>")
  .passThroughOptions()
  .action((name: string, command: string[]) => {
    requireRoot();
    // With options passed through, the separating -- arrives as the first word.
    const words = command[0] === "--" ? command.slice(1) : command;
    const child = spawn("nsenter", consoleArguments(hostNamed(name), words), { stdio: "inherit" });
    child.once("error", fail);
    child.once("close", (code) => {
      process.exitCode = code ?? 137;
    });
  });

program
  .command("reset")
  .description("throw a host's disk away and start it blank, as after the loss of the machine")
  .argument("<host>")
  .action(async (name: string) => {
    requireRoot();
    const host = hostNamed(name);
    await interruptible(() => reset(host, terminalProgress()));
  });

function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new Error("the lab belongs to root. Run the command with sudo");
}

function fail(error: unknown): void {
  console.error(`lab: ${messageOf(error)}`);
  process.exitCode = 1;
}

/** Every stage is repeatable, so an interrupted command only has to end what it started, and say how to go on. */
function interruptible<T>(work: () => Promise<T>): Promise<T> {
  const interrupted = async () => {
    console.error("\nlab: interrupted. To go on: lab/lab up. To clear up: lab/lab down");
    await endBuilds();
    process.exit(130);
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  return exclusively(work);
}

program.parseAsync().catch(fail);
