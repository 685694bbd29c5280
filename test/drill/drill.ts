import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { loadStackConfig } from "../../estate/load";
import { couldNotTell, type ExitCode, messageOf } from "../../ops/exit";
import type { Io } from "../../ops/io";
import { renderJson } from "../../ops/render/json";
import { readStackOutputs } from "../../ops/stack-outputs";
import { type Drill, Stopped } from "./context";
import { asServices } from "./fill/services";
import { Operator } from "./operator";
import { refusal } from "./refuse";
import { type DrillReport, EXIT_CODES, promiseFindings, verdictOf } from "./report/model";
import { renderText } from "./report/text";
import { reportDirectory, writeReport } from "./report/write";
import { runDrill } from "./run";
import { labServers } from "./servers";
import { copyOfProject } from "./workplace";

export interface DrillOptions {
  stack: string;
  /** Directory of the report; undefined: a new temporary one. */
  out?: string;
  /** Prints the report as JSON. */
  json?: boolean;
}

const NOTES = ["The estate has no erasure ledger yet: nothing was replayed after the restore."];

/** The whole drill and its report. Refuses every stack but the lab's. Errors: a stack that is not there, a report that cannot be written. */
export async function drill(options: DrillOptions, io: Io): Promise<ExitCode> {
  const refused = refusal(options.stack, loadStackConfig(options.stack, io.projectDir).servers, io.env);
  if (refused) throw couldNotTell(refused);
  const directory = await reportDirectory(options.out, io.cwd);
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
    const { connections } = await readStackOutputs(io, options.stack);
    const place = await copyOfProject(work);
    const whole: Drill = {
      operator: new Operator(options.stack, place, path.join(directory, "commands.log")),
      servers: labServers,
      asService: asServices(connections, io.env),
      report,
      say: (line) => io.err(`${line}\n`),
    };
    await runDrill(whole);
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
  io.out(
    options.json
      ? renderJson(report)
      : `\n${renderText(report, { colour: io.colour })}report: ${directory}/report.html\n`,
  );
  return EXIT_CODES[verdictOf(report)];
}
