import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { Command, CommanderError } from "commander";
import { loadStackConfig } from "../estate/load";
import { messageOf } from "../ops/exit";
import { type Drill, Stopped } from "./context";
import { Operator } from "./operator";
import { projectDirectory } from "./process";
import { refusal } from "./refuse";
import { type DrillReport, EXIT_CODES, promiseFindings, verdictOf } from "./report/model";
import { renderText } from "./report/text";
import { reportDirectory, writeReport } from "./report/write";
import { runDrill } from "./run";
import { labServers } from "./servers";
import { copyOfProject } from "./workplace";

interface Options {
  stack: string;
  out?: string;
  json?: boolean;
}

const NOTES = ["The estate has no erasure ledger yet: nothing was replayed after the restore."];

async function main(words: readonly string[]): Promise<number> {
  const options = optionsOf(words);
  // The AWS SDK announces on stderr which Node its versions to come will want.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const refused = refusal(
    options.stack,
    loadStackConfig(options.stack, projectDirectory).servers,
    process.env,
  );
  if (refused) {
    process.stderr.write(`error: ${refused}\n`);
    return EXIT_CODES.unknown;
  }
  const directory = await reportDirectory(options.out, process.cwd());
  const work = await mkdtemp(path.join(tmpdir(), "estate-drill-place-"));
  const now = () => `${new Date().toISOString().slice(0, 19)}Z`;
  const report: DrillReport = {
    stack: options.stack,
    began: now(),
    ended: now(),
    stages: [],
    databases: [],
    findings: [],
    notes: [...NOTES],
  };
  try {
    const place = await copyOfProject(work);
    const drill: Drill = {
      operator: new Operator(options.stack, place, path.join(directory, "commands.log")),
      servers: labServers,
      report,
      say: (line) => process.stderr.write(`${line}\n`),
    };
    await runDrill(drill);
  } catch (error) {
    if (!(error instanceof Stopped)) {
      report.findings.push({
        area: "afterwards",
        what: "the drill itself",
        verdict: "unknown",
        seen: messageOf(error),
      });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  report.findings.push(...promiseFindings(report.databases));
  report.ended = now();
  await writeReport(report, directory);
  const colour = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;
  process.stdout.write(
    options.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : `\n${renderText(report, { colour })}report: ${directory}/report.html\n`,
  );
  return EXIT_CODES[verdictOf(report)];
}

function optionsOf(words: readonly string[]): Options {
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
      "\nExit codes: 0 passed, 1 failed, 2 something could not be verified, or refused: it works on the lab alone.",
    )
    .exitOverride();
  return command.parse([...words], { from: "user" }).opts<Options>();
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.unknown);
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exit(EXIT_CODES.unknown);
  },
);
