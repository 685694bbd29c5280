import { randomBytes } from "node:crypto";
import type { Fields } from "../fields";

/** What local and remote commands have in common. */
export interface CommandInputs {
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  triggers?: unknown[];
  addPreviousOutputInEnv?: boolean;
  logging?: string;
}

export interface Outputs {
  stdout: string;
  stderr: string;
}

/** Triggers replace the resource; every other change runs the update command, or the create command again. */
export const COMMAND_FIELDS: Fields = {
  create: { type: "string" },
  update: { type: "string" },
  delete: { type: "string" },
  stdin: { type: "string" },
  triggers: { type: "any", replaces: true },
  addPreviousOutputInEnv: { type: "boolean" },
  logging: {
    type: "string",
    fault: (value) =>
      value === "none"
        ? undefined
        : 'unsupported by the stand-in of @pulumi/command, which never logs output. Use "none", or leave it out',
  },
};

/** What a command printed: in clear, whatever it was given on stdin, unless the program declares them secret. */
export const OUTPUTS = ["stdout", "stderr"];

/** Environment by which a command sees what the run before it printed. */
export function previousOutput(inputs: CommandInputs, before: Partial<Outputs>): Record<string, string> {
  const environment: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv === false) return environment;
  if (before.stdout) environment.PULUMI_COMMAND_STDOUT = before.stdout;
  if (before.stderr) environment.PULUMI_COMMAND_STDERR = before.stderr;
  return environment;
}

/** One newline at the end is taken off, no more. */
export function outputsOf(run: Outputs): Outputs {
  return { stdout: run.stdout.replace(/\n$/, ""), stderr: run.stderr.replace(/\n$/, "") };
}

/** As the real plugin tells it: the whole command, and all that it printed; not its stdin. */
export function failure(ended: string, command: string, { stdout, stderr }: Outputs): Error {
  return new Error(`${ended}: running ${JSON.stringify(command)}:\n${stdout}${stderr}`);
}

/** The resource's name with eight random hexadecimal digits behind it. */
export function newId(urn: string): string {
  return `${urn.split("::").at(-1) ?? ""}${randomBytes(4).toString("hex")}`;
}
