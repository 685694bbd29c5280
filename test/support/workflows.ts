import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectDirectory } from "./run";

const folder = join(projectDirectory, ".github");

export interface Step {
  uses?: string;
  run?: string;
  if?: string;
  env?: Record<string, string>;
  with?: Record<string, unknown>;
}

export interface Job {
  steps?: Step[];
  permissions?: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  environment?: string;
  uses?: string;
  if?: string;
  secrets?: unknown;
  strategy?: { matrix: { include?: Record<string, string>[] } };
}

export interface Workflow {
  on: Record<string, unknown>;
  permissions?: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean | string };
  jobs: Record<string, Job>;
}

/** Every YAML file below .github, by its path there: workflows and composite actions. */
export function githubFiles(): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".yml"),
  );
  return new Map(files.sort().map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

/** The workflows by name of their file. */
export function workflows(): Map<string, Workflow> {
  return new Map(
    [...githubFiles()]
      .filter(([file]) => file.startsWith("workflows/"))
      .map(([file, text]) => [file.replace(/^workflows\/(.*)\.yml$/, "$1"), parse(text) as Workflow]),
  );
}

/** The steps of the composite actions by name of their folder. */
export function actions(): Map<string, Step[]> {
  return new Map(
    [...githubFiles()]
      .filter(([file]) => file.startsWith("actions/"))
      .map(([file, text]) => [
        file.split("/")[1] ?? "",
        (parse(text) as { runs: { steps: Step[] } }).runs.steps,
      ]),
  );
}

/** The one command of a workflow, or of an action of that name, that has `text` in it. */
export function commandWith(name: string, text: string): string {
  const jobs = Object.values(workflows().get(name)?.jobs ?? {});
  const steps = [...jobs.flatMap((job) => job.steps ?? []), ...(actions().get(name) ?? [])];
  const commands = steps.flatMap(({ run }) => (run?.includes(text) ? [run] : []));
  const [command] = commands;
  if (command === undefined || commands.length > 1) {
    throw new Error(`${name} has ${commands.length} commands with "${text}"`);
  }
  return command;
}
