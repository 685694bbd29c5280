import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { renderHtml } from "./html";
import { type DrillReport, EXIT_CODES, verdictOf } from "./model";

/** Where the report goes: the directory asked for, made where it is missing, or a new one. */
export async function reportDirectory(asked: string | undefined, cwd: string): Promise<string> {
  if (!asked) return mkdtemp(path.join(tmpdir(), "estate-drill-"));
  const directory = path.resolve(cwd, asked);
  await mkdir(directory, { recursive: true });
  return directory;
}

/** report.json and report.html. */
export async function writeReport(report: DrillReport, directory: string): Promise<void> {
  const verdict = verdictOf(report);
  const json = { verdict, exitCode: EXIT_CODES[verdict], ...report };
  await writeFile(path.join(directory, "report.json"), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(path.join(directory, "report.html"), renderHtml(report));
}
